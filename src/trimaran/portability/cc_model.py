"""What a C toolchain was asked, and what it answered. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """How a check ended."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    LEFT_OUT = "left-out"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a build with cgo needs of the toolchain.

    Args:
        name: as `headers`.
        said: what was found, one line.
        code: what is wrong; empty when nothing is.
        fix: what to do about it; empty when nothing is to be done.
        brings: family of distributions → the package that brings what is missing.
        detail: lines that a tool printed.
    """

    name: str
    state: State
    said: str
    code: str = ""
    fix: str = ""
    brings: dict[str, str] = field(default_factory=dict)
    detail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be built for.

    Args:
        name: as it was asked for: `linux/arm64`, `alpine-3.23`, or a compiler's command.
        platform: GOOS/GOARCH.
        distribution: its id; empty without one.
        compiler: the command in place of CC; empty for the one that Go would use.
    """

    name: str
    platform: str
    distribution: str = ""
    compiler: str = ""

    @property
    def arch(self) -> str:
        return self.platform.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Linked:
    """What a program shows of the toolchain that linked it.

    Args:
        machine: as `uname -m` says it.
        kind: as `inspect` names it: `dynamic`, `pie`, `static`…
        libc: `glibc` or `musl` by its interpreter; `linked in` for a static program, `unknown` else.
        floor: the oldest glibc that it takes; None when it needs none.
        relro: `none`, `partial` or `full`.
    """

    machine: str
    kind: str
    libc: str
    floor: str | None
    relro: str


@dataclass(frozen=True, slots=True)
class Examination:
    """A toolchain, examined.

    Args:
        compiler: the command, as Go reads it from CC.
        version: the first line that it prints of itself.
        triplet: what it says that it makes; empty when it says nothing.
        sysroot: the folder that has the C library of another machine; empty for this machine's own.
        plain: a C program that it linked by itself; None when it linked none.
        probe: the cgo probe; None when it was not built.
        runner: the words of the emulator that ran the probe; none when the machine itself did.
    """

    target: Target
    checks: tuple[Check, ...]
    compiler: str = ""
    version: str = ""
    triplet: str = ""
    sysroot: str = ""
    plain: Linked | None = None
    probe: Linked | None = None
    runner: tuple[str, ...] = ()

    @property
    def bad(self) -> Iterator[Check]:
        """What stands in the way."""
        return (check for check in self.checks if check.state is State.BAD)

    def check(self, name: str) -> Check | None:
        """The check of that name; None when it was not made."""
        return next((check for check in self.checks if check.name == name), None)


MACHINES = {
    "386": "i386",
    "amd64": "x86_64",
    "arm": "arm",
    "arm64": "aarch64",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}
"""GOARCH → the machine as `inspect` names it."""

TRIPLETS = {
    "386": "i686-linux-gnu",
    "amd64": "x86_64-linux-gnu",
    "arm": "arm-linux-gnueabihf",
    "arm64": "aarch64-linux-gnu",
    "ppc64le": "powerpc64le-linux-gnu",
    "riscv64": "riscv64-linux-gnu",
    "s390x": "s390x-linux-gnu",
}
"""GOARCH → the prefix of Debian's cross toolchain, which others use too."""
