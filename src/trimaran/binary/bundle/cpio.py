"""Reads cpio archives of the "new ASCII" form, and rpm's shortened one: cpio(5), rpm's cpio.c. Pure."""

from collections.abc import Callable, Iterator

from trimaran.binary.bundle.budget import Budget, checked_name
from trimaran.binary.bundle.stream import (
    CHUNK,
    NOTHING,
    Entry,
    Kind,
    Limited,
    Stream,
    contradiction,
    exactly,
    pass_over,
    text,
)

_MAGIC = (b"070701", b"070702")
_SHORT = b"07070X"
_REST = 104
_TRAILER = b"TRAILER!!!"
KINDS = {0o040000: Kind.DIRECTORY, 0o100000: Kind.FILE}

Described = Callable[[int], tuple[str, Kind, int]]
"""Name, kind and size of the package's file with this number: the shortened form has only the number."""


def entries(stream: Stream, budget: Budget, described: Described) -> Iterator[Entry]:
    """The members in their order; at the end the rest of the stream was read, so that its checksum counts."""
    while True:
        magic = exactly(stream, 6, "the header of a cpio member")
        budget.member()
        if magic == _SHORT:
            entry, padding = _short(stream, described)
        elif magic in _MAGIC:
            found = _long(stream)
            if found is None:
                break
            entry, padding = found
        else:
            raise contradiction("the header of a cpio member does not begin as one")
        yield entry
        if isinstance(entry.body, Limited):
            pass_over(entry.body, entry.body.left, f"the cpio member {entry.name}")
        pass_over(stream, padding, f"the cpio member {entry.name}")
    while stream.skip(CHUNK):
        pass


def _short(stream: Stream, described: Described) -> tuple[Entry, int]:
    number = _hex(exactly(stream, 8, "the header of a cpio member"))
    pass_over(stream, 2, "the header of a cpio member")
    name, kind, size = described(number)
    return Entry(name, kind, size, Limited(stream, size)), -size % 4


def _long(stream: Stream) -> tuple[Entry, int] | None:
    fields = exactly(stream, _REST, "the header of a cpio member")
    mode, links, size, width = (_hex(fields[at : at + 8]) for at in (8, 32, 48, 88))
    checked_name(b"", width)
    name = exactly(stream, width, "the name of a cpio member").partition(b"\0")[0]
    pass_over(stream, -(6 + _REST + width) % 4, "the name of a cpio member")
    if name == _TRAILER:
        return None
    kind = KINDS.get(mode & 0o170000, Kind.OTHER)
    if kind is Kind.FILE and links > 1 and not size:
        # The bytes of files with several names stand with the last name.
        return Entry(text(name), Kind.LINK, 0, NOTHING), 0
    return Entry(text(name), kind, size, Limited(stream, size)), -size % 4


def _hex(raw: bytes) -> int:
    # int() would take blanks, signs and underscores too.
    if raw.strip(b"0123456789abcdefABCDEF"):
        raise contradiction("the header of a cpio member has a field that is no number")
    return int(raw, 16)
