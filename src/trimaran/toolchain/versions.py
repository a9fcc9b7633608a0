"""Go's version numbers: parsing, order, and which of several satisfies what was asked for. Pure.

The order is Go's own since 1.21 (https://go.dev/doc/toolchain#version): the language version `1.21` comes
before `1.21rc1`, which comes before the release `1.21.0`. Before 1.21 the first release had no patch number.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

_VERSION = re.compile(r"(?:go)?([0-9]{1,4})\.([0-9]{1,4})(?:(beta|rc)([0-9]{1,4})|\.([0-9]{1,6}))?")
_TOOLCHAIN = re.compile(r"v0\.0\.1-(go[0-9][0-9a-z.]*)\.([a-z0-9]{2,20})-([a-z0-9]{2,20})")
_FIRST_WITH_PATCH_ZERO = (1, 21)


class Stage(IntEnum):
    """How finished a version is, in Go's order."""

    LANGUAGE = 0
    BETA = 1
    RC = 2
    RELEASE = 3


@dataclass(frozen=True, slots=True, order=True)
class GoVersion:
    """A version such as 1.26 (the language), 1.26rc1 or 1.26.8; compares in Go's order."""

    major: int
    minor: int
    stage: Stage = Stage.LANGUAGE
    number: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `1.26`, `1.26.8`, `1.26rc1`, each with or without `go`. Raises ValueError otherwise."""
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a Go version such as 1.26, 1.26.8 or 1.26rc1")
        major, minor, early, early_number, patch = match.groups()
        if early:
            return cls(int(major), int(minor), Stage[early.upper()], int(early_number))
        if patch is not None:
            return cls(int(major), int(minor), Stage.RELEASE, int(patch))
        return cls(int(major), int(minor))

    @classmethod
    def of_release(cls, text: str) -> Self:
        """The version of something that was released; before 1.21 `go1.20` names the release 1.20.0.

        What vendors append (`go1.22.5-fips`, `go1.26.8 X:experiment`) is left out, as Go itself does.
        """
        version = cls.parse(re.split(r"[- ]", text, maxsplit=1)[0])
        if version.stage is Stage.LANGUAGE and (version.major, version.minor) < _FIRST_WITH_PATCH_ZERO:
            return cls(version.major, version.minor, Stage.RELEASE, 0)
        return version

    @property
    def language(self) -> Self:
        """The version without stage and patch: 1.26 for 1.26.8."""
        return type(self)(self.major, self.minor)

    def __str__(self) -> str:
        base = f"{self.major}.{self.minor}"
        match self.stage:
            case Stage.LANGUAGE:
                return base
            case Stage.RELEASE:
                # The first releases before 1.21 are named without their zero.
                old = (self.major, self.minor) < _FIRST_WITH_PATCH_ZERO
                return base if old and self.number == 0 else f"{base}.{self.number}"
            case _:
                return f"{base}{self.stage.name.lower()}{self.number}"


def satisfies(version: GoVersion, wish: GoVersion | None, least: GoVersion | None = None) -> bool:
    """Whether `version` may be used where `wish` is declared and a go.mod needs `least`.

    Args:
        wish: None for any; a language version (1.26) for any of its releases; else exactly that version.
        least: the `go` line of the module, None when it has none.
    """
    if least is not None and version < least:
        return False
    if wish is None:
        return version.stage is Stage.RELEASE
    if wish.stage is Stage.LANGUAGE:
        return version.language == wish and version.stage is Stage.RELEASE
    return version == wish


def newest(
    versions: Iterable[GoVersion], wish: GoVersion | None, least: GoVersion | None = None
) -> GoVersion | None:
    """The newest of `versions` that satisfies; None when none does."""
    return max((v for v in versions if satisfies(v, wish, least)), default=None)


def newest_of_each_minor(versions: Iterable[GoVersion]) -> tuple[GoVersion, ...]:
    """The newest release of each minor version, newest first; early versions only where no release is."""
    best: dict[GoVersion, GoVersion] = {}
    for version in versions:
        best[version.language] = max(version, best.get(version.language, version))
    return tuple(sorted(best.values(), reverse=True))


@dataclass(frozen=True, slots=True, order=True)
class Toolchain:
    """A version of the module `golang.org/toolchain`: a Go for the machine it runs on."""

    version: GoVersion
    os: str
    arch: str

    @property
    def name(self) -> str:
        """As in file names: `go1.26.8.linux-amd64`."""
        return f"go{self.version}.{self.os}-{self.arch}"

    @property
    def module_version(self) -> str:
        """As in the proxy and the checksum database: `v0.0.1-go1.26.8.linux-amd64`."""
        return f"v0.0.1-{self.name}"


def parse_toolchain(text: str) -> Toolchain | None:
    """From one line of the proxy's list; None for anything else, as the list may hold what we do not know."""
    match = _TOOLCHAIN.fullmatch(text)
    if match is None:
        return None
    try:
        return Toolchain(GoVersion.of_release(match[1]), match[2], match[3])
    except ValueError:
        return None
