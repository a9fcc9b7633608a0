"""The only file of this room that opens files.

Bytes come by `pread` of bounded ranges and not by `mmap`: a mapped file that shrinks while it is read ends
the process with SIGBUS, and the pages of a large file would count as our memory.
"""

import errno
import os
import stat
from collections.abc import Callable
from typing import TypeVar

from trimaran.binary.elf import BrokenFileError, Source
from trimaran.binary.linkage import Asked, NotStartedError, always, read_file
from trimaran.binary.model import File
from trimaran.binary.packed import refuse_packed
from trimaran.errors import TrimaranError, Where, fail

Read = TypeVar("Read")
Look = Callable[[str, Source], Read]

_PAGE = 4096
_PAGES = 256
_FOREIGN = {
    b"MZ": "a Windows program (PE)",
    b"\xcf\xfa\xed\xfe": "a macOS program (Mach-O)",
    b"\xce\xfa\xed\xfe": "a macOS program (Mach-O)",
    b"\xca\xfe\xba\xbe": "a macOS universal program (Mach-O) or a Java class",
    b"!<arch>\n": "a static library (ar archive)",
    b"\x1f\x8b": "compressed with gzip",
    b"PK\x03\x04": "a zip archive",
    b"\0asm": "a WebAssembly module",
    b"<!DOCTYPE": "a web page",
}
_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class OpenFile:
    """The bytes of an open file; keeps a few pages, because headers are read in small pieces."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._pages: dict[int, bytes] = {}
        self.size = size

    def at(self, offset: int, size: int) -> bytes:
        # Headers are read in tens of small pieces of two or three pages.
        inside = offset % _PAGE
        page = self._pages.get(offset - inside)
        if page is not None and 0 <= size <= len(page) - inside:
            return page[inside : inside + size]
        return self._fetched(offset, size)

    def _fetched(self, offset: int, size: int) -> bytes:
        if offset < 0 or size < 0 or offset + size > self.size:
            what = f"ends after {self.size} bytes; its headers name bytes {offset} to {offset + size}"
            raise BrokenFileError(what, truncated=True)
        start = offset - offset % _PAGE
        inside = offset - start
        if inside + size > _PAGE:
            return self._read(offset, size)
        page = self._pages.get(start)
        if page is None:
            if len(self._pages) >= _PAGES:
                self._pages.clear()
            page = self._pages[start] = self._read(start, min(_PAGE, self.size - start))
        return page[inside : inside + size]

    def _read(self, offset: int, size: int) -> bytes:
        found = os.pread(self._descriptor, size, offset)
        while len(found) < size:
            more = os.pread(self._descriptor, size - len(found), offset + len(found))
            if not more:
                raise BrokenFileError("became shorter while it was read", truncated=True)
            found += more
        return found


def inspect_file(path: str | os.PathLike[str]) -> File:
    """What the ELF file at `path` needs in order to start. Raises as `look_at`."""
    return look_at(path, _closely)


def headers(name: str, source: Source, *, asked: Asked = always) -> File:
    """What its headers say a program needs, without the release of a glibc that was linked in.

    Args:
        asked: as for `linkage.read_file`.

    Raises as `linkage.read_file`, and for a packed program.
    """
    refuse_packed(name, source)
    return read_file(name, source, closely=False, asked=asked)


def _closely(name: str, source: Source) -> File:
    refuse_packed(name, source)
    return read_file(name, source)


def look_at(path: str | os.PathLike[str], look: Look[Read]) -> Read:
    """What `look` makes of the ELF file at `path`; it gets the name and the bytes.

    Raises:
        TrimaranError: the file cannot be read (TRM0201), is not a regular file (TRM0202), is empty
            (TRM0203), is something else than ELF (TRM0204), ends early (TRM0205), contradicts itself
            (TRM0206) or is ELF but no program (TRM0207).
    """
    name = os.fspath(path)
    try:
        # Opening a device can do something (a watchdog starts, a tape rewinds), so look before.
        _refuse_special(name, os.stat(name).st_mode)  # noqa: PTH116 - a Path costs more than the call
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        descriptor = os.open(name, flags)
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from None
    try:
        return _look_at(name, descriptor, look)
    except OSError as error:
        raise unreadable(name, error) from None
    finally:
        os.close(descriptor)


def _look_at(name: str, descriptor: int, look: Look[Read]) -> Read:
    found = os.fstat(descriptor)
    _refuse_special(name, found.st_mode)
    if not found.st_size:
        raise fail("TRM0203", "the file is empty", "build or copy it again", Where(name))
    return look_into(name, OpenFile(descriptor, found.st_size), look)


def look_into(name: str, source: Source, look: Look[Read]) -> Read:
    """What `look` makes of bytes that are not empty, wherever they come from. Raises as `look_at`."""
    try:
        _refuse_foreign(name, source.at(0, min(16, source.size)))
        return look(name, source)
    except BrokenFileError as error:
        if error.truncated:
            raise fail("TRM0205", error.what, "copy or download it again", Where(name)) from None
        raise fail("TRM0206", error.what, "it would not start; build it again", Where(name)) from None
    except NotStartedError as error:
        raise fail("TRM0207", f"this is {error}", error.fix, Where(name)) from None


def _refuse_special(name: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "not a regular file")
        raise fail("TRM0202", f"this is {kind}, not a program", "name a program's file", Where(name))


def _refuse_foreign(name: str, start: bytes) -> None:
    if start.startswith(b"\x7fELF"):
        if len(start) < 16:
            raise fail(
                "TRM0205",
                f"ends after {len(start)} bytes, inside the ELF header",
                "copy it again",
                Where(name),
            )
        return
    if start.startswith(b"#!"):
        what, fix = "a script", "inspect the interpreter that its first line names"
    else:
        what = next((kind for magic, kind in _FOREIGN.items() if start.startswith(magic)), "not an ELF file")
        fix = "inspect reads Linux programs (ELF); for Go, build with GOOS=linux"
    raise fail("TRM0204", f"this is {what}" if what != "not an ELF file" else what, fix, Where(name))


def unreadable(name: str, error: OSError | ValueError) -> TrimaranError:
    """TRM0201 with the system's reason."""
    if isinstance(error, ValueError):
        return fail("TRM0201", f"no file can have this name: {error}", "check the name", Where(name))
    number = error.errno or 0
    fix = {
        errno.ENOENT: "check the name, and the folder that you are in",
        errno.EACCES: "ask for the right to read it",
    }.get(number, "check that the file system is well")
    return fail("TRM0201", f"cannot read it: {os.strerror(number)}", fix, Where(name))
