"""Reads rpm packages: a lead, a header of signatures, the header, and a compressed cpio archive. Pure.

The tags are those of rpm's manual; signatures are not checked, digests are.
"""

import hashlib
from collections.abc import Iterator
from functools import cache

from trimaran.binary.bundle import cpio
from trimaran.binary.bundle.budget import NAME_BYTES, Budget, checked_name
from trimaran.binary.bundle.digest import Digested
from trimaran.binary.bundle.expand import Expanded, compression
from trimaran.binary.bundle.rpm_header import Header, read_header
from trimaran.binary.bundle.stream import (
    CHUNK,
    Entry,
    Kind,
    Straight,
    Stream,
    contradiction,
    cut,
    text,
    unsupported,
)
from trimaran.binary.elf import Source
from trimaran.errors import fail

MAGIC = b"\xed\xab\xee\xdb"
_LEAD = 96
_SHA256_OF_HEADER = 273
_FORMAT, _COMPRESSOR, _DIGEST, _DIGEST_KIND = 1124, 1125, 5092, 5093
_SIZES, _LONG_SIZES, _MODES, _INODES = 1028, 5008, 1030, 1096
_FOLDER_OF, _NAMES, _FOLDERS = 1116, 1117, 1118
_KINDS = {"gzip": "gzip", "bzip2": "bzip2", "xz": "xz", "lzma": "lzma", "zstd": "zstd"}
_SHA256 = 8


def entries(source: Source, budget: Budget) -> Iterator[Entry]:
    """What a package installs."""
    if source.size < _LEAD:
        raise cut("ends inside the rpm lead")
    signatures = read_header(source, _LEAD)
    header = read_header(source, signatures.end + -signatures.end % 8)
    _check_header(signatures, header)
    if (form := header.text(_FORMAT)) not in {"", "cpio"}:
        raise unsupported(
            f"an rpm payload of format {form}; cpio is read", "ask for a package that is no delta"
        )
    payload: Stream = Straight(source, header.end)
    checked = Digested(payload, digest, "its payload") if (digest := _digest(header)) else None
    expanded = _expanded(checked or payload, header, source, budget)
    yield from cpio.entries(expanded, budget, _described(header))
    if checked:
        checked.check()


def _check_header(signatures: Header, header: Header) -> None:
    wanted = signatures.text(_SHA256_OF_HEADER)
    if not wanted:
        return
    digest, stream = hashlib.sha256(), Straight(header.source, header.start, header.end)
    while found := stream.read(CHUNK):
        digest.update(found)
    if digest.hexdigest() != wanted:
        raise fail(
            "TRM0219", "its header does not have the digest that the package gives", "download it again"
        )


def _digest(header: Header) -> str:
    wanted, kind = header.text(_DIGEST), header.numbers(_DIGEST_KIND)
    return f"sha256:{wanted}" if wanted and (not kind or kind[0] == _SHA256) else ""


def _expanded(payload: Stream, header: Header, source: Source, budget: Budget) -> Stream:
    named = header.text(_COMPRESSOR)
    start = source.at(header.end, min(16, source.size - header.end))
    if named not in {"", *_KINDS}:
        raise unsupported(
            f"its payload is compressed as {named[:32]}, which is not read", "unpack it with rpm2archive"
        )
    seen = compression(start)
    if named in {"", "gzip"} and seen is None:
        # rpm writes no name for a payload that is not compressed, and read "gzip" like that too.
        return payload
    if named != "lzma" and seen != (named or seen):
        raise contradiction(f"its header names {named} for the payload, which is not {named}")
    return Expanded(payload, named or seen or "", budget)


def _described(header: Header) -> cpio.Described:
    @cache
    def table() -> list[tuple[str, Kind, int]]:
        return _files(header)

    def described(number: int) -> tuple[str, Kind, int]:
        files = table()
        if number >= len(files):
            raise contradiction(
                f"its payload has a file with the number {number}; the header has {len(files)}"
            )
        return files[number]

    return described


def _files(header: Header) -> list[tuple[str, Kind, int]]:
    """Name, kind and size in the payload of each file, as the header has them."""
    names, folders, places = header.texts(_NAMES), header.texts(_FOLDERS), header.numbers(_FOLDER_OF)
    modes, inodes = header.numbers(_MODES), header.numbers(_INODES)
    sizes = header.numbers(_LONG_SIZES) or header.numbers(_SIZES)
    if len({len(each) for each in (names, places, modes, sizes, inodes)}) != 1:
        raise contradiction("the rpm header has lists of files of different lengths")
    if places and max(places) >= len(folders):
        raise contradiction("the rpm header has a file in a folder that it does not name")
    if max((len(folder) for folder in folders), default=0) > NAME_BYTES:
        raise contradiction("the rpm header has a folder with a name that no path can have")
    last = {inode: number for number, inode in enumerate(inodes)}
    found = list[tuple[str, Kind, int]]()
    for number, (name, place, mode, size) in enumerate(zip(names, places, modes, sizes, strict=True)):
        checked_name(name)
        kind = cpio.KINDS.get(mode & 0o170000, Kind.OTHER)
        # Symbolic links have their target as bytes; the bytes of hard links stand with the last of them.
        held = mode & 0o170000 == _LINK or (kind is Kind.FILE and last[inodes[number]] == number)
        found.append((text(folders[place] + name), kind, size if held else 0))
    return found


_LINK = 0o120000
