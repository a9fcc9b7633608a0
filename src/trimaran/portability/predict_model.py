"""What can be said of a program before it is built: the values of `predict`. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from trimaran.binary.model import File, Verdict


class Brings(StrEnum):
    """What in a package decides about the program that it becomes part of."""

    CGO = "cgo"
    """C code, or calls of it."""
    PRAGMA = "cgo_import_dynamic"
    """A pragma that makes the program load a library, with cgo and without."""
    STUB = "stub"
    """Files for builds without cgo that only fail, as somebody has seen it do, of what a program needs."""
    POSSIBLE_STUB = "possible stub"
    """The same of what it may do without, or files whose functions return errors."""
    PARTLY = "partly a stub"
    """Some calls of a package are known to fail without cgo; the rest works."""
    REFUSAL = "does not compile without cgo"
    """It does not compile without cgo, or not where what it lacks then is used."""
    PREBUILT = "prebuilt"
    """Object files or libraries that come compiled."""
    ASSEMBLY = "assembly"
    """Assembly, which exists for some processors only."""


@dataclass(frozen=True, slots=True)
class Brought:
    """One thing that a package brings.

    Args:
        package: its import path.
        module: that it belongs to; empty for the standard library.
        version: the module's; empty for the main module.
        evidence: what shows it, one line each: files, flags, a pragma, a message.
        certain: whether it is known, and not read from the form of the sources.
    """

    kind: Brings
    package: str
    module: str
    version: str
    evidence: tuple[str, ...]
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Host:
    """The C library that programs get which are linked on this machine.

    Args:
        compiler: CC, as the user wrote it.
        found: whether it is there, and makes programs for the platform.
        lacks: why not; empty when it is.
        interpreter: that it writes into programs; None when it does not tell.
        libc: the C library's file; empty when there is none with versions.
        newest: the newest version that this library defines, as `2.36`; empty when not known.
    """

    compiler: str
    found: bool
    lacks: str = ""
    interpreter: str | None = None
    libc: str = ""
    newest: str = ""


@dataclass(frozen=True, slots=True)
class Floor:
    """A symbol that raises the glibc floor.

    Args:
        version: as `GLIBC_2.34`.
        by: who asks for it, for people.
        certain: whether it is in the program; else the C sources call it, perhaps in a part that is left out.
    """

    name: str
    version: str
    by: str
    certain: bool


@dataclass(frozen=True, slots=True)
class Way:
    """One of the two ways to build: with cgo, or without.

    Args:
        cgo: which.
        chosen: whether this is what would be built, and `why`.
        fault: why it would not build; empty when nothing is known against it.
        doubt: why it may not build; empty.
        external: whether the C compiler links it, and not Go.
        libc: what a declaration links the C to, in words; empty for this machine's own C library.
        file: what the program would need; `file.versions` has the least that is certain.
        most: the newest glibc that it can need, as `2.36`; None where `file` says all.
        floor: symbols that set or may set the floor, newest version first.
        verdicts: of the distributions that were asked for.
    """

    cgo: bool
    chosen: bool
    why: str
    fault: str = ""
    doubt: str = ""
    external: bool = False
    libc: str = ""
    file: File | None = None
    most: str | None = None
    floor: tuple[Floor, ...] = ()
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """Everything that `predict` says.

    Args:
        subject: as the user named it.
        package: import path of the command.
        go: the release that would build it, as `1.26.8`.
        origin: where that Go comes from.
        packages: how many the program consists of.
        modules: how many of them are not Go's own.
        ways: what would be built first.
        notes: what else to know, one line each.
        commands: what shows the same with stock tools.
    """

    subject: str
    package: str
    go: str
    origin: str
    platform: str
    packages: int
    modules: int
    host: Host
    brought: tuple[Brought, ...]
    ways: tuple[Way, ...]
    notes: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
