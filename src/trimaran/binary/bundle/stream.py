"""Bytes that come in order, and parts of them. Pure: what lies below is a `Source`.

A format's reader takes a `Stream` and hands out `Entry` values, each with the stream of its own bytes. Where
the bytes stand in the file as they are (not compressed), `window` gives random access without copying them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from trimaran.binary.elf import BrokenFileError, Source
from trimaran.errors import TrimaranError, fail

CHUNK = 1 << 18


class Stream(Protocol):
    """Bytes that come in order, once."""

    def read(self, size: int) -> bytes:
        """At most `size` of the next bytes; none only at the end."""
        ...

    def skip(self, size: int) -> int:
        """Leave out at most `size` bytes; how many there were."""
        ...

    def window(self, size: int) -> Source | None:
        """The next `size` bytes where they lie; None when they exist only while they pass by."""
        ...


class Kind(StrEnum):
    """What stands in an archive under a name."""

    FILE = "file"
    LINK = "link"
    DIRECTORY = "directory"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in an archive.

    Args:
        name: as the archive has it.
        size: of its bytes; None when only reading them tells.
        body: its bytes; worthless once the next entry was asked for.
        target: the name that a hard link stands for.
        unread: why its bytes cannot be had although they begin like a program; empty otherwise.
        layer: of an image, the name of the layer that it is in, and what that is compressed with.
    """

    name: str
    kind: Kind
    size: int | None
    body: Stream
    target: str = ""
    unread: TrimaranError | None = None
    layer: tuple[str, str] = ("", "")


class Part:
    """A range of a source, as a source."""

    def __init__(self, source: Source, start: int, size: int) -> None:
        self._source = source
        self._start = start
        self.size = size

    def at(self, offset: int, size: int) -> bytes:
        if offset < 0 or size < 0 or offset + size > self.size:
            what = f"ends after {self.size} bytes; its headers name bytes {offset} to {offset + size}"
            raise BrokenFileError(what, truncated=True)
        return self._source.at(self._start + offset, size)


class Straight:
    """A source, or a range of it, from front to back."""

    def __init__(self, source: Source, start: int = 0, end: int | None = None) -> None:
        self._source = source
        self.position = start
        self._end = source.size if end is None else min(end, source.size)

    def read(self, size: int) -> bytes:
        size = min(size, self._end - self.position)
        if size <= 0:
            return b""
        try:
            found = self._source.at(self.position, size)
        except BrokenFileError as error:
            raise cut(error.what) from None
        self.position += size
        return found

    def skip(self, size: int) -> int:
        size = max(0, min(size, self._end - self.position))
        self.position += size
        return size

    def window(self, size: int) -> Source | None:
        return Part(self._source, self.position, max(0, min(size, self._end - self.position)))


class Limited:
    """The next `size` bytes of a stream, and no more."""

    def __init__(self, stream: Stream, size: int) -> None:
        self._stream = stream
        self.left = size

    def read(self, size: int) -> bytes:
        found = self._stream.read(min(size, self.left)) if self.left else b""
        self.left -= len(found)
        return found

    def skip(self, size: int) -> int:
        done = self._stream.skip(min(size, self.left)) if self.left else 0
        self.left -= done
        return done

    def window(self, size: int) -> Source | None:
        return self._stream.window(min(size, self.left))


class Nothing:
    """No bytes at all."""

    def read(self, size: int) -> bytes:
        return b""

    def skip(self, size: int) -> int:
        return 0

    def window(self, size: int) -> Source | None:
        return None


NOTHING = Nothing()


def exactly(stream: Stream, size: int, what: str) -> bytes:
    """The next `size` bytes, a bounded number; an error that names `what` ends early."""
    found = stream.read(size)
    while len(found) < size:
        more = stream.read(size - len(found))
        if not more:
            raise cut(f"ends inside {what}")
        found += more
    return found


def upto(stream: Stream, size: int) -> bytes:
    """The next `size` bytes, or all that are left."""
    found = stream.read(size)
    while len(found) < size and (more := stream.read(size - len(found))):
        found += more
    return found


def pass_over(stream: Stream, size: int, what: str) -> None:
    """Skip exactly `size` bytes."""
    if stream.skip(size) < size:
        raise cut(f"ends inside {what}")


def cut(what: str) -> TrimaranError:
    """The error of an archive that ends early."""
    return fail("TRM0212", what, "copy or download it again, and compare checksums")


def contradiction(what: str) -> TrimaranError:
    """The error of an archive whose headers cannot be true."""
    return fail("TRM0213", what, "copy or build it again; a damaged or hostile archive is not read further")


def beyond(what: str) -> TrimaranError:
    """The error of an archive that asks for more than is given to any."""
    return fail("TRM0216", what, "unpack it where that is safe, and inspect the folder")


def unsupported(what: str, fix: str) -> TrimaranError:
    """The error of a format, or a version of one, that is not read."""
    return fail("TRM0218", what, fix)


def text(raw: bytes) -> str:
    """A name from an archive, as text."""
    return raw.decode("utf-8", "backslashreplace")
