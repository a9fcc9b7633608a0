"""One header block of a tar archive, and the extended headers before it, as values. Pure.

The format: the `pax` utility of POSIX.1-2001, and GNU tar's manual, "Basic Tar Format" and "Sparse Formats".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from zlib import adler32

BLOCK = 512
SPARSE_PARTS = 100_000
_LARGEST = 1 << 62
_SPARSE = ("major", "minor", "name", "realsize", "size", "map", "offset", "numbytes")
_KEYS = {
    each.encode(): each for each in ("path", "linkpath", "size", *(f"GNU.sparse.{key}" for key in _SPARSE))
}


class BrokenTarError(ValueError):
    """The archive contradicts itself; the text is one line."""


class CutTarError(BrokenTarError):
    """The archive ends early."""


class BoundTarError(BrokenTarError):
    """The archive asks for more than is given to any."""


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
_EMPTY = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))


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


def is_header(block: bytes) -> bool:
    """Whether a block can be a header: its checksum is right."""
    if len(block) < BLOCK:
        return False
    try:
        told = _octal(block[148:156])
    except BrokenTarError:
        return False
    blanked = block[:148] + b" " * 8 + block[156:]
    # The lower half of Adler-32 is 1 and the sum of the bytes, ten times as quick as sum(); 256 bytes fit.
    plain = (adler32(blanked[:256]) & 0xFFFF) + (adler32(blanked[256:]) & 0xFFFF) - 2
    # Some old tars added signed characters. No number at all is no sum.
    return told == plain or 0 < told == plain - 256 * sum(each > 127 for each in blanked)


def member(block: bytes, flag: bytes, keys: Mapping[str, str]) -> Member:
    """What a header of an entry says, with the keys of extended headers, which come first."""
    name = keys.get("GNU.sparse.name") or keys.get("path") or _name(block)
    kind = _KINDS.get(flag, Kind.OTHER)
    # Before ustar a folder was a file whose name ends in a slash.
    if kind is Kind.FILE and name.endswith("/"):
        kind = Kind.FOLDER
    # Links, devices and folders have no content, whatever the number says; with 5 some old tars count files.
    size = number(block[124:136])
    if flag in _EMPTY:
        size = 0
    elif "size" in keys:
        size = decimal(keys["size"])
    target = keys["linkpath"] if "linkpath" in keys else text(block[157:257]) if block[157] else ""
    return Member(name, kind, number(block[100:108]) & 0o7777, size, size, target)


def _name(block: bytes) -> str:
    name = text(block[0:100])
    return f"{text(block[345:500])}/{name}" if block[345] and block[257:263] == b"ustar\0" else name


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):
        raise BrokenTarError("a tar header has a number that is none")
    return int(digits or b"0", 8)


def number(field: bytes) -> int:
    """A number of a header: octal text, or binary when its first bit is set. Never negative."""
    if not field[0] & 0x80:
        return _octal(field)
    if field[0] == 0xFF:
        raise BrokenTarError("a tar header has a negative number")
    value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    if value > _LARGEST:
        raise CutTarError("the archive ends inside a tar member that would be larger than any file")
    return value


def text(field: bytes) -> str:
    """What stands before the first zero."""
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def records(content: bytes) -> list[tuple[str, str]]:
    """(key, value) of an extended header, in order, as far as we need them; a key may come again.

    Raises BrokenTarError.
    """
    found = []
    at = 0
    while at < len(content) and content[at]:
        length, blank, _ = content[at : at + 20].partition(b" ")
        end = at + int(length) if length.isdigit() and len(length) < 12 else 0
        key, equals, value = content[at + len(length) + 1 : end].partition(b"=")
        if not blank or not equals or not value.endswith(b"\n") or end > len(content):
            raise BrokenTarError("an extended tar header is no list of records")
        if key in _KEYS:
            found.append((_KEYS[key], value[:-1].decode("utf-8", "surrogateescape")))
        at = end
    return found


def merged(rows: Sequence[tuple[str, str]], around: Mapping[str, str]) -> dict[str, str]:
    """The keys that hold for one entry: its own, and those of the whole archive. An empty one takes back."""
    found = {**around, **dict(rows)}
    return {key: value for key, value in found.items() if value}


def decimal(text: str) -> int:
    """A number of an extended header."""
    whole = text.strip()
    if not whole.isascii() or not whole.isdigit() or len(whole) > 19 or int(whole) > _LARGEST:
        raise BrokenTarError("an extended tar header has a number that is none")
    return int(whole)


def pax_sparse(rows: Sequence[tuple[str, str]]) -> tuple[tuple[int, int], ...] | None:
    """The stored parts that an extended header of the forms 0.0 and 0.1 names; None without."""
    offsets = [decimal(value) for key, value in rows if key == "GNU.sparse.offset"]
    sizes = [decimal(value) for key, value in rows if key == "GNU.sparse.numbytes"]
    if offsets:
        if len(offsets) != len(sizes):
            raise BrokenTarError("a sparse tar member names as many offsets as sizes, and this one does not")
        return tuple(zip(offsets, sizes, strict=True))
    row = dict(rows).get("GNU.sparse.map")
    if row is None:
        return None
    check_count(row.count(",") // 2)
    numbers = [decimal(each) for each in row.split(",")] if row else []
    if len(numbers) % 2:
        raise BrokenTarError("the map of a sparse tar member ends in the middle")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def old_sparse(block: bytes, start: int, count: int) -> tuple[tuple[int, int], ...]:
    """The stored parts that a block of the old GNU form names, from `start`, at most `count`."""
    found = []
    for at in range(start, start + 24 * count, 24):
        if not block[at : at + 24].strip(b"\0"):
            break
        found.append((number(block[at : at + 12]), number(block[at + 12 : at + 24])))
    return tuple(found)


def check_count(count: int) -> None:
    """Raises BoundTarError when a sparse file has more parts than are believed."""
    if count > SPARSE_PARTS:
        raise BoundTarError(
            f"the archive has a sparse tar member of {count} parts; {SPARSE_PARTS} are believed"
        )


def check_parts(parts: Sequence[tuple[int, int]], size: int, stored: int) -> None:
    """Raises BrokenTarError unless the parts follow one another inside the file and are all stored."""
    check_count(len(parts))
    end = whole = 0
    for offset, length in parts:
        if offset < end or offset + length > size:
            raise BrokenTarError("the parts of a sparse tar member overlap, or reach over its end")
        end = offset + length
        whole += length
    if whole > stored:
        raise BrokenTarError("a sparse tar member stores less than its parts say")
