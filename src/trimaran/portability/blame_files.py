"""Reads what brings symbols from disk: compiled packages, static libraries, the compiler's startup files."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from trimaran.binary import elf
from trimaran.binary.elf import BrokenFileError
from trimaran.binary.reader import OpenFile
from trimaran.errors import Where, fail
from trimaran.portability import blame_archive, blame_elf
from trimaran.portability.blame_elf import Dynamic, Object
from trimaran.portability.blame_match import pulled
from trimaran.portability.blame_model import Contribution, Owner, Part
from trimaran.toolchain.golist import Package

_ELF = b"\x7fELF"
_ARCHIVE = b"!<arch>\n"
# Go names its own object so; others are assembly in Go's form, or C.
_GO_OBJECT = "_go_.o"
_NOT_CODE = frozenset({"__.PKGDEF"})


@contextmanager
def opened(path: str) -> Iterator[OpenFile]:
    """The bytes of a regular file. Raises OSError, also for anything that is no regular file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(22, "no regular file", path)
        yield OpenFile(descriptor, found.st_size)
    finally:
        os.close(descriptor)


def dynamic(path: str) -> Dynamic:
    """The versioned symbols of a program. Raises TRM1341 when its tables contradict themselves."""
    try:
        with opened(path) as source:
            return blame_elf.read_dynamic(elf.read_elf(source))
    except BrokenFileError as error:
        raise fail("TRM1341", error.what, "build it again", Where(path)) from None
    except OSError as error:
        raise fail("TRM1341", f"cannot read it: {error.strerror}", "check the file", Where(path)) from None


@dataclass(frozen=True, slots=True)
class Compiled:
    """What is in a compiled package.

    Args:
        contributions: of its C code, one an object file, and of the pragmas in its Go code.
        ldflags: what it asks of the C linker.
    """

    owner: Owner
    contributions: tuple[Contribution, ...] = ()
    ldflags: tuple[str, ...] = ()


def compiled(package: Package, release: str) -> Compiled:
    """What a compiled package asks for.

    Args:
        release: of Go, which stands for the standard library's version.

    Raises:
        TrimaranError: TRM1344, the archive is not what Go writes.
    """
    module, version = ("std", release) if package.standard else (package.module, package.version)
    owner = Owner(Part.PACKAGE, package.path, module, version)
    try:
        with opened(package.export) as source:
            return _package(owner, source)
    except (BrokenFileError, OSError) as error:
        what = f"{package.path}: {error.what if isinstance(error, BrokenFileError) else error.strerror}"
        fix = "`go clean -cache` makes Go compile again"
        raise fail("TRM1344", what, fix, Where(package.export)) from None


def _package(owner: Owner, source: OpenFile) -> Compiled:
    told: tuple[tuple[str, ...], ...] = ()
    found: list[Contribution] = []
    for member in blame_archive.members(source):
        if member.name == _GO_OBJECT:
            told = blame_archive.directives(member.source)
        elif member.name not in _NOT_CODE and _is_elf(member):
            each = blame_elf.read_object(member.source)
            found.append(Contribution(owner, each.undefined, each.source or member.name))
    # cgo writes a pragma for each symbol of its trial link, startup files included; there the C code tells.
    # People write pragmas to give a symbol another name.
    asked = blame_archive.imports(told)
    written = {each.remote: False for each in asked if not found or each.local != each.remote}
    if written:
        found.append(Contribution(owner, written, directive=True))
    flags = tuple(each[1] for each in told if each[0] == "cgo_ldflag" and len(each) == 2)
    return Compiled(owner, tuple(found), flags)


def _is_elf(member: blame_archive.Member) -> bool:
    return member.source.size > len(_ELF) and member.source.at(0, len(_ELF)) == _ELF


def objects(path: str) -> tuple[Object, ...]:
    """The object files in a static library, or the one object file. Raises BrokenFileError and OSError."""
    with opened(path) as source:
        if source.at(0, min(8, source.size)) != _ARCHIVE:
            return (blame_elf.read_object(source),)
        return tuple(
            blame_elf.read_object(member.source)
            for member in blame_archive.members(source)
            if _is_elf(member)
        )


def startup(paths: Sequence[str]) -> Iterator[Contribution]:
    """What the C compiler's startup files ask for; what cannot be read is passed over."""
    for path in dict.fromkeys(paths):
        with suppress(BrokenFileError, OSError):
            for each in objects(path):
                yield Contribution(Owner(Part.STARTUP, file=Path(path).name), each.undefined, each.source)


def archive(path: str, by: Owner | None, asked: Iterable[str]) -> Iterator[Contribution]:
    """What the linker takes from a static library, for what is missing so far.

    Args:
        by: the package that asks for the library; None for the C compiler itself.
    """
    name = Path(path).name
    owner = replace(by, part=Part.ARCHIVE, file=name) if by else Owner(Part.ARCHIVE, file=name)
    with suppress(BrokenFileError, OSError):
        for each in pulled(asked, objects(path)):
            yield Contribution(owner, each.undefined, each.source)
