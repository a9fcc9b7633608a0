"""The module's zip as the proxy publishes it: looked into from afar by ranges, or brought whole."""

import hashlib
import io
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trimaran.errors import Problem, TrimaranError, fail, printable
from trimaran.toolchain import fetch, network, proxy
from trimaran.toolchain.archive import Member, dangers
from trimaran.toolchain.goproxy import TOOLCHAIN, Source, module_file
from trimaran.toolchain.model import Progress
from trimaran.toolchain.network import Network
from trimaran.toolchain.proxy import Patience
from trimaran.toolchain.proxyfaults import AbsentError
from trimaran.toolchain.versions import Toolchain

LARGEST_ZIP = 600 << 20
_AHEAD = 1 << 18
_ENCRYPTED = 1
_SHOWN = 20


class _RangeFile(io.RawIOBase):
    """A remote file that can be read at any place."""

    def __init__(self, read: Callable[[int, int], tuple[bytes, int]]) -> None:
        super().__init__()
        self._read = read
        self._at = 0
        self._size = read(0, 1)[1]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # any writable buffer
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        content, _ = self._read(self._at, wanted)
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


@dataclass(frozen=True, slots=True)
class Zip:
    """An opened module zip whose members have been found safe.

    Args:
        members: by name relative to the module's prefix.
    """

    opened: zipfile.ZipFile
    prefix: str
    members: dict[str, Member]

    def digests(self, names: Iterable[str]) -> dict[str, str]:
        """SHA-256 of members' contents."""
        return {name: hashlib.file_digest(self.open(name), "sha256").hexdigest() for name in names}

    def open(self, name: str) -> io.BufferedIOBase:
        """A member's content; never more than its directory says."""
        return self.opened.open(self.prefix + name)  # type: ignore[return-value]  # ZipExtFile is one


def prefix(toolchain: Toolchain) -> str:
    """With which every name in the module's zip begins."""
    return f"{TOOLCHAIN}@{toolchain.module_version}/"


def address(toolchain: Toolchain) -> str:
    """The zip's place below a proxy."""
    return module_file(TOOLCHAIN, f"{toolchain.module_version}.zip")


@contextmanager
def at_proxy(toolchain: Toolchain, net: Network, cache: Path, progress: Progress) -> Iterator[Zip]:
    """The zip, read in parts where the proxy serves ranges, else brought whole. Raises as `proxy.get`."""

    def probe(source: Source) -> Callable[[int, int], tuple[bytes, int]]:
        path = address(toolchain)
        proxy.get_range(source, path, 0, 1, net.patience)
        return lambda start, length: proxy.get_range(source, path, start, length, net.patience)

    try:
        read = network.ask(net, probe)
        raw = _RangeFile(read)
        stream: io.BufferedIOBase = io.BufferedReader(raw, _AHEAD)  # type: ignore[type-var]  # for its looser readinto
    except TrimaranError as error:
        if error.problems[0].code != "TRM0330":
            raise
        part, _ = bring(toolchain, net, cache, progress)
        stream = part.open("rb")
    with stream, opened(stream, prefix(toolchain)) as found:
        yield found


@contextmanager
def opened(stream: io.BufferedIOBase, start: str) -> Iterator[Zip]:
    """A zip, its directory checked. Raises TRM0328 when it is damaged or must not be unpacked."""
    try:
        with zipfile.ZipFile(stream) as archive:
            found = [_member(entry) for entry in archive.infolist() if not entry.is_dir()]
            reasons = dangers(found, start)
            if reasons:
                raise _unsafe(reasons)
            yield Zip(archive, start, {member.name.removeprefix(start): member for member in found})
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise _unsafe([printable(str(error))]) from None


def _member(entry: zipfile.ZipInfo) -> Member:
    mode = entry.external_attr >> 16
    encrypted = bool(entry.flag_bits & _ENCRYPTED)
    return Member(entry.filename, entry.file_size, entry.CRC, mode, entry.compress_type, encrypted)


def _unsafe(reasons: list[str]) -> TrimaranError:
    detail = tuple(printable(reason) for reason in reasons[:_SHOWN])
    fix = "try again; if it stays so, do not use this proxy"
    return TrimaranError(
        Problem("TRM0328", "the module's zip is damaged or not safe to unpack", fix, None, detail)
    )


def bring(toolchain: Toolchain, net: Network, cache: Path, progress: Progress) -> tuple[Path, bool]:
    """The whole zip on disk, and whether a part of it came from an earlier try. Raises as `proxy.get`."""
    part = cache / "downloads" / f"{toolchain.name}.zip.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    told = _told(toolchain, progress)
    patience: Patience = net.patience

    def one(source: Source) -> bool:
        return fetch.download(source, address(toolchain), part, LARGEST_ZIP, patience, told)

    try:
        return part, network.ask(net, one)
    except AbsentError:
        what = f"the proxy has no Go {toolchain.version} for {toolchain.os}/{toolchain.arch}"
        raise fail("TRM0302", what, "`trimaran go list --all` shows what it has") from None


def _told(toolchain: Toolchain, progress: Progress) -> fetch.Told:
    last = 0.0

    def told(have: int, size: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 1 or have == size:
            last = now
            whole = f" of {size / 1e6:.0f}" if size else ""
            progress(f"downloading Go {toolchain.version}: {have / 1e6:.0f}{whole} MB")

    return told
