"""Checks the digest of a stream while it passes by. Pure."""

import hashlib

from trimaran.binary.bundle.stream import CHUNK, Stream
from trimaran.binary.elf import Source
from trimaran.errors import TrimaranError, fail


class Digested:
    """A stream whose digest is compared when it was read.

    Args:
        digest: as `sha256:…` or `sha512:…`.
        what: it, in the words of the error.
    """

    def __init__(self, stream: Stream, digest: str, what: str) -> None:
        kind, _, self._wanted = digest.partition(":")
        self._digest = hashlib.new(kind)
        self._stream = stream
        self._what = what

    def read(self, size: int) -> bytes:
        found = self._stream.read(size)
        self._digest.update(found)
        return found

    def check(self) -> None:
        """Read what is left, and raise when the whole does not have its announced digest."""
        while self.read(CHUNK):
            pass
        if self._digest.hexdigest() != self._wanted:
            raise lie(self._what)

    def skip(self, size: int) -> int:
        done = 0
        while done < size and (found := self.read(min(CHUNK, size - done))):
            done += len(found)
        return done

    def window(self, size: int) -> Source | None:
        return None


def lie(what: str) -> TrimaranError:
    """The error of bytes that do not have their announced digest."""
    return fail(
        "TRM0219",
        f"{what} does not have the digest that is announced for it",
        "download it again; if it stays so, do not use it",
    )
