"""What the rules of a verdict are given, and what they answer. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from trimaran.binary.model import File, Outcome, Rule, VersionNeed, glibc_number, number
from trimaran.facts.model import Distribution, Library

_DT_RELR_MARKER = "GLIBC_ABI_DT_RELR"


class NameService(StrEnum):
    """How the C library is told to look up users, groups and hosts (`nsswitch.conf`)."""

    PLAIN = "plain"
    ENTERPRISE = "enterprise"


class Place(NamedTuple):
    """What was found by looking where the file itself says, in one root file system.

    Args:
        interpreter: whether its interpreter is there; None when that depends on the folder it is started in.
        beside: the libraries that its runpath, or a name with a slash, leads to: what each needs, and what it
            brings. A library that is not here is not there.
    """

    interpreter: bool | None = None
    beside: Mapping[str, tuple[File, Library]] = MappingProxyType({})


class Conditions(NamedTuple):
    """What is known beside the file and the distribution. Nothing is: then what depends on it stays unknown.

    Args:
        cpu: the x86-64 level of the processor, 1 to 4.
        kernel: the Linux version that `uname -r` says; None for the distribution's own.
        machines: the kinds of programs that the kernel starts, as `uname -m` says them.
        names: the configuration of name services; None for the distribution's own.
        place: what was found by looking; None when nobody looked.
    """

    cpu: int | None = None
    kernel: str | None = None
    machines: frozenset[str] | None = None
    names: NameService | None = None
    place: Place | None = None


class Finding(NamedTuple):
    """The answer of one rule. `found` is what the distribution has, where that decides."""

    outcome: Outcome
    rule: Rule
    reason: str
    found: str = ""


class Needs(NamedTuple):
    """What follows from the file alone, worked out once for all distributions."""

    file: File
    conditions: Conditions
    glibc: tuple[int, ...] | None
    other_versions: tuple[VersionNeed, ...]
    cpu: int
    floor: str | None
    needed: frozenset[str]
    undefined: frozenset[str]

    @classmethod
    def of(cls, file: File, conditions: Conditions) -> "Needs":
        others = tuple(
            need
            for need in file.versions
            # The rule for packed relocations answers for this marker.
            if glibc_number(need.version) is None and need.version != _DT_RELR_MARKER
        )
        floor, undefined = file.glibc_floor, frozenset(file.undefined or ())
        return cls(
            file,
            conditions,
            number(floor or ""),
            others,
            cpu_level(file),
            floor,
            frozenset(file.needed),
            undefined,
        )


def cpu_level(file: File) -> int:
    """The x86-64 level that a Go program checks for at its start, 1 to 4; 1 for other programs."""
    value = file.go.setting("GOAMD64") if file.go is not None and file.machine == "x86_64" else None
    level = (value or "v1").removeprefix("v")
    return int(level) if level in {"1", "2", "3", "4"} else 1


def libc_of(distribution: Distribution) -> str:
    """As `glibc 2.36`."""
    return f"{distribution.libc} {distribution.libc_version}"


def listed(names: list[str], most: int) -> str:
    """The first names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
