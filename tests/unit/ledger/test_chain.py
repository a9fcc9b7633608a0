"""Any single change to a chain is found, at the first wrong record, and called by its name."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from trimaran.ledger import Fault, Head, Record, verify
from trimaran.ledger.chain import EMPTY, link, link_hash


def chain_of(count: int) -> list[Record]:
    records, head = [], EMPTY
    for number in range(count):
        record = link(head, "2030-01-01T00:00:00.000Z", "alice@box", {"event": "note", "number": number})
        records.append(record)
        head = Head(record.sequence, record.hash)
    return records


def head_of(records: list[Record]) -> Head:
    return Head(records[-1].sequence, records[-1].hash) if records else EMPTY


def forged(after: Record | Head, body: str = '"forged"') -> Record:
    """A record that fits itself and what comes before it."""
    bare = Record(after.sequence + 1, after.hash, "2030-01-01T00:00:00.000Z", "mallory", body, "")
    return replace(bare, hash=link_hash(bare))


chains = st.integers(2, 12).map(chain_of)


@st.composite
def spot(draw: st.DrawFn, least: int = 2) -> tuple[list[Record], int]:
    records = draw(st.integers(least, 12).map(chain_of))
    return records, draw(st.integers(0, len(records) - 1))


@given(st.integers(0, 12).map(chain_of))
def test_an_untouched_chain_is_intact_and_ends_at_its_head(records: list[Record]) -> None:
    found = verify(records, head_of(records))
    assert (found.fault, found.count, found.head, found.behind) == (None, len(records), head_of(records), 0)


@given(spot(), st.sampled_from(["previous", "at", "actor", "body", "hash"]), st.text(min_size=1))
def test_an_edited_record_is_named(at: tuple[list[Record], int], field: str, junk: str) -> None:
    records, place = at
    head = head_of(records)
    was = getattr(records[place], field)
    records[place] = replace(records[place], **{field: was + junk})
    found = verify(records, head)
    assert (found.fault, found.sequence) == (Fault.EDITED, place + 1)


@given(spot())
def test_an_edited_record_with_a_new_hash_is_named(at: tuple[list[Record], int]) -> None:
    records, place = at
    head = head_of(records)
    edited = replace(records[place], body='"innocent"')
    records[place] = replace(edited, hash=link_hash(edited))
    found = verify(records, head)
    assert (found.fault, found.sequence) == (Fault.EDITED, place + 1)


@given(spot(3), st.booleans())
def test_a_removed_record_is_named_also_when_the_rest_is_renumbered(
    at: tuple[list[Record], int], renumber: bool
) -> None:
    records, place = at
    head = head_of(records)
    place = min(place, len(records) - 2)  # removing the last is truncation
    del records[place]
    if renumber:
        records[place:] = [replace(each, sequence=each.sequence - 1) for each in records[place:]]
    found = verify(records, head)
    assert (found.fault, found.sequence) == (Fault.REMOVED, place + 1)


@given(spot(), st.booleans(), st.booleans())
def test_an_inserted_record_is_named_also_when_it_fits_and_the_rest_is_renumbered(
    at: tuple[list[Record], int], fits: bool, renumber: bool
) -> None:
    records, place = at
    head = head_of(records)
    before = head_of(records[:place])
    new = forged(before) if fits else replace(forged(before), hash="0" * 64)
    rest = records[place:]
    if renumber:
        rest = [replace(each, sequence=each.sequence + 1) for each in rest]
    found = verify([*records[:place], new, *rest], head)
    assert (found.fault, found.sequence) == (Fault.INSERTED, place + 1)


@given(spot(3), st.data(), st.booleans())
def test_a_moved_record_is_named_by_the_first_place_that_is_wrong(
    at: tuple[list[Record], int], data: st.DataObject, renumber: bool
) -> None:
    records, one = at
    head = head_of(records)
    other = data.draw(st.integers(0, len(records) - 1).filter(lambda place: place != one))
    moved = list(records)
    moved[one], moved[other] = moved[other], moved[one]
    if renumber:
        moved = [replace(each, sequence=number + 1) for number, each in enumerate(moved)]
    found = verify(moved, head)
    assert (found.fault, found.sequence) == (Fault.REORDERED, min(one, other) + 1)


@given(spot(1))
def test_a_truncated_chain_is_named_by_the_first_record_it_lost(at: tuple[list[Record], int]) -> None:
    records, place = at
    found = verify(records[:place], head_of(records))
    assert (found.fault, found.sequence, found.count) == (Fault.TRUNCATED, place + 1, place)


@given(spot(1))
def test_a_head_that_is_behind_is_no_fault_and_says_by_how_much(at: tuple[list[Record], int]) -> None:
    records, place = at
    found = verify(records, head_of(records[:place]))
    assert (found.fault, found.behind) == (None, len(records) - place)


@given(spot(1))
def test_a_chain_rewritten_with_all_its_hashes_does_not_fit_its_head(at: tuple[list[Record], int]) -> None:
    records, place = at
    new = [*records[:place], forged(head_of(records[:place]))]
    while len(new) < len(records):
        new.append(forged(head_of(new)))
    found = verify(new, head_of(records))
    assert (found.fault, found.sequence) == (Fault.EDITED, len(records))


def test_a_chain_whose_head_was_taken_away_is_not_proven() -> None:
    assert verify(chain_of(3), None).fault is Fault.HEADLESS
    assert verify([], None).intact


def test_enormous_numbers_do_not_hold_up_the_verdict() -> None:
    records = chain_of(3)
    records[1] = replace(records[1], sequence=2**62)
    found = verify(records, Head(2**62, "0" * 64))
    assert (found.fault, found.sequence, found.count) == (Fault.EDITED, 2, 3)
    records[1] = replace(records[1], body="{}")
    assert verify(records, Head(2**62, "0" * 64)).sequence == 2


def test_a_long_chain_is_checked_in_little_memory() -> None:
    def endless() -> Iterator[Record]:
        head = EMPTY
        for number in range(20_000):
            record = link(head, "2030-01-01T00:00:00.000Z", "alice@box", {"event": "note", "number": number})
            head = Head(record.sequence, record.hash)
            yield record

    tracemalloc.start()
    try:
        found = verify(endless(), EMPTY)
        assert found.count == 20_000
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()
