"""What `blame` says, as a document and as text for people. Pure.

The document's form is `blame.schema.json` beside this file; a change that could break a reader gets a new
version in `SCHEMA`.
"""

import textwrap
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from trimaran.binary.model import number
from trimaran.errors import printable
from trimaran.portability.blame_model import Attribution, Blame, Owner, Part, Share

SCHEMA = "trimaran.dev/blame/v1"
# Nothing that is known is older: what needs no more keeps a program from starting nowhere.
OLDEST = (2, 17)
# A name and its version stay on one line.
_GLUE = "\N{NO-BREAK SPACE}"


def document(found: Blame) -> dict[str, Any]:
    """The whole answer, ready for JSON."""
    return {
        "schema": SCHEMA,
        "path": found.path,
        "package": found.package or None,
        "go": found.go,
        "compiled_by": found.listed_by or None,
        "linker": "external" if found.external else "internal",
        "glibc_floor": found.floor,
        "nothing": found.nothing or None,
        "symbols": [_symbol(symbol, found.floor) for symbol in found.symbols],
        "unattributed": len(found.unattributed),
        "differences": list(found.differences),
        "commands": list(found.commands),
    }


def _symbol(symbol: Attribution, floor: str | None) -> dict[str, Any]:
    return {
        "symbol": symbol.name or None,
        "version": symbol.version,
        "library": symbol.library,
        "weak": symbol.weak,
        "sets_floor": sets_floor(symbol, floor),
        "owners": [_share(share) for share in symbol.shares],
    }


def _share(share: Share) -> dict[str, Any]:
    owner = share.owner
    return {
        "kind": str(owner.part),
        "package": owner.package or None,
        "module": owner.module or None,
        "version": owner.version or None,
        "file": owner.file or None,
        "sources": list(share.sources),
        "weak": share.weak,
        "by": _evidence(share),
    }


def _evidence(share: Share) -> str:
    if share.assumed:
        return "elimination"
    if share.owner.part is Part.LINKER:
        return "linker"
    return "directive" if share.directive else "object"


def sets_floor(symbol: Attribution, floor: str | None) -> bool:
    """Whether it is one of those without which an older glibc would do."""
    return floor is not None and not symbol.weak and symbol.glibc == number(floor)


def above(found: Blame, least: tuple[int, ...]) -> tuple[Attribution, ...]:
    """The symbols that need a newer glibc than `least`, and those of versions without a number."""
    return tuple(each for each in found.symbols if each.glibc is None or each.glibc > least)


def text(found: Blame, shown: Sequence[Attribution], width: int) -> list[str]:
    """What is said to people, in lines of at most `width` columns where words allow it.

    Args:
        shown: the symbols to name; of the others, their number is told.
    """
    rows = [("built from", f"{found.package or 'a package that it does not name'}, {found.go}")]
    if found.floor is not None:
        rows.append(("glibc", f"{found.floor} or newer"))
    if not found.nothing:
        how = "the C compiler's linker" if found.external else "Go's own linker"
        rows.append(("linked by", how))
    lines = [printable(found.path), *(line for row in rows for line in _row(*row, width))]
    if found.nothing:
        return [*lines, "", *_wrap(f"nothing to blame: {found.nothing}", width, "  ")]
    for version, group in groupby(shown, key=lambda each: (each.library, each.version)):
        lines += ["", *_version(version, list(group), found.floor, width)]
    rest = len(found.symbols) - len(shown)
    if rest:
        lines += ["", f"  {rest} more {'symbol needs' if rest == 1 else 'symbols need'} nothing newer: --all"]
    for each in found.differences:
        lines += ["", *_wrap(f"differs: {printable(each)}", width, "  ")]
    return [*lines, "", "  the same with stock tools", *(f"    {printable(each)}" for each in found.commands)]


def _row(name: str, value: str, width: int) -> list[str]:
    return textwrap.wrap(
        printable(value),
        width,
        initial_indent=f"  {name:<12} ",
        subsequent_indent=" " * 15,
        break_on_hyphens=False,
    )


def _wrap(line: str, width: int, indent: str) -> list[str]:
    lines = textwrap.wrap(
        line,
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [each.replace(_GLUE, " ") for each in lines]


def _version(
    version: tuple[str, str], group: Sequence[Attribution], floor: str | None, width: int
) -> list[str]:
    library, name = (printable(part) for part in version)
    end = ", which sets the floor" if any(sets_floor(each, floor) for each in group) else ""
    lines = [f"  {name} of {library}{end}"]
    # Symbols with the same owners stand together.
    rows: dict[str, list[str]] = {}
    for each in group:
        rows.setdefault(owners(each), []).append(each.name + (" (weak)" if each.weak else ""))
    for who, names in sorted(rows.items()):
        what = ", ".join(filter(None, names)) or "(no symbol)"
        lines += _wrap(printable(f"{what} <- {who}"), width, "    ")
    return lines


def owners(symbol: Attribution) -> str:
    """Everyone who brings a symbol, for people."""
    return " and ".join(_owner(share) for share in symbol.shares) or "nobody that could be found"


def _owner(share: Share) -> str:
    owner = share.owner
    weak = " (weakly)" if share.weak else ""
    match owner.part:
        case Part.STARTUP:
            if share.assumed:
                return "the C compiler itself, which does not tell what it links; no package asks for it"
            return f"{owner.file}, a startup file of the C compiler{weak}"
        case Part.LINKER:
            return "the linker itself"
        case Part.ARCHIVE:
            by = f", linked by {_package(owner)}" if owner.package else ", which the C compiler links"
            return f"{owner.file}{by}{weak}"
        case Part.PACKAGE:
            pragma = ", by a pragma" if share.directive else ""
            return f"{_package(owner)}{pragma}{weak}"


def _package(owner: Owner) -> str:
    if owner.module == "std":
        return f"{owner.package} of Go{_GLUE}{owner.version.removeprefix('go')}"
    inside = owner.package == owner.module or owner.package.startswith(f"{owner.module}/")
    module = "" if inside else f" of {owner.module}"
    return f"{owner.package}{module}{f'{_GLUE}{owner.version}' if owner.version else ''}"
