"""What a ledger says when it is asked; nothing here writes."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select

from trimaran.action import ObjectRef
from trimaran.ledger import revisions, steps
from trimaran.ledger.applied import applied, keys_about, last_events, objects
from trimaran.ledger.chain import EMPTY
from trimaran.ledger.encode import json_text
from trimaran.ledger.faults import explained
from trimaran.ledger.model import (
    Adoption,
    Applied,
    Guard,
    Head,
    HeadStore,
    LastEvent,
    Owned,
    Record,
    Revision,
    Step,
)
from trimaran.ledger.tables import audit

_PAGE = 1_000  # records read at a time


@dataclass(frozen=True, slots=True)
class Reading:
    """One open ledger, to be read.

    Args:
        whole: whether the file has every table; one of an older Trimaran that is only read may not.
    """

    name: str
    engine: Engine
    reader: Engine
    head: HeadStore
    guard: Guard
    whole: bool = True

    def step(self, key: str) -> Step | None:
        """The intent with this idempotency key, and its outcome if it has ended."""
        with explained(self.name), self.reader.connect() as conn:
            return steps.find(conn, key, self.whole)

    def open_steps(self, target: str) -> tuple[Step, ...]:
        """The target's intents without an outcome, oldest first."""
        with explained(self.name), self.reader.connect() as conn:
            return steps.unfinished(conn, target)

    def inventory(self, target: str) -> tuple[Owned, ...]:
        """What is ours on a target: all that an intent has named, until its deletion is confirmed."""
        with explained(self.name), self.reader.connect() as conn:
            return steps.owned(conn, target)

    def revisions(self, last: int | None = None) -> tuple[Revision, ...]:
        """The newest `last` revisions (None: all), newest first."""
        with explained(self.name), self.reader.connect() as conn:
            return revisions.newest(conn, last) if self.whole else ()

    def revision(self, number: int) -> Revision | None:
        """The revision with this number."""
        with explained(self.name), self.reader.connect() as conn:
            return revisions.find(conn, number) if self.whole else None

    def applied(self, target: str, at: int | None = None) -> dict[ObjectRef, Applied]:
        """What our last successful actions left on a target, at the end of revision `at` (None: now)."""
        with explained(self.name), self.reader.connect() as conn:
            return applied(conn, target, at, self.whole)

    def objects(self) -> tuple[ObjectRef, ...]:
        """Every object that an action was ever meant for, in order."""
        with explained(self.name), self.reader.connect() as conn:
            return objects(conn)

    def steps_about(self, ref: ObjectRef, last: int = 20) -> tuple[Step, ...]:
        """The `last` newest actions on an object, newest first."""
        with explained(self.name), self.reader.connect() as conn:
            found = [steps.find(conn, key, self.whole) for key in keys_about(conn, ref, last)]
        return tuple(step for step in found if step is not None)

    def records_about(self, key: str) -> tuple[Record, ...]:
        """What the audit says of the action with this key, oldest first."""
        named = audit.c.body.contains(f'"key":{json_text(key)}', autoescape=True)
        with explained(self.name), self.reader.connect() as conn:
            rows = conn.execute(select(audit).where(named).order_by(audit.c.sequence))
            return tuple(Record(row[0], *map(str, row[1:])) for row in rows)

    def last_event(self, refs: Collection[ObjectRef]) -> dict[ObjectRef, LastEvent]:
        """The last that the audit says of each object; what it does not mention is left out."""
        return last_events(self.records_backwards(), refs)

    def adoptions(self, target: str) -> tuple[Adoption, ...]:
        """What is adopted on a target."""
        with explained(self.name), self.reader.connect() as conn:
            return revisions.adopted(conn, target) if self.whole else ()

    def records_backwards(self) -> Iterator[Record]:
        """The audit chain from its end, a page at a time."""
        before: int | None = None
        while before is None or before > 1:
            with explained(self.name), self.reader.connect() as conn:
                wanted = select(audit).order_by(audit.c.sequence.desc()).limit(_PAGE)
                wanted = wanted if before is None else wanted.where(audit.c.sequence < before)
                page = [Record(row[0], *map(str, row[1:])) for row in conn.execute(wanted)]
            yield from page
            if len(page) < _PAGE:
                return
            before = page[-1].sequence

    def records(self, after: int = 0) -> Iterator[Record]:
        """The audit chain in the order of its sequence, a page at a time.

        Args:
            after: leave out the records up to and including this sequence.
        """
        while True:
            with explained(self.name), self.reader.connect() as conn:
                wanted = select(audit).where(audit.c.sequence > after).order_by(audit.c.sequence).limit(_PAGE)
                # SQLite keeps whatever type somebody puts in; a record is judged by its text.
                page = [Record(row[0], *map(str, row[1:])) for row in conn.execute(wanted)]
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].sequence

    def tail(self) -> Head:
        """Where the chain ends in the database."""
        with explained(self.name), self.reader.connect() as conn:
            return chain_end(conn)


def chain_end(conn: Connection) -> Head:
    """Where the audit chain ends in the database."""
    wanted = select(audit.c.sequence, audit.c.hash).order_by(audit.c.sequence.desc()).limit(1)
    last = conn.execute(wanted).first()
    return EMPTY if last is None else Head(last.sequence, last.hash)
