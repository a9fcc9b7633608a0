"""Who brings a symbol into a program: the values of `blame`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from trimaran.binary.model import glibc_number


class Part(StrEnum):
    """What kind of owner a symbol has."""

    PACKAGE = "package"
    """A Go package: its C code, or a pragma in its Go code."""
    ARCHIVE = "archive"
    """A static library that a package, or the C compiler itself, links."""
    STARTUP = "startup"
    """The C compiler's own startup files, as crt1.o, which are in every program that it links."""
    LINKER = "linker"
    """The linker itself: a version that no symbol has, which marks how it wrote the file."""


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """Whoever brings a symbol.

    Args:
        part: which kind.
        package: import path; of an archive, the package that asks for it; else empty.
        module: path of the module; `std` for Go itself; empty when no module is behind it.
        version: the module's; Go's for `std`; empty for the main module.
        file: name of a startup file or an archive; empty for a package, and where nobody tells it.
    """

    part: Part
    package: str = ""
    module: str = ""
    version: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """What one owner has in one symbol.

    Args:
        sources: names of the files that use it, where the object files tell.
        weak: whether it can do without the symbol.
        directive: whether a `cgo_import_dynamic` pragma asks for it, and no C code.
        assumed: whether this owner is only what is left: the compiler does not tell what it links.
    """

    owner: Owner
    sources: tuple[str, ...] = ()
    weak: bool = False
    directive: bool = False
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one object file, or the pragmas of one package, ask for.

    Args:
        undefined: name → whether it is weak.
        source: name of the source file; empty when it is not known.
        directive: whether these are pragmas.
    """

    owner: Owner
    undefined: Mapping[str, bool]
    source: str = ""
    directive: bool = False


@dataclass(frozen=True, slots=True)
class Attribution:
    """A symbol that a program asks a library for, and everyone who brings it.

    Args:
        name: empty for a version that no symbol has.
        version: as `GLIBC_2.34`.
        library: as `libc.so.6`.
        weak: whether the program starts without it.
        shares: empty when nobody could be found.
    """

    name: str
    version: str
    library: str
    weak: bool
    shares: tuple[Share, ...]

    @property
    def glibc(self) -> tuple[int, ...] | None:
        """(2, 34) for `GLIBC_2.34`; None for other versions."""
        return glibc_number(self.version)


@dataclass(frozen=True, slots=True)
class Blame:
    """Everything that `blame` found of one program.

    Args:
        path: as the user gave it.
        package: its main package.
        go: the release that built it, `go1.26.8`.
        listed_by: the release that compiled the packages which were read, `go1.26.8`.
        external: whether a C linker made it; its startup files count then.
        floor: the oldest glibc that has every symbol, as `2.34`; None when none is asked for.
        symbols: newest version first.
        nothing: why there is nothing to blame; empty when there is something.
        differences: how the file differs from what the source gives now, one line each.
        commands: what shows the same with stock tools.
    """

    path: str
    package: str
    go: str
    listed_by: str
    external: bool
    floor: str | None
    symbols: tuple[Attribution, ...] = ()
    nothing: str = ""
    differences: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    @property
    def unattributed(self) -> tuple[Attribution, ...]:
        """Symbols that nobody was found for."""
        return tuple(symbol for symbol in self.symbols if not symbol.shares)
