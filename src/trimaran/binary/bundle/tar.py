"""The members of a tar archive as entries, with the errors of archives. Pure."""

from collections.abc import Iterator

from trimaran.archive.tar import BLOCK, Archive, BoundTarError, BrokenTarError, CutTarError, Member, is_header
from trimaran.archive.tar import Kind as Sort
from trimaran.archive.tar import members as read
from trimaran.binary.bundle.budget import NAME_BYTES, Budget, checked_name
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
    text,
    upto,
)
from trimaran.errors import TrimaranError, fail

__all__ = ["BLOCK", "entries", "is_header"]

_KINDS = {Sort.FILE: Kind.FILE, Sort.HARD_LINK: Kind.LINK, Sort.FOLDER: Kind.DIRECTORY}


def entries(
    stream: Stream, budget: Budget, *, marked: bool = False, layer: tuple[str, str] = ("", "")
) -> Iterator[Entry]:
    """The members in their order; at the end the rest of the stream was read, so that its checksum counts.

    Args:
        marked: whether the end must be marked. Some tools leave the mark out, as umoci does in layers; where
            nothing else tells that an archive is whole, it must be there.
        layer: as an entry has it.
    """
    archive = Archive(stream.read, stream.skip, budget.extended, may_be_empty=not marked)
    try:
        for member in read(archive):
            budget.member()
            body = Limited(stream, member.stored)
            yield _entry(member, body, layer)
            archive.left = body.left
    except CutTarError as error:
        raise cut(str(error)) from None
    except BoundTarError as error:
        raise beyond(str(error)) from None
    except BrokenTarError as error:
        raise contradiction(str(error)) from None
    if marked and not archive.marked:
        raise cut("ends without the mark of a tar archive's end")
    while stream.skip(CHUNK):
        pass


def _entry(member: Member, body: Limited, layer: tuple[str, str]) -> Entry:
    name, target, kind = _checked(member.name), _checked(member.target), _KINDS.get(member.kind, Kind.OTHER)
    if member.parts is None:
        return Entry(name, kind, member.size, body, target, layer=layer)
    return Entry(name, kind, None, NOTHING, unread=_unread(body))


def _checked(name: str) -> str:
    if name.isascii() and len(name) <= NAME_BYTES:
        return name
    return text(checked_name(name.encode("utf-8", "surrogateescape")))


def _unread(body: Stream) -> TrimaranError | None:
    """The error of a member without its holes that begins like a program; None for any other."""
    if upto(body, 4) != b"\x7fELF":
        return None
    return fail(
        "TRM0218",
        "a program that is stored as a sparse member is not read",
        "pack it again without --sparse",
    )
