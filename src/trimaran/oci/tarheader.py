"""One header block of a tar archive, and the extended headers before it, as values. Pure.

The format: the `pax` utility of POSIX.1-2001, and GNU tar's manual, "Basic Tar Format" and "Sparse Formats".
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

BLOCK = 512
SPARSE_PARTS = 100_000
_LARGEST = 1 << 62
_SPARSE = ("major", "minor", "name", "realsize", "size", "map", "offset", "numbytes")
_KEYS = frozenset(("path", "linkpath", "size", *(f"GNU.sparse.{each}" for each in _SPARSE)))


class BrokenTarError(ValueError):
    """The archive ends early, or contradicts itself; the text is one line."""


class Kind(StrEnum):
    """What an entry is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    HARD_LINK = "hard link"
    DEVICE = "device"
    PIPE = "pipe"
    OTHER = "other"


_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"S": Kind.FILE,
    b"1": Kind.HARD_LINK,
    b"2": Kind.LINK,
    b"3": Kind.DEVICE,
    b"4": Kind.DEVICE,
    b"5": Kind.FOLDER,
    b"6": Kind.PIPE,
}


@dataclass(frozen=True, slots=True)
class Header:
    """A header block as it stands; `size` is what follows it, `flag` its type."""

    name: str
    flag: bytes
    mode: int
    size: int
    target: str


@dataclass(frozen=True, slots=True)
class Member:
    """An entry of an archive.

    Args:
        name: as stored, whatever it is; not to be used as a path before it was checked.
        mode: the permission bits and what else the archive says.
        size: of the file, holes included.
        stored: bytes of the archive that it takes.
        target: where a link leads; for a hard link the name of an earlier entry.
        parts: (offset, size) of what is stored of a sparse file, in order; None for an ordinary one.
    """

    name: str
    kind: Kind
    mode: int = 0o644
    size: int = 0
    stored: int = 0
    target: str = ""
    parts: tuple[tuple[int, int], ...] | None = None


def header(block: bytes) -> Header:
    """The fields of a block of 512 bytes. Raises BrokenTarError when its checksum or a number is wrong."""
    _check(block)
    flag = block[156:157]
    name = _text(block[0:100])
    if block[257:263] == b"ustar\0" and block[345]:
        name = f"{_text(block[345:500])}/{name}"
    size = number(block[124:136])
    # Links, devices and folders have no content, whatever the number says; with 5 some old tars count files.
    if flag in b"123456" and flag:
        size = 0
    return Header(name, flag, number(block[100:108]) & 0o7777, size, _text(block[157:257]))


def kind(flag: bytes, name: str) -> Kind:
    """What a header's type stands for; before ustar a folder was a file whose name ends in a slash."""
    found = _KINDS.get(flag, Kind.OTHER)
    return Kind.FOLDER if found is Kind.FILE and name.endswith("/") else found


def _check(block: bytes) -> None:
    told = block[148:156].replace(b"\0", b" ").strip()
    blanked = block[:148] + b" " * 8 + block[156:]
    # Some old tars added signed characters.
    sums = {b"%o" % sum(blanked), b"%o" % abs(sum(struct.unpack("512b", blanked)))}
    if told.lstrip(b"0") not in sums:
        raise BrokenTarError("a header's checksum is wrong: this is no tar archive, or a damaged one")


def number(field: bytes) -> int:
    """A number of a header: octal text, or binary when its first bit is set. Never negative."""
    if field[0] & 0x80:
        if field[0] == 0xFF:
            raise BrokenTarError("a header has a negative number")
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    else:
        text = field.replace(b"\0", b" ").strip()
        if not all(0x30 <= each <= 0x37 for each in text):
            raise BrokenTarError("a header has a number that is none")
        value = int(text or b"0", 8)
    if value > _LARGEST:
        raise BrokenTarError("a header has a number that is larger than any file")
    return value


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def records(content: bytes) -> list[tuple[str, str]]:
    """(key, value) of an extended header, in order, as far as we need them; a key may come again.

    Raises BrokenTarError.
    """
    found = []
    at = 0
    while at < len(content) and content[at]:
        length, blank, _ = content[at : at + 20].partition(b" ")
        size = int(length) if length.isdigit() and len(length) < 12 else 0
        record = content[at + len(length) + 1 : at + size]
        key, equals, value = record.partition(b"=")
        if not blank or not equals or not value.endswith(b"\n") or at + size > len(content):
            raise BrokenTarError("an extended header is no list of records")
        name = key.decode("utf-8", "surrogateescape")
        if name in _KEYS:
            found.append((name, value[:-1].decode("utf-8", "surrogateescape")))
        at += size
    return found


def decimal(text: str) -> int:
    """A number of an extended header."""
    whole = text.strip()
    if not whole.isascii() or not whole.isdigit() or len(whole) > 19 or int(whole) > _LARGEST:
        raise BrokenTarError("an extended header has a number that is none")
    return int(whole)


def pax_sparse(rows: Sequence[tuple[str, str]]) -> tuple[tuple[int, int], ...] | None:
    """The stored parts that an extended header of the forms 0.0 and 0.1 names; None without."""
    offsets = [decimal(value) for key, value in rows if key == "GNU.sparse.offset"]
    sizes = [decimal(value) for key, value in rows if key == "GNU.sparse.numbytes"]
    if offsets:
        if len(offsets) != len(sizes):
            raise BrokenTarError("a sparse file names as many offsets as sizes, and this one does not")
        return tuple(zip(offsets, sizes, strict=True))
    text = dict(rows).get("GNU.sparse.map")
    if text is None:
        return None
    numbers = [decimal(each) for each in text.split(",")] if text else []
    if len(numbers) % 2:
        raise BrokenTarError("a sparse file's map ends in the middle")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def old_sparse(block: bytes, start: int, count: int) -> tuple[tuple[int, int], ...]:
    """The stored parts that a block of the old GNU form names, from `start`, at most `count`."""
    found = []
    for place in range(count):
        at = start + place * 24
        if not block[at : at + 24].strip(b"\0"):
            break
        found.append((number(block[at : at + 12]), number(block[at + 12 : at + 24])))
    return tuple(found)


def check_parts(parts: Sequence[tuple[int, int]], size: int, stored: int) -> None:
    """Raises BrokenTarError unless the parts follow one another inside the file and are all stored."""
    if len(parts) > SPARSE_PARTS:
        raise BrokenTarError(f"a sparse file has {len(parts)} parts; at most {SPARSE_PARTS} are believed")
    end = 0
    for offset, length in parts:
        if offset < end or offset + length > size:
            raise BrokenTarError("the parts of a sparse file overlap, or reach over its end")
        end = offset + length
    if sum(length for _, length in parts) > stored:
        raise BrokenTarError("a sparse file stores less than its parts say")


def merged(rows: Sequence[tuple[str, str]], around: Mapping[str, str]) -> dict[str, str]:
    """The keys that hold for one entry: its own, and those of the whole archive."""
    return {**around, **{key: value for key, value in rows if value}}
