"""Which members of a module's zip may be unpacked, and what differs from it. Pure."""

import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

_MOST_FILES = 60_000
_MOST_BYTES = 2 << 30
_STORED, _DEFLATED = 0, 8
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\:]")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the zip, as its directory describes it.

    Args:
        name: as stored, with the module's prefix.
        size: unpacked, in bytes.
        crc: CRC-32 of the content.
        mode: the Unix mode, 0 where the zip has none.
        method: how it is packed, the zip's number.
        encrypted: whether a password would be needed.
    """

    name: str
    size: int
    crc: int = 0
    mode: int = 0
    method: int = _DEFLATED
    encrypted: bool = False


def dangers(members: Sequence[Member], prefix: str) -> list[str]:
    """Why the zip must not be unpacked, one line each; empty when it may be.

    Args:
        prefix: `module@version/`, with which every name must begin.
    """
    found = []
    if len(members) > _MOST_FILES:
        found.append(f"it holds {len(members)} files; more than {_MOST_FILES} are not plausible")
    total = sum(member.size for member in members)
    if total > _MOST_BYTES:
        found.append(f"it would unpack to {total} bytes; more than {_MOST_BYTES} are not plausible")
    for member in members:
        reason = _danger(member, prefix)
        if reason:
            found.append(f"{member.name}: {reason}")
    return [*found, *_collisions(members)]


def _danger(member: Member, prefix: str) -> str:
    kind = stat.S_IFMT(member.mode)
    if not member.name.startswith(prefix) or len(member.name) == len(prefix):
        return f"its name does not begin with {prefix}"
    parts = member.name.removeprefix(prefix).split("/")
    if _FORBIDDEN.search(member.name) or any(part in {"", ".", ".."} for part in parts):
        return "its name is not a plain path"
    if kind not in {0, stat.S_IFREG}:
        return "it is not a plain file"
    if member.method not in {_STORED, _DEFLATED} or member.encrypted:
        return "it is packed in an unknown way"
    return ""


def _collisions(members: Sequence[Member]) -> list[str]:
    """Names that are one file, or a file and a folder, on some file system."""
    seen: dict[str, str] = {}
    found = []
    for member in members:
        folded = member.name.casefold()
        if folded in seen:
            found.append(f"{member.name}: {seen[folded]} is there as well")
        seen[folded] = member.name
    for member in members:
        parts = member.name.casefold().split("/")
        folders = ("/".join(parts[:end]) for end in range(1, len(parts)))
        found.extend(f"{member.name}: its folder is a file as well" for folder in folders if folder in seen)
    return found


def installed_name(name: str) -> str:
    """The name that a member gets on disk: a module's zip cannot hold go.mod files, so they are renamed."""
    folder, slash, base = name.rpartition("/")
    return f"{folder}{slash}{'go.mod' if base == '_go.mod' else base}"


def member_name(name: str) -> str:
    """The reverse of `installed_name`."""
    folder, slash, base = name.rpartition("/")
    return f"{folder}{slash}{'_go.mod' if base == 'go.mod' else base}"


def is_program(name: str) -> bool:
    """Whether cmd/go makes this file executable after unpacking (its toolchain/select.go)."""
    base = name.rpartition("/")[2]
    starter = name.startswith("lib/") and re.fullmatch(r"go_.+_.+_exec", base) is not None
    return starter or name.startswith(("bin/", "pkg/tool/"))


class Kind(StrEnum):
    """How a file differs from the official one."""

    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"


@dataclass(frozen=True, slots=True, order=True)
class Deviation:
    """One file that is not as it was published; `name` is relative to the tree."""

    name: str
    kind: Kind


def deviations(
    seen: Mapping[str, object], published: Mapping[str, object], may_be_absent: Iterable[str]
) -> tuple[Deviation, ...]:
    """What differs, by any measure of content that both sides have; names as in the zip."""
    excused = frozenset(may_be_absent)
    found = [Deviation(installed_name(n), Kind.ADDED) for n in seen if n not in published]
    for name, measure in published.items():
        if name not in seen:
            if name not in excused:
                found.append(Deviation(installed_name(name), Kind.MISSING))
        elif seen[name] != measure:
            found.append(Deviation(installed_name(name), Kind.CHANGED))
    return tuple(sorted(found))


# What Go's own distribution has and its module leaves out (cmd/distpack): nothing there is compiled.
_UNCOVERED_FOLDERS = ("api/", "doc/", "misc/", "test/")
_BYTECODE = re.compile(r"((?:[^/]+/)*)__pycache__/([^/]+?)\.[a-z]+-\d+(?:\.opt-\d)?\.pyc")


def uncovered(name: str, names: frozenset[str], from_wheel: bool) -> bool:
    """Whether a file of a tree is outside what the module states: never compiled, and named to the user.

    Args:
        name: relative to the tree.
        names: all files of the tree.
        from_wheel: whether Python installed the tree; it adds `__init__.py` and compiles what is Python.
    """
    if name.startswith(_UNCOVERED_FOLDERS):
        return True
    if not from_wheel:
        return False
    match = _BYTECODE.fullmatch(name)
    return name == "__init__.py" or (match is not None and f"{match[1]}{match[2]}.py" in names)
