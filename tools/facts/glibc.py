"""Joins what Debian's packages and zig's list say of glibc's symbols, and writes the product's file. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from tools.facts import texts
from tools.facts.abilists import Symbols

_MACHINES = ("x86_64", "aarch64")
_WHAT = (
    "Library, its versions on x86_64 and on aarch64 (oldest first, `-` for none), symbols; "
    "up to glibc {newest}"
)
_SOURCE = (
    "measured: symbols files of Debian's libc6 ({packages}) for amd64 and arm64; "
    "lib/libc/glibc/abilists of zig {zig}"
)
_LICENCE = (
    "names and versions are facts of glibc's interface; "
    "zig's file is under MIT, glibc under LGPL-2.1-or-later"
)


def debian(text: str) -> Symbols:
    """Library → symbol → versions, of a package's `symbols` file (deb-symbols(5))."""
    found: Symbols = {}
    library: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line[:1] not in {" ", "|", "*", "#", ""}:
            library = found.setdefault(line.split()[0], {})
        elif line.startswith(" "):
            symbol, _, node = line.split()[0].partition("@")
            version = re.fullmatch(r"GLIBC_([\d.]+)", node)
            # The version itself is listed too, and a placeholder stands where a library became empty.
            if version and symbol != node and not symbol.endswith("_version_placeholder"):
                library.setdefault(symbol, set()).add(version[1])
    return {name: symbols for name, symbols in found.items() if symbols}


def joined(sources: Iterable[Symbols]) -> Symbols:
    """Everything that any source knows."""
    found: Symbols = defaultdict(lambda: defaultdict(set))
    for source in sources:
        for library, symbols in source.items():
            for symbol, versions in symbols.items():
                found[library][symbol] |= versions
    return found


def order(version: str) -> tuple[int, ...]:
    """A version as numbers, to sort by."""
    return tuple(map(int, version.split(".")))


def rendered(machines: Mapping[str, Symbols], packages: str, zig: str, checked: str) -> str:
    """The text of the product's file."""
    rows: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for library in sorted({each for symbols in machines.values() for each in symbols}):
        held = [machines[machine].get(library, {}) for machine in _MACHINES]
        for symbol in sorted(held[0].keys() | held[1].keys()):
            rows[library, _said(held[0].get(symbol)), _said(held[1].get(symbol))].append(symbol)
    every = set[str]()
    for libraries in machines.values():
        for symbols in libraries.values():
            every |= set[str]().union(*symbols.values())
    return texts.rendered(
        _WHAT.format(newest=max(every, key=order)),
        _SOURCE.format(packages=packages, zig=zig),
        checked,
        [(*key, *names) for key, names in sorted(rows.items())],
        _LICENCE,
    )


def _said(versions: set[str] | None) -> str:
    return ",".join(sorted(versions, key=order)) if versions else "-"
