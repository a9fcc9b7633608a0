"""Reads `ar` archives, which Debian's packages are: deb(5), and ar(5) for the header. Pure."""

from collections.abc import Iterator

from trimaran.binary.bundle.budget import Budget
from trimaran.binary.bundle.stream import (
    Entry,
    Kind,
    Limited,
    Stream,
    contradiction,
    cut,
    exactly,
    pass_over,
    text,
    upto,
)

MAGIC = b"!<arch>\n"
_HEADER = 60


def entries(stream: Stream, budget: Budget) -> Iterator[Entry]:
    """The members in their order."""
    if exactly(stream, len(MAGIC), "the ar archive's first line") != MAGIC:
        raise contradiction("does not begin as an ar archive")
    while header := upto(stream, _HEADER):
        if len(header) < _HEADER:
            raise cut("ends inside the header of an ar member")
        budget.member()
        if header[58:60] != b"`\n":
            raise contradiction("the header of an ar member does not end as one")
        digits = header[48:58].strip(b" ")
        if not digits.isdigit():
            raise contradiction("the header of an ar member has no size")
        size = int(digits)
        name = text(header[:16].rstrip(b" ").removesuffix(b"/"))
        body = Limited(stream, size)
        yield Entry(name, Kind.FILE, size, body)
        pass_over(body, body.left, f"the ar member {name}")
        # Members begin at even places; the last one's padding may be missing.
        stream.skip(size & 1)
