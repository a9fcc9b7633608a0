"""Reads Alpine's packages of version 3 as a stream: apk-v3(5), and apk-tools' adb.h for the numbers. Pure.

Blocks follow each other: first a tree of values that names the files, then the bytes of each file that has
some, in the same order and with the digest that the tree gives.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from trimaran.binary.bundle.budget import Budget, checked_name
from trimaran.binary.bundle.digest import Digested
from trimaran.binary.bundle.expand import Expanded
from trimaran.binary.bundle.stream import (
    Entry,
    Kind,
    Limited,
    Stream,
    beyond,
    contradiction,
    exactly,
    pass_over,
    text,
    unsupported,
    upto,
)

_PACKAGE = b"pckg"
_TREE, _DATA, _EXTENDED = 0, 2, 3
_TREE_BYTES = 16 << 20
_INT, _INT32, _INT64 = 1, 2, 3
_BLOBS = {0x8: 1, 0x9: 2, 0xA: 4}
_SLOTS = (0xD, 0xE)
# Slots: of a package, its paths; of a path, name and files; of a file, name, size, digest and target.
_PATHS, _FOLDER, _FILES, _NAME, _SIZE, _HASH, _TARGET = 2, 1, 3, 1, 3, 5, 6


@dataclass(frozen=True, slots=True)
class _Listed:
    """A file whose bytes follow: which path and which file of it, counted from 1."""

    place: tuple[int, int]
    name: str
    size: int
    digest: str


def entries(stream: Stream, budget: Budget) -> Iterator[Entry]:
    """The files in their order."""
    stream = _opened(stream, budget)
    if exactly(stream, 4, "the package's schema") != _PACKAGE:
        raise unsupported("an Alpine database that is no package", "inspect a package")
    awaited: Iterator[_Listed] | None = None
    while (block := _block(stream)) is not None:
        kind, size, padding = block
        body = Limited(stream, size)
        if kind == _TREE:
            if awaited is not None:
                raise contradiction("has two lists of files")
            if size > _TREE_BYTES:
                raise beyond(f"has a list of files of {size} bytes; {_TREE_BYTES} are read")
            awaited = _listed(_Tree(exactly(body, size, "the list of files")), budget)
        elif kind == _DATA:
            if awaited is None or (file := next(awaited, None)) is None:
                raise contradiction("has the bytes of a file that it does not list")
            yield from _file(body, file)
        pass_over(body, body.left, "a block")
        stream.skip(padding)
    if awaited is None or next(awaited, None) is not None:
        raise contradiction("lists files whose bytes are not there")


def _opened(stream: Stream, budget: Budget) -> Stream:
    """The stream behind the magic number of the uncompressed form."""
    magic = exactly(stream, 4, "the first line")
    if magic == b"ADB.":
        return stream
    kind = "deflate"
    if magic == b"ADBc":
        number = exactly(stream, 2, "the kind of compression")[0]
        kind = {0: "", 1: "deflate", 2: "zstd"}.get(number, "?")
        if kind == "?":
            raise unsupported(f"Alpine's compression {number} is not read", "build it with deflate")
    expanded = Expanded(stream, kind, budget, single=kind == "deflate") if kind else stream
    if exactly(expanded, 4, "the first line") != b"ADB.":
        raise contradiction("does not begin as an Alpine package")
    return expanded


def _block(stream: Stream) -> tuple[int, int, int] | None:
    """Kind and size of the next block, and how much padding follows it; None at the end."""
    head = upto(stream, 4)
    if not head:
        return None
    word = int.from_bytes(head + exactly(stream, 4 - len(head), "a block's head"), "little")
    kind, whole, width = word >> 30, word & 0x3FFFFFFF, 4
    if kind == _EXTENDED:
        kind, width = whole, 16
        whole = int.from_bytes(exactly(stream, 12, "a block's head")[4:], "little")
    if whole < width:
        raise contradiction("has a block that is smaller than its head")
    return kind, whole - width, -whole % 8


def _file(body: Limited, file: _Listed) -> Iterator[Entry]:
    place = exactly(body, 8, "a file's number")
    if (int.from_bytes(place[:4], "little"), int.from_bytes(place[4:], "little")) != file.place:
        raise contradiction("has the bytes of its files in another order than it lists them")
    if body.left != file.size:
        raise contradiction(f"lists {file.name} with {file.size} bytes and has {body.left}")
    if not file.digest:
        yield Entry(file.name, Kind.FILE, file.size, body)
        return
    checked = Digested(body, f"sha256:{file.digest}", file.name)
    yield Entry(file.name, Kind.FILE, file.size, checked)
    checked.check()


def _listed(tree: "_Tree", budget: Budget) -> Iterator[_Listed]:
    package = tree.slots(tree.root)
    for folder, path in enumerate(tree.items(_slot(package, _PATHS)), 1):
        budget.member()
        directory = tree.slots(path)
        prefix = tree.blob(_slot(directory, _FOLDER))
        for number, value in enumerate(tree.items(_slot(directory, _FILES)), 1):
            budget.member()
            file = tree.slots(value)
            size = tree.number(_slot(file, _SIZE))
            # Links and devices have a target and no bytes.
            if not size or tree.blob(_slot(file, _TARGET)):
                continue
            name = checked_name(prefix + b"/" + tree.blob(_slot(file, _NAME)))
            digest = tree.blob(_slot(file, _HASH))
            yield _Listed((folder, number), text(name), size, digest.hex() if len(digest) == 32 else "")


def _slot(slots: tuple[int, ...], index: int) -> int:
    return slots[index - 1] if index <= len(slots) else 0


class _Tree:
    """Values that point at each other inside one block; every place is checked."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.root = self._word(4, 4)

    def items(self, value: int) -> Iterator[int]:
        """What an object or an array has; nothing for other values."""
        if value >> 28 in _SLOTS:
            at = value & 0xFFFFFFF
            for index in range(1, self._word(at, 4)):
                yield self._word(at + 4 * index, 4)

    def slots(self, value: int) -> tuple[int, ...]:
        """The first slots of an object, which are all that matter here."""
        return tuple(islice(self.items(value), _TARGET))

    def number(self, value: int) -> int:
        """An integer; 0 for other values."""
        kind, at = value >> 28, value & 0xFFFFFFF
        if kind == _INT:
            return at
        return self._word(at, 4 if kind == _INT32 else 8) if kind in {_INT32, _INT64} else 0

    def blob(self, value: int) -> bytes:
        """Bytes; none for other values."""
        width = _BLOBS.get(value >> 28)
        if width is None:
            return b""
        at = value & 0xFFFFFFF
        size = self._word(at, width)
        found = self._raw[at + width : at + width + size]
        if len(found) < size:
            raise contradiction("has a value that lies outside its block")
        return found

    def _word(self, at: int, width: int) -> int:
        found = self._raw[at : at + width]
        if len(found) < width:
            raise contradiction("has a value that lies outside its block")
        return int.from_bytes(found, "little")
