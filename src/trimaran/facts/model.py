"""What is known of the world that a binary meets, as values; the loader fills them from data files."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Libc(StrEnum):
    """The C library that a distribution is made with; nothing that is linked to one starts on the other."""

    GLIBC = "glibc"
    MUSL = "musl"


@dataclass(frozen=True, slots=True)
class Distribution:
    """One release of one distribution, as its base system is installed.

    Args:
        id: name and release, as `ubuntu-22.04`.
        name: for people, as `Ubuntu 22.04`.
        libc_version: upstream's version, as `2.35` or `1.2.5`.
        interpreters: machine (as `uname -m` says it) → path of the program interpreter. A machine that is
            not here is one about which nothing is known.
        libraries: names that the loader finds in the base system. Another name may or may not be there,
            unless there is an `inventory`.
        inventory: every library that the loader finds, by the name that it is asked for, as measured in a
            root file system; None when nobody has measured one. `libraries` then has the same names.
        base: further names that an installation of its essential packages brings; a smaller image may lack
            them. Empty when nobody has measured it.
        elsewhere: file names that belong to another C library, and that library. Never in the base system.
        symbols: what the C library exports, where versions do not tell (musl); None when not known.
        perhaps: further names of which nobody knows whether it exports them; None for any name that is not in
            `symbols`.
        cpu: the x86-64 level that the distribution itself needs, 1 to 4.
        kernel: the Linux version that the distribution boots; None when not known.
        relr_since: the oldest version of its C library that is known to read packed relocations.
        relr_lacking: the newest version that is known not to; between the two nothing is known.
        go_kernels: what Go's releases need of Linux, oldest first; the same for all distributions.
        source: where the C library's version was read or measured.
        checked: the day it was read, as `2026-11-23`.
    """

    id: str
    name: str
    libc: Libc
    libc_version: str
    interpreters: Mapping[str, str]
    libraries: frozenset[str]
    elsewhere: Mapping[str, Libc]
    source: str
    checked: str
    symbols: frozenset[str] | None = None
    perhaps: frozenset[str] | None = frozenset()
    cpu: int = 1
    kernel: str | None = None
    relr_since: str | None = None
    relr_lacking: str | None = None
    base: frozenset[str] = frozenset()
    inventory: "Mapping[str, Library] | None" = None
    go_kernels: "tuple[GoKernel, ...]" = ()


class Library(NamedTuple):
    """A shared library of a distribution, as measured in its root file system.

    Args:
        needed: the libraries that it needs itself.
        versions: names of the symbol versions that it defines; empty for one without versions.
        exports: names that it defines; None where versions tell enough (glibc's world).
    """

    needed: tuple[str, ...] = ()
    versions: frozenset[str] = frozenset()
    exports: frozenset[str] | None = None


class GoKernel(NamedTuple):
    """The oldest Linux that programs of some Go releases start on.

    Args:
        first: the first minor release of Go 1 that this holds for (24 for Go 1.24).
        linux: as `3.2`.
    """

    first: int
    linux: str
    source: str
    checked: str


class GoMachineKernel(NamedTuple):
    """The oldest Linux for one architecture, where that is not what GoKernel says.

    Args:
        arch: Go's name of it, as `loong64`.
        first: the first minor release of Go 1 that this holds for.
        linux: as `5.19`.
    """

    arch: str
    first: int
    linux: str
    source: str
    checked: str


class Amd64Level(NamedTuple):
    """What a program that was built with a GOAMD64 asks of the processor, and of Linux, before it starts.

    Args:
        level: 1 to 4.
        flags: as Linux lists them in /proc/cpuinfo; those of the lower levels too.
    """

    level: int
    flags: tuple[str, ...]
    source: str
    checked: str


class GoBootstrap(NamedTuple):
    """The oldest Go that builds some Go releases from source.

    Args:
        first: the first minor release of Go 1 that this holds for.
        needs: a Go release, as `1.22` or `1.24.6`; empty for a C compiler alone.
    """

    first: int
    needs: str
    source: str
    checked: str


class GoPackage(NamedTuple):
    """The Go that a distribution's own packages bring.

    Args:
        distribution: as `debian-12`.
        version: of the default package.
        also: versions that are packaged beside it, or in backports.
    """

    distribution: str
    version: str
    also: tuple[str, ...]
    source: str
    checked: str


class SymbolVersion(NamedTuple):
    """What a version of glibc brought into its library, or a marker that only its loader understands.

    Args:
        version: glibc's version, as `2.34`.
        symbols: functions that have this version: whoever links against it, or a newer one, may need it.
        markers: version names without a number that first appear here, as `GLIBC_ABI_DT_RELR`.
    """

    version: str
    symbols: tuple[str, ...]
    markers: tuple[str, ...]
    source: str
    checked: str


class ClusterKind(NamedTuple):
    """A kind of object that a service becomes on a cluster.

    Args:
        version: group and version, as `apps/v1`; the core group has none: `v1`.
        plural: the kind's name in addresses of the API.
        wave: when it is applied: a lower one comes first, and is deleted last.
    """

    name: str
    version: str
    plural: str
    wave: int
    source: str
    checked: str


class Refused(NamedTuple):
    """An entry of a data file that does not load, because nobody can say where it comes from."""

    file: str
    entry: str
    source: str
