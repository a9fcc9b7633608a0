"""Keeps the bytes of one program while it is read, where they only pass by.

A small one stays in memory. A bigger one goes to a file without a name, which nobody else can open and which
is gone when the process ends, however it ends. Only on file systems that cannot do this has it a name for an
instant.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from trimaran.binary.bundle.budget import MEMBER_BYTES
from trimaran.binary.bundle.stream import CHUNK, Stream
from trimaran.binary.elf import BrokenFileError, Source
from trimaran.binary.reader import OpenFile
from trimaran.errors import TrimaranError, fail

_IN_MEMORY = 4 << 20
# /var/tmp is on a disk where /tmp is memory.
_FOLDERS = ("/var/tmp", "/tmp")  # noqa: S108 - the files there have no name


class Held:
    """Bytes in memory, as a source."""

    def __init__(self, content: bytearray) -> None:
        self._content = memoryview(content)
        self.size = len(content)

    def at(self, offset: int, size: int) -> bytes:
        if offset < 0 or size < 0 or offset + size > self.size:
            what = f"ends after {self.size} bytes; its headers name bytes {offset} to {offset + size}"
            raise BrokenFileError(what, truncated=True)
        return bytes(self._content[offset : offset + size])


class Spool:
    """Holds one program at a time."""

    def __init__(self) -> None:
        self._file: BinaryIO | None = None
        self._archive: BinaryIO | None = None

    def close(self) -> None:
        """Give the room back."""
        for file in (self._file, self._archive):
            if file is not None:
                file.close()

    def keep(self, start: bytes, rest: Stream, size: int | None) -> Source | TrimaranError:
        """The program that begins with `start` and goes on with `rest`; valid until the next one is kept.

        What is wrong with this one program is returned; what is wrong with the stream is raised.
        """
        if size is not None and size > MEMBER_BYTES:
            return _big(size)
        content = bytearray(start)
        while len(content) < _IN_MEMORY and (found := rest.read(CHUNK)):
            content += found
        if len(content) < _IN_MEMORY:
            return Held(content)
        try:
            return self._on_disk(content, rest)
        except OSError as error:
            return _no_room(error)

    def keep_archive(self, stream: Stream) -> Source:
        """All of a stream, whose budget bounds it; valid until the spool is closed."""
        try:
            self._archive = _nameless(_folders())
            size = 0
            while found := stream.read(CHUNK):
                size += _write(self._archive, found)
        except OSError as error:
            raise _no_room(error) from None
        return OpenFile(self._archive.fileno(), size)

    def _on_disk(self, start: bytearray, rest: Stream) -> Source | TrimaranError:
        file = self._emptied()
        done = _write(file, start)
        del start[:]
        while found := rest.read(CHUNK):
            done += _write(file, found)
            if done > MEMBER_BYTES:
                return _big(done)
        return OpenFile(file.fileno(), done)

    def _emptied(self) -> BinaryIO:
        if self._file is None:
            self._file = _nameless(_folders())
        self._file.seek(0)
        self._file.truncate()
        return self._file


def _write(file: BinaryIO, content: bytes | bytearray) -> int:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
    return len(content)


def _folders() -> Iterator[str]:
    return filter(None, (os.environ.get("TMPDIR"), *_FOLDERS))


def _nameless(folders: Iterable[str]) -> BinaryIO:
    last = OSError("no folder for temporary files")
    for folder in folders:
        try:
            # It is the caller's, who closes it.
            return tempfile.TemporaryFile(dir=folder, buffering=0)
        except OSError as error:
            last = error
    raise last


def _big(size: int) -> TrimaranError:
    return fail(
        "TRM0217",
        f"a program of {size >> 20} MiB; one inside a compressed archive may have {MEMBER_BYTES >> 20}",
        "unpack it, and inspect it as a file",
    )


def _no_room(error: OSError) -> TrimaranError:
    return fail(
        "TRM0225",
        f"cannot keep it while it is read: {error.strerror or error}",
        "make room in /var/tmp, or name another folder in TMPDIR",
    )
