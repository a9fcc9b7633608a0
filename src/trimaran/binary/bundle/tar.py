"""Reads tar archives as a stream: v7, ustar, pax (POSIX.1-2001) and GNU's extensions (tar(5)). Pure.

The standard library's reader remembers every member, reads an extended header of any size into memory and
calls itself for each; this one is bounded.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from trimaran.binary.bundle.budget import HEADER_BYTES, NAME_BYTES, Budget, checked_name
from trimaran.binary.bundle.sparse import beginning
from trimaran.binary.bundle.stream import (
    CHUNK,
    NOTHING,
    Entry,
    Kind,
    Limited,
    Stream,
    beyond,
    contradiction,
    cut,
    exactly,
    pass_over,
    text,
    upto,
)

BLOCK = 512
_FILES = b"0\x007"
_KINDS = {**dict.fromkeys(_FILES, Kind.FILE), ord("1"): Kind.LINK, ord("5"): Kind.DIRECTORY}
# Headers that follow each other before one member; real archives have three at most.
_EXTENSIONS = 16
# Blocks of a list of holes, each with 21.
_MAPS = 10_000


@dataclass(slots=True)
class _Extended:
    """What extended headers say about the next member."""

    name: bytes | None = None
    target: bytes | None = None
    size: int | None = None
    sparse: dict[bytes, bytes] = field(default_factory=dict)
    count: int = 0


def is_header(block: bytes) -> bool:
    """Whether a block can be a member's header: its sum is right, counted with signed bytes or without."""
    if len(block) < BLOCK or not any(block):
        return False
    try:
        wanted = number(block[148:156])
    except ValueError:
        return False
    plain = sum(block) - sum(block[148:156]) + 8 * 32
    # Some old tars added up signed bytes.
    return wanted == plain or wanted == plain - 256 * sum(byte > 127 for byte in block[:148] + block[156:])


def number(raw: bytes) -> int:
    """A field of digits to the base 8, or GNU's binary one; ValueError for anything else."""
    if raw[0] & 0x80:
        return int.from_bytes(bytes([raw[0] & 0x7F]) + raw[1:], "big")
    digits = raw.partition(b"\0")[0].strip(b" ")
    if not digits:
        return 0
    if digits.strip(b"01234567"):
        raise ValueError("not octal")
    return int(digits, 8)


def entries(stream: Stream, budget: Budget, *, marked: bool = False) -> Iterator[Entry]:
    """The members in their order; at the end the rest of the stream was read, so that its checksum counts.

    Args:
        marked: whether the end must be marked. Some tools leave the mark out, as umoci does in layers; where
            nothing else tells that an archive is whole, it must be there.
    """
    ahead = _Extended()
    while (block := upto(stream, BLOCK)).strip(b"\0"):
        if len(block) < BLOCK:
            raise cut("ends inside the header of a tar member")
        if not is_header(block):
            raise contradiction("the header of a tar member has a wrong checksum")
        budget.member()
        try:
            size = number(block[124:136])
        except ValueError:
            raise contradiction("the header of a tar member has no size") from None
        if _extend(ahead, block[156:157], size, stream, budget):
            continue
        yield from _member(stream, block, ahead, size)
        ahead = _Extended()
    if ahead.count or (marked and not block):
        raise cut("ends without the mark of a tar archive's end")
    while stream.skip(CHUNK):
        pass


def _extend(ahead: _Extended, kind: bytes, size: int, stream: Stream, budget: Budget) -> bool:
    """Take in an extended header; whether it was one."""
    if kind not in {b"L", b"K", b"x", b"X", b"g"}:
        return False
    ahead.count += 1
    if ahead.count > _EXTENSIONS:
        raise beyond(f"has more than {_EXTENSIONS} extended headers for one member")
    if size > HEADER_BYTES:
        raise beyond(f"has an extended tar header of {size} bytes; {HEADER_BYTES} are read")
    raw = exactly(stream, size, "an extended tar header")
    pass_over(stream, -size % BLOCK, "an extended tar header")
    if kind == b"L":
        ahead.name = checked_name(raw.partition(b"\0")[0])
    elif kind == b"K":
        ahead.target = checked_name(raw.partition(b"\0")[0])
    elif kind != b"g":
        _pax(ahead, raw, budget)
    return True


def _pax(ahead: _Extended, raw: bytes, budget: Budget) -> None:
    at = 0
    while at < len(raw):
        budget.record()
        space = raw.find(b" ", at, at + 8)
        if space < 0 or not raw[at:space].isdigit():
            raise contradiction("an extended tar header has a record without a length")
        end = at + int(raw[at:space])
        key, equals, value = raw[space + 1 : end - 1].partition(b"=")
        if not equals or end > len(raw) or end <= space or raw[end - 1 : end] != b"\n":
            raise contradiction("an extended tar header has a record of a wrong length")
        at = end
        if key == b"path":
            ahead.name = checked_name(value)
        elif key == b"linkpath":
            ahead.target = checked_name(value)
        elif key == b"size":
            if not value.isdigit() or len(value) > 20:
                raise contradiction("an extended tar header has a size that is no number")
            ahead.size = int(value)
        elif key.startswith(b"GNU.sparse."):
            ahead.sparse[key[11:]] = value[: NAME_BYTES + 1]


def _member(stream: Stream, block: bytes, ahead: _Extended, size: int) -> Iterator[Entry]:
    size = size if ahead.size is None else ahead.size
    flag = block[156]
    name = text(_name(block, ahead))
    target = text(ahead.target if ahead.target is not None else block[157:257].partition(b"\0")[0])
    kind = Kind.FILE if flag == ord("S") else _KINDS.get(flag, Kind.OTHER)
    if kind is Kind.FILE and name.endswith("/"):
        kind = Kind.DIRECTORY
    if flag in b"123456":
        # No bytes follow: the size is that of what it stands for, or means nothing.
        size = 0
    sparse = flag == ord("S") or bool(ahead.sparse)
    if sparse and kind is Kind.FILE:
        if flag == ord("S"):
            _skip_map(stream, more=bool(block[482]))
        body = Limited(stream, size)
        yield Entry(name, kind, None, NOTHING, unread=beginning(ahead.sparse, body))
    else:
        body = Limited(stream, size)
        yield Entry(name, kind, size, body, target)
    pass_over(body, body.left, f"the tar member {name}")
    # The last block's padding may be missing in archives that were cut to size.
    stream.skip(-size % BLOCK)


def _skip_map(stream: Stream, *, more: bool) -> None:
    left = _MAPS
    while more:
        left -= 1
        if not left:
            raise beyond(f"has a sparse tar member with more than {_MAPS:,} blocks of holes")
        more = bool(exactly(stream, BLOCK, "a sparse tar member")[504])


def _name(block: bytes, ahead: _Extended) -> bytes:
    if b"name" in ahead.sparse:
        return checked_name(ahead.sparse[b"name"])
    if ahead.name is not None:
        return ahead.name
    name = block[:100].partition(b"\0")[0]
    if block[257:263] == b"ustar\0" and (prefix := block[345:500].partition(b"\0")[0]):
        return prefix + b"/" + name
    return name
