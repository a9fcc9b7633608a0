"""Reads the data files of this package. Each is read once, when it is first asked for.

An entry says where it comes from (`source`) and when that was read (`checked`). "Remembered" is not a
source: such an entry does not load, and `refused()` names it.
"""

import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from trimaran.facts.model import (
    ClusterKind,
    Distribution,
    GoBootstrap,
    GoKernel,
    GoPackage,
    Libc,
    Refused,
    SymbolVersion,
)

# An entry as TOML gives it; the functions below give it types.
_Entry = Mapping[str, Any]
_Facts = tuple[dict[str, _Entry], tuple[Refused, ...]]
_FILES = ("distributions", "glibc_symbols", "go", "kinds", "libcs", "musl_symbols")


class UnsourcedFactError(ValueError):
    """An entry of a data file has no source or no day, so nobody can check it."""


@cache
def distributions() -> Mapping[str, Distribution]:
    """Every distribution of which the C library is known, by id, in the order in which people read them."""
    entries, _ = _read("distributions")
    libcs, _ = _read("libcs")
    symbols, _ = _read("musl_symbols")
    found = {name: _distribution(name, entry, libcs, symbols) for name, entry in entries.items()}
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: _order(item[0]))))


@cache
def go_kernels() -> tuple[GoKernel, ...]:
    """What Go's releases need of Linux, oldest release first."""
    entries = _listed("kernel")
    return tuple(GoKernel(e["first"], e["linux"], e["source"], str(e["checked"])) for e in entries)


@cache
def go_bootstraps() -> tuple[GoBootstrap, ...]:
    """Which Go builds which releases from source, oldest release first."""
    entries = _listed("bootstrap")
    return tuple(GoBootstrap(e["first"], e["needs"], e["source"], str(e["checked"])) for e in entries)


@cache
def go_packages() -> tuple[GoPackage, ...]:
    """Which Go the distributions' own packages bring."""
    entries = _listed("package")
    return tuple(
        GoPackage(e["distribution"], e["version"], tuple(e["also"]), e["source"], str(e["checked"]))
        for e in entries
    )


@cache
def glibc_symbols() -> tuple[SymbolVersion, ...]:
    """What raises the glibc that a program needs, oldest version first."""
    entries, _ = _read("glibc_symbols")
    return tuple(
        SymbolVersion(name, tuple(e["symbols"]), tuple(e.get("markers", ())), e["source"], str(e["checked"]))
        for name, e in entries.items()
    )


@cache
def cluster_kinds() -> Mapping[str, ClusterKind]:
    """Every kind that we render for clusters, by name, in the order in which they are applied."""
    entries, _ = _read("kinds")
    found = [
        ClusterKind(name, e["version"], e["plural"], e["wave"], e["source"], str(e["checked"]))
        for name, e in entries.items()
    ]
    return MappingProxyType({each.name: each for each in sorted(found, key=lambda each: each.wave)})


@cache
def refused() -> tuple[Refused, ...]:
    """Every entry that did not load for want of a source."""
    return tuple(entry for name in _FILES for entry in _read(name)[1])


def select(file: str, text: str) -> _Facts:
    """The entries of one data file that say where they come from, and those that do not.

    Raises:
        UnsourcedFactError: an entry has no `source` or no `checked` at all.
    """
    import tomllib

    taken: dict[str, _Entry] = {}
    left: list[Refused] = []
    for name, entry in _entries(tomllib.loads(text)):
        source = entry.get("source", "")
        if not source or "checked" not in entry:
            raise UnsourcedFactError(f"{file}: {name} needs `source` and `checked`")
        if _remembered(source):
            left.append(Refused(file, name, source))
            continue
        # A key may have a source of its own; it stands or falls with that, not with the entry's.
        loose = [key for key in entry if key.endswith("_source") and _remembered(entry[key])]
        dropped = {key for each in loose for key in entry if key.startswith(each.removesuffix("_source"))}
        left.extend(Refused(file, f"{name}.{key.removesuffix('_source')}", entry[key]) for key in loose)
        taken[name] = {key: value for key, value in entry.items() if key not in dropped}
    return taken, tuple(left)


def _remembered(source: str) -> bool:
    return source.strip().lower().startswith("remembered")


def _entries(data: Mapping[str, Any]) -> list[tuple[str, _Entry]]:
    found: list[tuple[str, _Entry]] = []
    for name, value in data.items():
        if isinstance(value, list):
            found.extend((f"{name}[{place}]", entry) for place, entry in enumerate(value))
        else:
            found.append((name, value))
    return found


@cache
def _read(name: str) -> _Facts:
    file = f"{name}.toml"
    # Not importlib.resources: what it imports costs more than all the reading.
    found = pkgutil.get_data("trimaran.facts", file) or b""
    return select(file, found.decode("utf-8"))


def _listed(kind: str) -> list[_Entry]:
    entries, _ = _read("go")
    return [entry for name, entry in entries.items() if name.partition("[")[0] == kind]


def _distribution(
    name: str, entry: _Entry, libcs: Mapping[str, _Entry], symbols: Mapping[str, _Entry]
) -> Distribution:
    libc = Libc(entry["libc"])
    own = libcs[libc]
    exported = symbols.get(entry["version"]) if libc is Libc.MUSL else None
    return Distribution(
        id=name,
        name=entry["name"],
        libc=libc,
        libc_version=entry["version"],
        interpreters=MappingProxyType(own["interpreters"]),
        libraries=frozenset([*own["libraries"], *entry.get("libraries", ())]),
        elsewhere=_elsewhere(libc, libcs),
        source=entry["source"],
        checked=str(entry["checked"]),
        symbols=_names(entry["version"]) if exported is not None else None,
        cpu=entry.get("cpu", 1),
        kernel=entry.get("kernel"),
        relr_since=own.get("relr_since"),
        relr_lacking=own.get("relr_lacking"),
        go_kernels=go_kernels(),
    )


@cache
def _names(version: str) -> frozenset[str]:
    return frozenset(_read("musl_symbols")[0][version]["names"].split())


def _elsewhere(libc: Libc, libcs: Mapping[str, _Entry]) -> Mapping[str, Libc]:
    found: dict[str, Libc] = {}
    for name, other in libcs.items():
        if name != libc:
            files = [
                *other["libraries"],
                *(path.rpartition("/")[2] for path in other["interpreters"].values()),
            ]
            found |= dict.fromkeys(files, Libc(name))
    return MappingProxyType(found)


def _order(name: str) -> tuple[str, tuple[int, ...]]:
    system, _, release = name.partition("-")
    return system, tuple(int(part) for part in release.split("."))
