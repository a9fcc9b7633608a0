"""Proofs in the log: what is in it is proven, and no changed hash passes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.toolchain.liar import Log

from trimaran.toolchain import tlog
from trimaran.toolchain.note import Tree
from trimaran.toolchain.tlog import Node, ProofError, Tile

_LOG = Log(*(f"record {at}\n" for at in range(700)))
sizes = st.integers(1, 700)


def tiles(log: Log, wanted: frozenset[Tile]) -> dict[Tile, bytes]:
    return {tile: log.tile(tile.level, tile.number, tile.width) for tile in wanted}


def tree(log: Log, size: int) -> Tree:
    return Tree(size, log.hash(0, size))


@given(sizes, st.data())
@settings(max_examples=60)
def test_every_record_of_every_tree_is_proven(size: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, size - 1))
    signed = tree(_LOG, size)
    found = tiles(_LOG, tlog.tiles_for_record(signed, number))
    tlog.check_record(signed, number, _LOG.texts[number], found)
    with pytest.raises(ProofError):
        tlog.check_record(signed, number, _LOG.texts[number] + " ", found)
    with pytest.raises(ProofError):
        tlog.check_record(Tree(size, bytes(32)), number, _LOG.texts[number], found)


@given(sizes.filter(lambda size: size > 1), st.data())
@settings(max_examples=60)
def test_any_flipped_bit_that_a_proof_reads_changes_the_root(size: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, size - 1))
    honest = tlog.reader(size, tiles(_LOG, tlog.tiles_for_record(tree(_LOG, size), number)))
    read: list[Node] = []

    def counting(node: Node) -> bytes:
        read.append(node)
        return honest(node)

    leaf = tlog.record_hash(_LOG.texts[number])
    root = tlog.root_with(size, number, leaf, counting)
    victim = data.draw(st.sampled_from(read))
    bit = data.draw(st.integers(0, 255))

    def lying(node: Node) -> bytes:
        content = bytearray(honest(node))
        if node == victim:
            content[bit // 8] ^= 1 << bit % 8
        return bytes(content)

    assert root == _LOG.hash(0, size)
    assert tlog.root_with(size, number, leaf, lying) != root


@given(sizes, sizes)
@settings(max_examples=60)
def test_a_tree_that_grew_is_of_one_history(one: int, other: int) -> None:
    old, new = tree(_LOG, min(one, other)), tree(_LOG, max(one, other))
    tlog.check_history(old, new, tiles(_LOG, tlog.tiles_for_history(old, new)))


@given(sizes, sizes, st.data())
@settings(max_examples=60)
def test_a_fork_is_refused(one: int, other: int, data: st.DataObject) -> None:
    old_size, new_size = min(one, other), max(one, other)
    texts = list(_LOG.texts)
    texts[data.draw(st.integers(0, old_size - 1))] += "rewritten\n"
    fork = Log(*texts)
    old, new = tree(_LOG, old_size), tree(fork, new_size)
    with pytest.raises(ProofError, match="does not continue"):
        tlog.check_history(old, new, tiles(fork, tlog.tiles_for_history(old, new)))


def test_a_tree_cannot_shrink_or_hold_more_than_any_log() -> None:
    with pytest.raises(ProofError):
        tlog.check_history(Tree(5, bytes(32)), Tree(4, bytes(32)), {})
    with pytest.raises(ProofError):
        tlog.check_number(Tree(1 << 60, bytes(32)), 3)
    with pytest.raises(ProofError):
        tlog.check_number(Tree(3, bytes(32)), 3)


def test_a_tile_of_a_wrong_length_is_refused() -> None:
    signed = tree(_LOG, 300)
    found = tiles(_LOG, tlog.tiles_for_record(signed, 10))
    for tile in found:
        with pytest.raises(ProofError, match=r"has \d+ bytes instead of"):
            tlog.check_record(signed, 10, _LOG.texts[10], found | {tile: found[tile][:-1]})


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/8/0/000"),
        (Tile(1, 1234067, 256), "tile/8/1/x001/x234/067"),
        (Tile(3, 4, 17), "tile/8/3/004.p/17"),
    ],
)
def test_tiles_are_found_under_the_published_paths(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_a_proof_in_a_tree_of_this_size_needs_few_tiles() -> None:
    assert len(tlog.tiles_for_record(Tree(71_999_284, bytes(32)), 59_742_117)) <= 8
