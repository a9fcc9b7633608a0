"""Reads a tar archive as a stream, entry by entry, in bounded memory. Pure: bytes come through `read`.

The library's tarfile reads extended headers of any size whole, and so costs what a hostile archive wants.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from trimaran.oci.tarheader import (
    BLOCK,
    SPARSE_PARTS,
    BrokenTarError,
    Header,
    Kind,
    Member,
    check_parts,
    decimal,
    header,
    kind,
    merged,
    number,
    old_sparse,
    pax_sparse,
    records,
)

__all__ = ["Archive", "BrokenTarError", "Kind", "Member", "members"]

Read = Callable[[int], bytes]
"""At most so many bytes of the stream; none at its end."""

_EXTENDED_BYTES = 4 << 20
_NAME_BYTES = 1 << 16
_PIECE = 1 << 18
_EXTENDED_IN_A_ROW = 16


@dataclass(slots=True)
class Archive:
    """A tar archive that is being read; `pieces` gives the content of the entry that was yielded last."""

    read: Read
    left: int = 0
    gap: int = 0
    around: dict[str, str] = field(default_factory=dict)

    def exactly(self, size: int) -> bytes:
        """So many bytes; BrokenTarError when the stream has no more."""
        found = bytearray()
        while len(found) < size:
            more = self.read(size - len(found))
            if not more:
                raise BrokenTarError("the archive ends in the middle of an entry")
            found += more
        return bytes(found)

    def content(self, size: int, limit: int) -> bytes:
        """The content of an extended header, with what fills its last block."""
        if size > limit:
            raise BrokenTarError(f"an extended header of {size} bytes; at most {limit} are believed")
        return self.exactly(size + -size % BLOCK)[:size]

    def start(self, member: Member) -> None:
        """The entry's content follows."""
        self.left = member.stored
        self.gap = -member.stored % BLOCK

    def take(self, size: int) -> Iterator[bytes]:
        """The next bytes of the entry's content, in pieces."""
        while size > 0:
            piece = self.read(min(size, _PIECE, self.left))
            if not piece:
                raise BrokenTarError("the archive ends in the middle of a file")
            self.left -= len(piece)
            size -= len(piece)
            yield piece

    def pieces(self, member: Member) -> Iterator[tuple[int, bytes]]:
        """(offset, bytes) of the entry that was yielded last."""
        for offset, size in ((0, member.size),) if member.parts is None else member.parts:
            at = offset
            for piece in self.take(size):
                yield at, piece
                at += len(piece)

    def skip(self) -> None:
        """Pass over what nobody has read of the entry, and what fills its last block."""
        for _ in self.take(self.left):
            pass
        # Writers that are not closed leave out what fills the last block, and the blocks after it.
        while self.gap and (more := self.read(self.gap)):
            self.gap -= len(more)


def members(archive: Archive) -> Iterator[Member]:
    """Every entry, in order. What is not read of one is passed over before the next.

    Raises BrokenTarError.
    """
    seen = False
    while (found := _next(archive, seen)) is not None:
        seen = True
        archive.start(found)
        yield found
        archive.skip()


def _block(archive: Archive, seen: bool) -> bytes | None:
    """The next block; None at the end, which is a block of zeros, or after an entry the end of the stream."""
    first = archive.read(BLOCK)
    if not first and seen:
        return None
    block = first + archive.exactly(BLOCK - len(first))
    return block if block.strip(b"\0") else None


def _next(archive: Archive, seen: bool) -> Member | None:
    name = target = None
    rows: list[tuple[str, str]] = []
    for _ in range(_EXTENDED_IN_A_ROW):
        block = _block(archive, seen)
        if block is None:
            return None
        found = header(block)
        match found.flag:
            case b"x":
                rows = records(archive.content(found.size, _EXTENDED_BYTES))
            case b"g":
                archive.around = merged(records(archive.content(found.size, _EXTENDED_BYTES)), archive.around)
            case b"L":
                name = _long(archive, found)
            case b"K":
                target = _long(archive, found)
            case b"M":
                raise BrokenTarError("an entry goes on from another archive")
            case _:
                named = replace(
                    found,
                    name=found.name if name is None else name,
                    target=found.target if target is None else target,
                )
                return _member(archive, block, named, rows)
    raise BrokenTarError(f"more than {_EXTENDED_IN_A_ROW} extended headers before one entry")


def _long(archive: Archive, found: Header) -> str:
    content = archive.content(found.size, _NAME_BYTES)
    return content.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _member(archive: Archive, block: bytes, found: Header, rows: list[tuple[str, str]]) -> Member:
    keys = merged(rows, archive.around)
    stored = decimal(keys["size"]) if "size" in keys and found.flag not in b"123456" else found.size
    name = keys.get("GNU.sparse.name", keys.get("path", found.name))
    sort = kind(found.flag, name)
    member = Member(name, sort, found.mode, stored, stored, keys.get("linkpath", found.target))
    if found.flag == b"S":
        return _old_sparse(archive, block, member)
    if keys.get("GNU.sparse.major") == "1":
        return _new_sparse(archive, member, keys)
    parts = pax_sparse(rows)
    if parts is None:
        return member
    size = decimal(keys.get("GNU.sparse.size", keys.get("GNU.sparse.realsize", str(stored))))
    check_parts(parts, size, stored)
    return replace(member, size=size, parts=parts)


def _old_sparse(archive: Archive, block: bytes, member: Member) -> Member:
    parts, size, more = list(old_sparse(block, 386, 4)), number(block[483:495]), block[482]
    while more:
        if len(parts) > SPARSE_PARTS:
            raise BrokenTarError(f"a sparse file has more than {SPARSE_PARTS} parts")
        extension = archive.exactly(BLOCK)
        parts += old_sparse(extension, 0, 21)
        more = extension[504]
    check_parts(parts, size, member.stored)
    return replace(member, size=size, parts=tuple(parts))


def _new_sparse(archive: Archive, member: Member, keys: dict[str, str]) -> Member:
    """The map stands at the start of the content: numbers in lines, filled to whole blocks."""
    text, used = bytearray(), 0
    lines, wanted = 0, 1
    while lines < wanted:
        used += BLOCK
        if used > min(member.stored, 64 * SPARSE_PARTS):
            raise BrokenTarError("a sparse file's map has no end")
        text += archive.exactly(BLOCK)
        lines += text.count(b"\n", used - BLOCK)
        if wanted == 1 and lines:
            count = decimal(text.partition(b"\n")[0].decode("ascii", "replace"))
            if count > SPARSE_PARTS:
                raise BrokenTarError(f"a sparse file of {count} parts; at most {SPARSE_PARTS} are believed")
            wanted += 2 * count
    rows = text.split(b"\n")[1:wanted]
    numbers = [decimal(each.decode("ascii", "replace")) for each in rows]
    parts = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    size = decimal(keys.get("GNU.sparse.realsize", str(member.size)))
    check_parts(parts, size, member.stored - used)
    return replace(member, size=size, stored=member.stored - used, parts=parts)
