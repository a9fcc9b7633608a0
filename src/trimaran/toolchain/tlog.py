"""Merkle trees of a transparency log: which parts a proof needs, and what it proves. Pure.

Trees are those of RFC 6962, section 2.1. The log publishes them in tiles of 256 hashes; tile level L holds
the hashes of complete subtrees with 256**L leaves (https://go.dev/design/25530-sumdb, "Checksum database").

A proof is never taken from the log as such. The root is computed again from the record and the few
hashes beside its way up; a log that lies about any of them ends with another root than it signed.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trimaran.toolchain.note import Tree

HASH_SIZE = 32
_HEIGHT = 8
_WIDTH = 1 << _HEIGHT
LARGEST = 1 << 48
"""More records than any tree that we look at; it bounds every proof to 48 levels."""


class ProofError(ValueError):
    """The log's parts do not add up to the tree that it signed."""


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """A complete subtree with 2**level leaves, the `offset`-th of its level."""

    level: int
    offset: int


Read = Callable[[Node], bytes]


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """One published piece.

    Args:
        level: in steps of eight tree levels.
        number: its place in that level, from 0.
        width: how many hashes it holds, 1 to 256.
    """

    level: int
    number: int
    width: int

    @property
    def path(self) -> str:
        """As in the log's addresses: `tile/8/0/x001/234.p/56`."""
        digits = f"{self.number % 1000:03d}"
        rest = self.number // 1000
        while rest:
            digits = f"x{rest % 1000:03d}/{digits}"
            rest //= 1000
        partial = "" if self.width == _WIDTH else f".p/{self.width}"
        return f"tile/{_HEIGHT}/{self.level}/{digits}{partial}"

    @property
    def whole(self) -> "Tile":
        """The same tile when it has been filled."""
        return Tile(self.level, self.number, _WIDTH)


def record_hash(text: str) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + text.encode()).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two below `size`, where RFC 6962 divides a tree."""
    return 1 << (size - 1).bit_length() - 1


def _subtree(low: int, high: int, read: Read) -> bytes:
    size = high - low
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return read(Node(level, low >> level))
    middle = low + _split(size)
    return node_hash(_subtree(low, middle, read), _subtree(middle, high, read))


def root_with(size: int, number: int, leaf: bytes, read: Read) -> bytes:
    """The root of a tree of `size` leaves in which leaf `number` hashes to `leaf`. 0 <= number < size."""

    def climb(low: int, high: int) -> bytes:
        if high - low == 1:
            return leaf
        middle = low + _split(high - low)
        if number < middle:
            return node_hash(climb(low, middle), _subtree(middle, high, read))
        return node_hash(_subtree(low, middle, read), climb(middle, high))

    return climb(0, size)


def roots_with(old: int, new: int, read: Read) -> tuple[bytes, bytes]:
    """The roots of the trees of the first `old` and of all `new` leaves, from the same hashes.

    0 < old <= new. Two signed roots that both come out are of one history.
    """

    def climb(low: int, high: int) -> tuple[bytes | None, bytes]:
        if high <= old:
            both = _subtree(low, high, read)
            return both, both
        if low >= old:
            return None, _subtree(low, high, read)
        middle = low + _split(high - low)
        left_old, left = climb(low, middle)
        right_old, right = climb(middle, high)
        # `old` lies inside: the left side always has a part of the old tree.
        before = left_old if right_old is None or left_old is None else node_hash(left_old, right_old)
        return before, node_hash(left, right)

    before, now = climb(0, new)
    return before or b"", now


def needed(size: int, visit: Callable[[Read], object]) -> frozenset[Tile]:
    """The tiles of a tree of `size` leaves that a computation reads: `visit` runs it with a reader."""
    tiles: set[Tile] = set()

    def note(node: Node) -> bytes:
        tiles.add(_tile_of(node, size)[0])
        return bytes(HASH_SIZE)

    visit(note)
    return frozenset(tiles)


def _tile_of(node: Node, size: int) -> tuple[Tile, int, int]:
    """The tile that holds a node, and from where to where its hashes stand in it."""
    level, height = divmod(node.level, _HEIGHT)
    first = node.offset << height
    number = first // _WIDTH
    width = min(_WIDTH, (size >> (level * _HEIGHT)) - number * _WIDTH)
    start = first - number * _WIDTH
    return Tile(level, number, width), start, start + (1 << height)


def reader(size: int, tiles: Mapping[Tile, bytes]) -> Read:
    """Reads nodes out of tiles. The reader raises ProofError when a tile is absent or of a wrong length."""

    def read(node: Node) -> bytes:
        tile, start, end = _tile_of(node, size)
        content = tiles.get(tile, b"")
        if len(content) != tile.width * HASH_SIZE:
            raise ProofError(f"{tile.path} has {len(content)} bytes instead of {tile.width * HASH_SIZE}")
        level = [content[at * HASH_SIZE : (at + 1) * HASH_SIZE] for at in range(start, end)]
        while len(level) > 1:
            level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level), 2)]
        return level[0]

    return read


def check_record(tree: Tree, number: int, text: str, tiles: Mapping[Tile, bytes]) -> None:
    """Raises ProofError unless the record with this text has this number in the tree."""
    check_number(tree, number)
    if root_with(tree.size, number, record_hash(text), reader(tree.size, tiles)) != tree.root:
        raise ProofError(f"record {number} is not in the tree of {tree.size} records that was signed")


def check_number(tree: Tree, number: int) -> None:
    """Raises ProofError when a tree of that size has no such record, or cannot exist."""
    if not 0 <= number < tree.size <= LARGEST:
        raise ProofError(f"a tree of {tree.size} records has no record {number}")


def check_history(old: Tree, new: Tree, tiles: Mapping[Tile, bytes]) -> None:
    """Raises ProofError unless `new` begins with all that `old` held. old.size <= new.size."""
    if not 0 <= old.size <= new.size <= LARGEST:
        raise ProofError(f"a tree of {new.size} records cannot follow one of {old.size}")
    if old.size and roots_with(old.size, new.size, reader(new.size, tiles)) != (old.root, new.root):
        raise ProofError(
            f"the tree of {new.size} records does not continue the one of {old.size} seen before"
        )


def tiles_for_record(tree: Tree, number: int) -> frozenset[Tile]:
    """What `check_record` will read."""
    return needed(tree.size, lambda read: root_with(tree.size, number, bytes(HASH_SIZE), read))


def tiles_for_history(old: Tree, new: Tree) -> frozenset[Tile]:
    """What `check_history` will read."""
    if not 0 < old.size <= new.size:
        return frozenset()
    return needed(new.size, lambda read: roots_with(old.size, new.size, read))
