"""Reads a tar archive as a stream, entry by entry, in bounded memory. Pure: bytes come through `read`.

v7, ustar, pax (POSIX.1-2001) and GNU's extensions (tar(5)). The library's tarfile remembers every entry,
reads extended headers of any size whole, calls itself for each, and so costs what a hostile archive wants.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from trimaran.archive.tarheader import (
    BLOCK,
    BoundTarError,
    BrokenTarError,
    CutTarError,
    Kind,
    Member,
    check_count,
    check_parts,
    decimal,
    is_header,
    member,
    merged,
    number,
    old_sparse,
    pax_sparse,
    records,
    text,
)
from trimaran.errors import printable

__all__ = [
    "BLOCK",
    "Archive",
    "BoundTarError",
    "BrokenTarError",
    "CutTarError",
    "Extended",
    "Kind",
    "Member",
    "is_header",
    "members",
]

_EXTENDED_BYTES = 1 << 20
_NAME_BYTES = 1 << 16
_PIECE = 1 << 18
# Real archives have three at most before one entry.
_EXTENDED_IN_A_ROW = 16


@dataclass(slots=True)
class Extended:
    """How many extended headers, and lines in them, are read in one archive, or in several together."""

    left: int = 4_000_000

    def take(self, count: int) -> None:
        """Count so many more. Raises BoundTarError."""
        self.left -= count
        if self.left < 0:
            raise BoundTarError("the archive has more extended headers, and records in them, than are read")


@dataclass(slots=True)
class Archive:
    """A tar archive that is being read; `pieces` gives the content of the entry that was yielded last.

    Args:
        read: at most so many bytes of the stream; none at its end.
        pass_over: leaves out at most so many bytes, and tells how many there were; None reads them.
        may_be_empty: whether a stream of no bytes at all is an archive of no entries.
        left: bytes of the entry's content that were not read yet; whoever reads them elsewhere sets it.
        marked: whether the mark of the archive's end was there. Some tools leave it out, as umoci does.
    """

    read: Callable[[int], bytes]
    pass_over: Callable[[int], int] | None = None
    extended: Extended = field(default_factory=Extended)
    may_be_empty: bool = False
    left: int = 0
    marked: bool = False
    around: dict[str, str] = field(default_factory=dict)

    def exactly(self, size: int, what: str) -> bytes:
        """So many bytes; CutTarError when the stream has no more."""
        found = self.read(size)
        if len(found) == size:
            return found
        whole = bytearray(found)
        while len(whole) < size:
            more = self.read(size - len(whole))
            if not more:
                raise CutTarError(f"the archive ends inside {what}")
            whole += more
        return bytes(whole)

    def content(self, block: bytes, limit: int = _EXTENDED_BYTES) -> bytes:
        """The content of an extended header, without what fills its last block."""
        size = number(block[124:136])
        if size > limit:
            raise BoundTarError(f"the archive has an extended tar header of {size} bytes; {limit} are read")
        found = self.exactly(size + -size % BLOCK, "an extended tar header")[:size]
        self.extended.take(1 + found.count(b"\n"))
        return found

    def pieces(self, found: Member) -> Iterator[tuple[int, bytes]]:
        """(offset, bytes) of the entry that was yielded last."""
        for offset, size in ((0, found.size),) if found.parts is None else found.parts:
            at, end = offset, offset + size
            while at < end:
                piece = self.read(min(end - at, _PIECE, self.left))
                if not piece:
                    raise _cut(found)
                self.left -= len(piece)
                yield at, piece
                at += len(piece)

    def skip(self, found: Member) -> None:
        """Pass over what nobody has read of the entry, and what fills its last block."""
        # Writers that are not closed leave out what fills the last block, and the blocks after it.
        if self._over(self.left + -found.stored % BLOCK) < self.left:
            raise _cut(found)

    def _over(self, size: int) -> int:
        if self.pass_over is not None:
            return self.pass_over(size)
        done = 0
        while done < size and (piece := self.read(min(size - done, _PIECE))):
            done += len(piece)
        return done


def _cut(found: Member) -> CutTarError:
    return CutTarError(f"the archive ends inside the tar member {printable(found.name)[:200]}")


def members(archive: Archive) -> Iterator[Member]:
    """Every entry, in order. What is not read of one is passed over before the next.

    Raises BrokenTarError.
    """
    seen = archive.may_be_empty
    while (found := _next(archive, seen)) is not None:
        seen = True
        archive.left = found.stored
        yield found
        archive.skip(found)


def _block(archive: Archive, may_end: bool) -> bytes | None:
    """The next header; None at the end: a block of zeros, or where that may be, the end of the stream."""
    first = archive.read(BLOCK)
    if not first and may_end:
        return None
    block = first if len(first) == BLOCK else first + archive.exactly(BLOCK - len(first), "a tar header")
    if is_header(block):
        return block
    if any(block):
        raise BrokenTarError("a header's checksum is wrong: this is no tar archive, or a damaged one")
    archive.marked = True
    return None


def _next(archive: Archive, may_end: bool) -> Member | None:
    name: dict[str, str] = {}
    rows: list[tuple[str, str]] = []
    wanting = False
    for _ in range(_EXTENDED_IN_A_ROW + 1):
        block = _block(archive, may_end)
        if block is None:
            if wanting:
                raise CutTarError("the archive ends behind an extended tar header")
            return None
        flag = block[156:157]
        # One for the whole archive may stand alone, as `git archive` writes it for an empty tree.
        wanting = wanting or flag != b"g"
        match flag:
            case b"x" | b"X":
                rows = records(archive.content(block))
            case b"g":
                archive.around = merged(records(archive.content(block)), archive.around)
            case b"L":
                name["path"] = text(archive.content(block, _NAME_BYTES))
            case b"K":
                name["linkpath"] = text(archive.content(block, _NAME_BYTES))
            case b"M":
                raise BrokenTarError("the archive has a tar member that goes on from another archive")
            case _:
                return _member(archive, block, flag, name, rows)
    raise BoundTarError(f"the archive has more than {_EXTENDED_IN_A_ROW} extended headers for one member")


def _member(
    archive: Archive, block: bytes, flag: bytes, name: dict[str, str], rows: list[tuple[str, str]]
) -> Member:
    keys = merged(rows, archive.around | name) if rows or archive.around else name
    found = member(block, flag, keys)
    if flag == b"S":
        return _old_sparse(archive, block, found)
    if keys.get("GNU.sparse.major") == "1":
        return _new_sparse(archive, found, keys)
    parts = pax_sparse(rows) if rows else None
    if parts is None:
        return found
    size = decimal(keys.get("GNU.sparse.size", keys.get("GNU.sparse.realsize", str(found.stored))))
    check_parts(parts, size, found.stored)
    return replace(found, size=size, parts=parts)


def _old_sparse(archive: Archive, block: bytes, found: Member) -> Member:
    parts, size, more = list(old_sparse(block, 386, 4)), number(block[483:495]), block[482]
    while more:
        check_count(len(parts))
        extension = archive.exactly(BLOCK, "the map of a sparse tar member")
        parts += old_sparse(extension, 0, 21)
        more = extension[504]
    check_parts(parts, size, found.stored)
    return replace(found, size=size, parts=tuple(parts))


def _new_sparse(archive: Archive, found: Member, keys: dict[str, str]) -> Member:
    """The map stands at the start of the content: how many parts, then each one's place and size."""
    archive.left = found.stored
    numbers = _lines(archive)
    count = next(numbers)
    check_count(count)
    parts = tuple(islice(zip(numbers, numbers, strict=True), count))
    size = decimal(keys.get("GNU.sparse.realsize", str(found.size)))
    check_parts(parts, size, archive.left)
    return replace(found, size=size, stored=archive.left, parts=parts)


def _lines(archive: Archive) -> Iterator[int]:
    """Numbers of the content, each on a line; only whole blocks are read."""
    rest = b""
    while True:
        while b"\n" not in rest:
            if archive.left < BLOCK or len(rest) > BLOCK:
                raise BrokenTarError("the map of a sparse tar member has no end")
            archive.left -= BLOCK
            rest += archive.exactly(BLOCK, "the map of a sparse tar member")
        line, _, rest = rest.partition(b"\n")
        yield decimal(line.decode("ascii", "replace"))
