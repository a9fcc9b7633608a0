"""The audit chain: how records are linked, so that a change to what happened shows. Pure.

A record's hash is SHA-256 over the JSON list `[sequence, previous, at, actor, body]` in ASCII without
spaces, `body` being the stored text itself. Each record carries the hash of the one before.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from trimaran.action import Json
from trimaran.ledger.encode import json_text
from trimaran.ledger.model import Head, Record

GENESIS = "0" * 64
"""The `previous` of the first record, and the head's hash of an empty chain."""

EMPTY = Head(0, GENESIS)

_FAR = 10_000


def link_hash(record: Record, sequence: int | None = None) -> str:
    """The hash that `record` should carry, 64 hexadecimal digits.

    Args:
        sequence: as if the record stood there; None for where it says that it stands.
    """
    place = record.sequence if sequence is None else sequence
    text = json.dumps([place, record.previous, record.at, record.actor, record.body], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def link(head: Head, at: str, actor: str, body: Json) -> Record:
    """The record that follows `head`."""
    text = json_text(body)
    bare = Record(head.sequence + 1, head.hash, at, actor, text, "")
    return Record(bare.sequence, bare.previous, at, actor, text, link_hash(bare))


class Fault(StrEnum):
    """What was done to a chain that does not verify."""

    EDITED = "edited"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    HEADLESS = "headless"


@dataclass(frozen=True, slots=True)
class Verification:
    """What looking at the whole chain said.

    Args:
        count: how many records were found.
        head: where the chain ends; of a broken one, the last record before the first wrong one.
        fault: None when the chain is intact.
        sequence: the place of the first wrong record, counted from 1; 0 when intact.
        behind: how many records the kept head did not know yet; more than 0 after a crash between a
            commit and the writing of the head, and healed by the next append.
    """

    count: int
    head: Head
    fault: Fault | None = None
    sequence: int = 0
    behind: int = 0

    @property
    def intact(self) -> bool:
        return self.fault is None


def verify(records: Iterable[Record], head: Head | None) -> Verification:
    """Check every record, every link, and the end against the head that was kept outside.

    Args:
        records: all of them, in the order of the store; may be a stream, memory stays flat.
        head: read before the records were; None when there is none.
    """
    stream = iter(records)
    before, tail = EMPTY, EMPTY
    replaced = False  # the record at the head's place is not the one that the head names
    for record in stream:
        place = tail.sequence + 1
        if record.sequence != place or record.previous != tail.hash or record.hash != link_hash(record):
            return _blame(before, tail, record, stream, head)
        before, tail = tail, Head(place, record.hash)
        if head is not None and head.sequence == place:
            replaced = head.hash != record.hash
    return _ending(tail, head, replaced=replaced)


def _ending(tail: Head, head: Head | None, *, replaced: bool) -> Verification:
    if head is None:
        # A ledger gets its head before its first record: with records, a missing one was taken away.
        return Verification(tail.sequence, tail, Fault.HEADLESS if tail.sequence else None)
    if replaced:
        return Verification(tail.sequence, tail, Fault.EDITED, head.sequence)
    if tail.sequence < head.sequence:
        return Verification(tail.sequence, tail, Fault.TRUNCATED, tail.sequence + 1)
    return Verification(tail.sequence, tail, behind=tail.sequence - head.sequence)


def _blame(
    before: Head, tail: Head, wrong: Record, rest: Iterator[Record], head: Head | None
) -> Verification:
    """What was done at the first place where the chain breaks; reads the rest of the stream once.

    Args:
        before: the link before `tail`, to find out whether `tail` itself is the forgery.
        wrong: the record that does not follow `tail`.
    """
    place = tail.sequence + 1
    own = _follows(wrong, tail)  # only its number was changed
    here = earlier = False  # whether the genuine record of this place, or of the one before, comes later
    count, last = place - 1, place
    for record in chain((wrong,), rest):
        count += 1
        last = max(last, record.sequence)
        here = here or _follows(record, tail)
        earlier = earlier or (tail.sequence > 0 and _follows(record, before))
    # Numbers that were tampered with may be enormous; a real hole is not.
    ends = min(max(last, head.sequence if head else 0), place + 2 * count + _FAR)
    # Genuine records keep the hash of the place where they were written, wherever they stand now.
    moved = any(wrong.hash == link_hash(wrong, other) for other in range(place + 1, ends + 1))
    if own:
        fault, sequence = Fault.EDITED, place
    elif here:
        fault, sequence = Fault.REORDERED if moved else Fault.INSERTED, place
    else:
        fault, sequence = _blame_without_heir(tail, wrong, earlier=earlier, moved=moved)
    return Verification(count, tail if sequence == place else before, fault, sequence)


def _blame_without_heir(tail: Head, wrong: Record, *, earlier: bool, moved: bool) -> tuple[Fault, int]:
    """What was done when no record, anywhere later, belongs to the place after `tail`."""
    place = tail.sequence + 1
    if earlier:
        return Fault.INSERTED, tail.sequence
    if moved or wrong.sequence > place:
        return Fault.REMOVED, place
    if tail.sequence and wrong.sequence == place and wrong.hash == link_hash(wrong):
        return Fault.EDITED, tail.sequence  # it was changed and given a new hash that fits itself
    return Fault.EDITED, place


def _follows(record: Record, tail: Head) -> bool:
    """Whether `record` was written as the one after `tail`, whatever number it has now."""
    return record.previous == tail.hash and record.hash == link_hash(record, tail.sequence + 1)
