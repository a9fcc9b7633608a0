"""Reads zip archives, which wheels are: .ZIP File Format Specification (APPNOTE) 6.3. Pure.

The table at the end counts, as it does for every installer; the header in front of each member must say the
same, and no two members may share bytes, or tools would see different programs.
"""

import struct
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from trimaran.binary.bundle.budget import MEMBERS, Budget, checked_name
from trimaran.binary.bundle.expand import Expanded
from trimaran.binary.bundle.stream import (
    CHUNK,
    NOTHING,
    Entry,
    Kind,
    Straight,
    Stream,
    beyond,
    contradiction,
    cut,
    text,
    unsupported,
    upto,
)
from trimaran.binary.elf import Source
from trimaran.errors import fail

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_END, _END64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_SIZE, _LOCATOR_SIZE, _END64_SIZE = 22, 20, 56
_ENTRY, _ENTRY_SIZE = b"PK\x01\x02", 46
_LOCAL, _LOCAL_SIZE = b"PK\x03\x04", 30
_COMMENT = 0xFFFF
_EXTRAS = 64
_METHODS = {0: "", 8: "deflate", 12: "bzip2", 93: "zstd"}
_ENCRYPTED = 0x2041


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the table at the end."""

    name: bytes
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    at: int
    mode: int


def entries(source: Source, budget: Budget) -> Iterator[Entry]:
    """The members in the order of the table."""
    start, end, count = _table(source)
    _check_apart(source, start, end, count)
    for row in _rows(source, start, end, count):
        budget.member()
        yield from _member(source, row, start, budget)


def _table(source: Source) -> tuple[int, int, int]:
    """Where the table begins and ends, and how many rows it has."""
    tail_at = max(0, source.size - _END_SIZE - _COMMENT)
    tail = source.at(tail_at, source.size - tail_at)
    found = tail.rfind(_END)
    while found >= 0 and found + _END_SIZE + int.from_bytes(tail[found + 20 : found + 22], "little") != len(
        tail
    ):
        found = tail.rfind(_END, 0, found)
    if found < 0:
        raise cut("has no zip table at its end")
    fields = struct.unpack("<4sHHHHIIH", tail[found : found + _END_SIZE])
    count, size, at = fields[4], fields[5], fields[6]
    end = tail_at + found
    if 0xFFFF in fields[1:5] or 0xFFFFFFFF in fields[5:7]:
        end, count, size, at = _table64(source, end) or (end, count, size, at)
    if at + size != end:
        raise contradiction("its zip table does not stand where the archive says")
    if count > MEMBERS:
        raise beyond(f"has {count:,} members; {MEMBERS:,} are read")
    return at, end, count


def _table64(source: Source, end: int) -> tuple[int, int, int, int] | None:
    if end < _LOCATOR_SIZE or source.at(end - _LOCATOR_SIZE, 4) != _LOCATOR:
        return None
    at = int.from_bytes(source.at(end - _LOCATOR_SIZE + 8, 8), "little")
    if at + _END64_SIZE > end - _LOCATOR_SIZE:
        raise contradiction("its zip table does not stand where the archive says")
    fields = struct.unpack("<4sQHHIIQQQQ", source.at(at, _END64_SIZE))
    if fields[0] != _END64:
        raise contradiction("its zip table does not stand where the archive says")
    return at, fields[7], fields[8], fields[9]


def _rows(source: Source, start: int, end: int, count: int) -> Iterator[_Row]:
    table = Straight(source, start, end)
    for _ in range(count):
        fields = struct.unpack("<4s6H3I5H2I", _piece(table, _ENTRY_SIZE))
        if fields[0] != _ENTRY:
            raise contradiction("its zip table has a row that is none")
        flags, method, crc, packed, size = fields[3], fields[4], fields[7], fields[8], fields[9]
        name = _piece(table, fields[10])
        extra = _piece(table, fields[11])
        _piece(table, fields[12])
        packed, size, at = _wide(extra, packed, size, fields[16])
        mode = fields[15] >> 16 if fields[1] >> 8 == 3 else 0
        yield _Row(checked_name(name), method, flags, crc, packed, size, at, mode)
    if table.skip(1):
        raise contradiction("its zip table has more rows than it says")


def _piece(table: Stream, size: int) -> bytes:
    found = upto(table, size)
    if len(found) < size:
        raise contradiction("its zip table has fewer rows than it says")
    return found


def _wide(extra: bytes, packed: int, size: int, at: int) -> tuple[int, int, int]:
    """The sizes and the place, from the extra field where they do not fit."""
    place = 0
    for _ in range(_EXTRAS):
        if place + 4 > len(extra):
            break
        kind, width = struct.unpack_from("<HH", extra, place)
        if kind == 1:
            numbers = [
                int.from_bytes(extra[step : step + 8], "little")
                for step in range(place + 4, place + 4 + min(width, 24) // 8 * 8, 8)
            ]
            values = [size, packed, at]
            for index, value in enumerate(values):
                if value == 0xFFFFFFFF and numbers:
                    values[index] = numbers.pop(0)
            return values[1], values[0], values[2]
        place += 4 + width
    return packed, size, at


def _check_apart(source: Source, start: int, end: int, count: int) -> None:
    """Refuse members that share bytes: that is how a small archive becomes an enormous one."""
    starts, ends = array("Q"), array("Q")
    for row in _rows(source, start, end, count):
        last = row.at + _LOCAL_SIZE + len(row.name) + row.packed
        if last > start:
            raise contradiction("has a zip member that lies outside the archive")
        starts.append(row.at)
        ends.append(last)
    before = 0
    for index in sorted(range(len(starts)), key=starts.__getitem__):
        if starts[index] < before:
            raise contradiction("has zip members that overlap")
        before = ends[index]


def _member(source: Source, row: _Row, limit: int, budget: Budget) -> Iterator[Entry]:
    name = text(row.name)
    if row.name.endswith(b"/") or row.mode & 0o170000 not in {0, 0o100000}:
        yield Entry(name, Kind.DIRECTORY if name.endswith("/") else Kind.OTHER, 0, NOTHING)
        return
    if row.flags & _ENCRYPTED:
        raise unsupported("has encrypted members", "unpack it with its password, and inspect the folder")
    at = _bytes_at(source, row)
    if at + row.packed > limit:
        raise contradiction("has a zip member that lies outside the archive")
    if row.method not in _METHODS:
        raise unsupported(
            f"has a member in zip's compression {row.method}, which is not read",
            "pack it again with deflate",
        )
    packed = Straight(source, at, at + row.packed)
    kind = _METHODS[row.method]
    if not kind and row.packed != row.size:
        raise contradiction(f"the zip member {name} has two sizes")
    body: Stream = Expanded(packed, kind, budget, single=True) if kind else packed
    checked = _Checked(body, row, name)
    yield Entry(name, Kind.FILE, row.size, checked)
    checked.finish()


def _bytes_at(source: Source, row: _Row) -> int:
    header = source.at(row.at, _LOCAL_SIZE)
    width, extra = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
    if header[:4] != _LOCAL or width != len(row.name):
        raise contradiction("has a zip member whose header is not the one in the table")
    same_name = source.at(row.at + _LOCAL_SIZE, width) == row.name
    if not same_name or int.from_bytes(header[8:10], "little") != row.method:
        raise contradiction("has a zip member whose header is not the one in the table")
    return row.at + _LOCAL_SIZE + width + extra


class _Checked:
    """A member's bytes; when they were all read, their size and sum must be the announced ones."""

    def __init__(self, body: Stream, row: _Row, name: str) -> None:
        self._body = body
        self._row = row
        self._name = name
        self._sum = self._size = 0
        self._ended = False

    def read(self, size: int) -> bytes:
        # One byte more than announced shows the lie.
        found = self._body.read(min(size, self._row.size - self._size + 1))
        self._sum = zlib.crc32(found, self._sum)
        self._size += len(found)
        self._ended = not found
        if self._size > self._row.size:
            raise contradiction(f"the zip member {self._name} is larger than announced")
        return found

    def skip(self, size: int) -> int:
        done = 0
        while done < size and (found := self.read(min(CHUNK, size - done))):
            done += len(found)
        return done

    def window(self, size: int) -> Source | None:
        return None

    def finish(self) -> None:
        """Compare, when all bytes were asked for."""
        if not self._ended:
            return
        if self._size != self._row.size:
            raise contradiction(f"the zip member {self._name} is smaller than announced")
        if self._sum != self._row.crc:
            raise fail(
                "TRM0214",
                f"the zip member {self._name} has a wrong checksum",
                "copy or download it again, and compare checksums",
            )
