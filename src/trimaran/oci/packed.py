"""Unpacks a compressed stream as it comes: gzip, bzip2, xz and zstd, told apart by their first bytes.

A few bytes may unpack to terabytes, so no call gives more than was asked for. Python has no zstd yet; the
`zstd` program does that.
"""

import bz2
import contextlib
import lzma
import os
import shutil
import subprocess
import threading
import zlib
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from trimaran.errors import fail

Read = Callable[[int], bytes]
_PIECE = 1 << 16
_MEMORY = 256 << 20
_MAGICS = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"))


class BrokenStreamError(ValueError):
    """The compressed stream is damaged or ends early; the text is one line."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


class _Gzip:
    """zlib's decompressor in the form of the other two."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail and not self._inner.eof

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max(max_length, 0))


def _xz() -> _Decompressor:
    return lzma.LZMADecompressor(memlimit=_MEMORY)


_MAKE: dict[str, Callable[[], _Decompressor]] = {"gzip": _Gzip, "bzip2": bz2.BZ2Decompressor, "xz": _xz}


class Unpacked:
    """The plain bytes of a stream, whether it is compressed or not. Use it as a context."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._ahead = b""
        while len(self._ahead) < 6 and (more := read(6 - len(self._ahead))):
            self._ahead += more
        self.form = next((form for magic, form in _MAGICS if self._ahead.startswith(magic)), "")
        """How it is packed; empty for a plain stream."""
        self._zstd: _Zstd | None = None
        self._inner = _MAKE[self.form]() if self.form in _MAKE else None
        self._used = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._zstd is not None:
            self._zstd.close()

    def read(self, size: int) -> bytes:
        """At most `size` plain bytes; none at the end. Raises BrokenStreamError, TRM1112 without zstd."""
        if self.form == "zstd":
            if self._zstd is None:
                self._zstd = _Zstd(self._packed)
            return self._zstd.read(size)
        if self._inner is None:
            return self._packed(size)
        try:
            return self._unpack(min(size, _PIECE * 4))
        except (zlib.error, lzma.LZMAError, OSError, EOFError, MemoryError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise BrokenStreamError(f"what is packed with {self.form} is damaged: {error}") from None

    def _packed(self, size: int) -> bytes:
        if self._ahead:
            found, self._ahead = self._ahead[:size], self._ahead[size:]
            return found
        return self._read(size)

    def _unpack(self, size: int) -> bytes:
        assert self._inner is not None  # noqa: S101 - the caller has looked
        while True:
            if self._inner.eof and not self._again():
                return b""
            hungry = self._inner.needs_input
            data = self._packed(_PIECE) if hungry else b""
            # zlib may still hold plain bytes when all the packed ones are in.
            found = self._inner.decompress(data, size)
            if found:
                return found
            if hungry and not data and not self._inner.eof:
                raise BrokenStreamError(f"what is packed with {self.form} ends early")

    def _again(self) -> bool:
        """Whether another stream follows the one that has ended; zeros after it fill a tape's block."""
        assert self._inner is not None  # noqa: S101 - the caller has looked
        rest = self._inner.unused_data.lstrip(b"\0") or self._packed(_PIECE).lstrip(b"\0")
        if not rest:
            return False
        self._ahead = rest + self._ahead
        self._inner = _MAKE[self.form]()
        return True


class _Zstd:
    """The `zstd` program, fed by a thread, because it may have to be read before it takes more."""

    def __init__(self, read: Read) -> None:
        tool = shutil.which("zstd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/bin")
        if tool is None:
            what = "this is packed with zstd, and there is no zstd program here"
            raise fail("TRM1112", what, "install the package zstd")
        argv = [tool, "--decompress", "--stdout", "--quiet", f"--memory={_MEMORY}"]
        self._program = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._failed: list[BaseException] = []
        self._feeding = threading.Thread(target=self._feed, args=(read,), daemon=True, name="feed-zstd")
        self._feeding.start()

    def _feed(self, read: Read) -> None:
        assert self._program.stdin is not None  # noqa: S101 - it was asked for
        try:
            while data := read(_PIECE):
                self._program.stdin.write(data)
        except BrokenPipeError:
            pass  # it has ended, and its status tells why
        except BaseException as error:  # noqa: BLE001 - raised again where the bytes are read
            self._failed.append(error)
        finally:
            with contextlib.suppress(OSError):
                self._program.stdin.close()

    def read(self, size: int) -> bytes:
        assert self._program.stdout is not None  # noqa: S101 - it was asked for
        found = self._program.stdout.read(size)
        if found:
            return found
        self._feeding.join(timeout=60)
        if self._failed:
            raise self._failed[0]
        if self._program.wait(timeout=60):
            raise BrokenStreamError("what is packed with zstd is damaged, or ends early")
        return b""

    def close(self) -> None:
        self._program.kill()
        self._program.wait()
        if self._program.stdout is not None:
            self._program.stdout.close()
        self._feeding.join(timeout=60)
