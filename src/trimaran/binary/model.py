"""What a binary needs, and what follows from it on a distribution: the values that the room hands out."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from trimaran.binary.buildinfo import GoBuild
from trimaran.binary.staticglibc import StaticGlibc


class Kind(StrEnum):
    """How a file is started."""

    STATIC = "static"
    STATIC_PIE = "static-pie"
    DYNAMIC = "dynamic"
    PIE = "pie"
    LIBRARY = "shared-library"


class Outcome(StrEnum):
    """Whether a program starts."""

    RUNS = "runs"
    FAILS = "fails"
    UNKNOWN = "unknown"


class Basis(StrEnum):
    """Where a verdict comes from: read from the file and the facts, or seen when it was run."""

    PREDICTED = "predicted"
    PROVEN = "proven"


class Rule(StrEnum):
    """What decided a verdict; `docs/inspect.md` explains each."""

    STATIC = "static"
    KIND = "kind"
    MACHINE = "machine"
    INTERPRETER = "interpreter"
    LIBRARY = "library"
    SYMBOL_VERSION = "symbol-version"
    RELOCATION = "relocation"
    SYMBOL = "symbol"
    CPU_LEVEL = "cpu-level"
    KERNEL = "kernel"
    STUB = "stub"
    NAME_SERVICE = "name-service"


class VersionNeed(NamedTuple):
    """A symbol version that the loader looks for in a library before it starts the program."""

    library: str
    version: str


class Origin(NamedTuple):
    """Where a program stands that is inside a package, an archive or an image.

    Args:
        form: `deb`, `rpm`, `adb` (apk of version 3), `zip`, `tar`, `compressed` (tar as well), `alone` (one
            program, compressed), `folder` or `archive` (of an image's layers).
        package: the file or folder, as the user gave it.
        member: the program's name, as the archive has it.
        layer: the layer's name in the image.
        compression: of the layer, or of a program alone, as `gzip`; empty without one.
    """

    form: str
    package: str
    member: str = ""
    layer: str = ""
    compression: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """What an ELF file needs in order to start.

    Args:
        path: as the user gave it.
        format: `elf64` or `elf32`.
        machine: as `uname -m` says it; `unknown-N` for a machine without a name here.
        interpreter: the loader that the kernel starts instead; None for a static program.
        needed: names of the libraries that the loader looks for, in its order.
        runpath: folders where the loader looks first.
        versions: symbol versions that must be there, without weak ones.
        relr: whether it has relative relocations in the packed form (DT_RELR), which old loaders skip.
        ifunc: whether the loader must let it choose among its functions (IRELATIVE), where that decides: in
            libraries, and in programs for musl.
        undefined: symbols that a library must bring; None when not read or not countable.
        soname: the name that a shared library gives itself.
        abi_kernel: the oldest Linux that its C library was configured for, where a note says so.
        isa: the x86-64 level that a note asks for, which glibc's loader compares with the processor.
        static_tls: whether its thread-local variables need a place from the start of the program, as those of
            Go's libraries do; loaders have little of it for what is loaded later.
        no_default_folders: whether it asks for its libraries to be looked for in none of the system's folders
            (`-z nodefaultlib`), as glibc then does.
        name_services: whether glibc's name-service switch was linked into it.
        kernel_checked: whether a C library in it refuses to start on an older Linux than `abi_kernel`.
        static_glibc: what that glibc tells of itself; None without name services in it.
        stubs: ids of the facts' stubs that were linked into it, because cgo was off.
        go: the Go build information; None for other programs.
        size_bytes: of the whole file.
        origin: where it stands in a package; None for a file of its own.
    """

    path: str
    format: str
    machine: str
    kind: Kind
    interpreter: str | None = None
    needed: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    versions: tuple[VersionNeed, ...] = ()
    relr: bool = False
    ifunc: bool = False
    undefined: tuple[str, ...] | None = None
    soname: str | None = None
    abi_kernel: str | None = None
    isa: int = 1
    static_tls: bool = False
    no_default_folders: bool = False
    name_services: bool = False
    kernel_checked: bool = False
    static_glibc: StaticGlibc | None = None
    stubs: tuple[str, ...] = ()
    go: GoBuild | None = None
    size_bytes: int = 0
    origin: Origin | None = None

    @property
    def glibc_floor(self) -> str | None:
        """The oldest glibc that has every numbered symbol version, as `2.34`; None when none is needed."""
        numbers = [number for need in self.versions if (number := glibc_number(need.version)) is not None]
        return ".".join(str(part) for part in max(numbers)) if numbers else None


class Verdict(NamedTuple):
    """Whether a file starts on one distribution, and why.

    Args:
        distribution: its id, as `debian-12`.
        rule: what decided.
        reason: one line for people; it ends with `found`.
        found: what the distribution has, where that is what decides; `reason` without it is the same
            for all distributions.
    """

    distribution: str
    outcome: Outcome
    rule: Rule
    reason: str
    basis: Basis = Basis.PREDICTED
    found: str = ""


def glibc_number(version: str) -> tuple[int, ...] | None:
    """(2, 34) for `GLIBC_2.34`; None for versions of other libraries and for those without a number."""
    return number(version.removeprefix("GLIBC_")) if version.startswith("GLIBC_") else None


@lru_cache(maxsize=1024)
def number(text: str) -> tuple[int, ...] | None:
    """(2, 34) for `2.34`; None for anything but short numbers and dots."""
    parts = text.split(".")
    if not 0 < len(text) <= 32 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    return tuple(int(part) for part in parts)
