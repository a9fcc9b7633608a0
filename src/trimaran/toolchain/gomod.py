"""What of a go.mod file and of Go's listings decides a build. Pure."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from trimaran.toolchain.versions import GoVersion

_GO_LINE = re.compile(r"(?m)^\s*go\s+(\S+)\s*(?://.*)?$")
_MODULE_LINE = re.compile(r'(?m)^\s*module\s+"?([^\s"]+)"?')


def least_go(text: str) -> GoVersion | None:
    """The `go` line of a go.mod; None without one or when it is not a version."""
    match = _GO_LINE.search(text)
    try:
        return GoVersion.parse(match[1]) if match else None
    except ValueError:
        return None


def module_path(text: str) -> str:
    """The `module` line of a go.mod; empty without one."""
    match = _MODULE_LINE.search(text)
    return match[1] if match else ""


@dataclass(frozen=True, slots=True)
class Need:
    """What the packages of a build need.

    Args:
        cgo: packages outside the standard library with cgo files, in the order of the listing.
        cplusplus: whether one of them has C++ in it, so that Go links with CXX instead of CC.
        main: whether the package asked for is a command.
        faults: what `go list` found wrong.
    """

    cgo: tuple[str, ...]
    main: bool
    faults: tuple[str, ...]
    cplusplus: bool = False


def need(listing: str) -> Need:
    """From `go list -deps -json`; the package asked for comes last. Raises ValueError when it is no JSON."""
    packages = list(documents(listing))
    with_c = [each for each in packages if each.get("CgoFiles") and not each.get("Standard")]
    cgo = tuple(str(each.get("ImportPath")) for each in with_c)
    faults = tuple(str(error.get("Err")) for p in packages if isinstance(error := p.get("Error"), dict))
    cplusplus = any(each.get("CXXFiles") or each.get("SwigCXXFiles") for each in with_c)
    return Need(cgo, bool(packages) and packages[-1].get("Name") == "main", faults, cplusplus)


def documents(text: str) -> Iterator[dict[str, object]]:
    """The objects of a listing, in its order. Raises ValueError when it is no JSON."""
    decoder = json.JSONDecoder()
    at = 0
    while (at := _skip_space(text, at)) < len(text):
        document, at = decoder.raw_decode(text, at)
        if not isinstance(document, dict):
            raise ValueError("a listing holds objects only")  # noqa: TRY004 - as for any wrong JSON
        yield document


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
