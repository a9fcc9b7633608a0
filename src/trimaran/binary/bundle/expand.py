"""Expands gzip, xz, bzip2, lzma and Zstandard as a stream, within a budget. Pure: libraries only compute."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from trimaran.binary.bundle import zstd
from trimaran.binary.bundle.budget import WINDOW_LOG, Budget
from trimaran.binary.bundle.stream import CHUNK, Stream, beyond, contradiction, cut
from trimaran.binary.elf import Source
from trimaran.errors import TrimaranError, fail

_FRAMES = 1_000_000
# As many may be empty, and the others hold as many bytes each.
_EMPTY = 256
# A table of 64 MiB and what goes with it.
_XZ_MEMORY = (1 << WINDOW_LOG) + (4 << 20)
_INPUT = 1 << 15


class Decompressor(Protocol):
    """What the libraries for xz, bzip2 and Zstandard have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class Deflate:
    """zlib with the same face.

    Args:
        bits: 31 for gzip, -15 for bare deflate.
    """

    def __init__(self, bits: int) -> None:
        self._inner = zlib.decompressobj(bits)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        # zlib may hold back output for which there was no room, without any input left.
        return not self._inner.unconsumed_tail and not self._full

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        found = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self._full = len(found) == max_length
        return found


KINDS: dict[str, Callable[[], Decompressor]] = {
    "gzip": lambda: Deflate(31),
    "deflate": lambda: Deflate(-15),
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
    "lzma": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_XZ_MEMORY),
    "bzip2": bz2.BZ2Decompressor,
    "zstd": lambda: zstd.decompressor(WINDOW_LOG),
}
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
}
# Frames to skip (RFC 8878, 3.1.2) may stand before and between others.
_SKIPPABLE = b"\x2a\x4d\x18"
_ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, zstd.ZstdError)


def compression(start: bytes) -> str | None:
    """What the bytes that start with `start` are compressed with; None when that is not seen."""
    if start[1:4] == _SKIPPABLE and 0x50 <= start[0] <= 0x5F:
        return "zstd"
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


class Expanded:
    """What comes out of a compressed stream.

    Args:
        kind: one of `KINDS`.
        single: one frame and nothing behind it; otherwise frames may follow each other, as gzip allows.
    """

    def __init__(self, source: Stream, kind: str, budget: Budget, *, single: bool = False) -> None:
        self._source = source
        self._kind = kind
        self._budget = budget
        self._single = single
        self._inner = KINDS[kind]()
        self._rest = b""
        self._frames = 1
        self._taken = self._given = 0
        self._done = False

    def read(self, size: int) -> bytes:
        # To zlib, a limit of 0 means no limit.
        while size > 0 and not self._done:
            if self._inner.eof:
                self._next_frame()
                continue
            fresh = b""
            if self._inner.needs_input:
                fresh, self._rest = self._rest or self._feed(), b""
                if not fresh:
                    raise cut(f"ends inside its {self._kind} data")
            found = self._step(fresh, size)
            if found:
                self._given += len(found)
                self._budget.expanded(len(found), self._taken, self._given)
                return found
        return b""

    def skip(self, size: int) -> int:
        done = 0
        while done < size and (found := self.read(min(CHUNK, size - done))):
            done += len(found)
        return done

    def window(self, size: int) -> Source | None:
        return None

    def _feed(self) -> bytes:
        fresh = self._source.read(_INPUT)
        self._taken += len(fresh)
        return fresh

    def _step(self, fresh: bytes, size: int) -> bytes:
        try:
            return self._inner.decompress(fresh, size)
        except _ERRORS as error:
            raise _damaged(self._kind, error) from None
        except MemoryError:
            raise _wide(self._kind) from None

    def _next_frame(self) -> None:
        rest = self._inner.unused_data
        if self._single:
            self._done = True
            if rest or self._source.read(1):
                raise contradiction(f"has bytes behind its {self._kind} data")
            return
        # Zeros are padding, which tapes, block devices and xz leave.
        while len(rest := rest.lstrip(b"\0")) < 6 and (fresh := self._feed()):
            rest += fresh
        if not rest:
            self._done = True
            return
        self._frames += 1
        if self._frames > min(_FRAMES, _EMPTY + self._given // _EMPTY):
            raise beyond(f"has {self._frames:,} {self._kind} frames with next to nothing in them")
        if compression(rest) != self._kind:
            raise contradiction(f"has bytes behind its {self._kind} data that are not {self._kind}")
        self._inner = KINDS[self._kind]()
        self._rest = rest


def _damaged(kind: str, error: Exception) -> TrimaranError:
    # Both libraries say so only in words: "Memory usage limit exceeded", "Frame requires too much memory".
    if "memory" in str(error).lower():
        return _wide(kind)
    return fail(
        "TRM0214",
        f"its {kind} data is damaged",
        "copy or download it again, and compare checksums",
    )


def _wide(kind: str) -> TrimaranError:
    return fail(
        "TRM0215",
        f"its {kind} data needs more than {1 << WINDOW_LOG - 20} MiB of memory to be read",
        "compress it with a smaller window, as xz -9 and zstd -19 do, or inspect it unpacked",
    )
