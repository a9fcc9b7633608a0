"""The ledger: every change that was meant, what came of it, and an audit that shows tampering.

One file in SQLite, written ahead (WAL) and synced at every commit. Each write is one transaction that
also checks the lease's fence and appends to the audit chain; then the chain's head is put beside it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Self

from sqlalchemy import Connection, insert

from trimaran.action import Json
from trimaran.errors import fail
from trimaran.ledger import leases, revisions, steps
from trimaran.ledger.chain import link
from trimaran.ledger.encode import adoption_body, at_text, intent_body, outcome_body
from trimaran.ledger.faults import explained
from trimaran.ledger.guarding import check_adoptions, check_intents, cleaned
from trimaran.ledger.model import (
    Adoption,
    Head,
    Holder,
    Intent,
    Lease,
    Outcome,
    Revision,
    RevisionState,
)
from trimaran.ledger.reading import Reading, chain_end
from trimaran.ledger.tables import audit


@dataclass(frozen=True, slots=True)
class Ledger(Reading):
    """One open ledger, which several threads may use. `open_ledger` makes it; `close` gives it back."""

    # SQLite lets one write at a time and the others poll; threads of one process can queue instead.
    _turn: Lock = field(default_factory=Lock, repr=False, compare=False)

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def acquire(
        self,
        target: str,
        holder: Holder,
        now: datetime,
        dead: Callable[[Holder], bool],
        ttl: timedelta | None = None,
    ) -> Lease:
        """The lease on `target`, with a higher fence than any before.

        Args:
            holder: this process; `this_holder()`.
            dead: whether another holder is certainly gone; `is_dead`.

        Raises TrimaranError TRM0410 while another holds it.
        """
        reach = leases.default_ttl() if ttl is None else ttl
        with self._append(holder.actor, now) as (conn, bodies):
            lease, taken_from = leases.acquire(conn, Lease(target, holder, 0, now, reach), now, dead)
            if taken_from is not None:
                was = {"actor": taken_from.actor, "pid": taken_from.pid}
                bodies.append(
                    {"event": "lease taken over", "target": target, "fence": lease.fence, "from": was}
                )
        return lease

    def renew(self, lease: Lease, now: datetime) -> Lease:
        """`lease` with a later expiry. Raises TrimaranError TRM0411 when another has it by now."""
        with self._turn, explained(self.name), self.engine.begin() as conn:
            return leases.renew(conn, lease, now)

    def release(self, lease: Lease) -> None:
        """Give `lease` back; nothing happens when another has it by now."""
        with self._turn, explained(self.name), self.engine.begin() as conn:
            leases.release(conn, lease)

    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        """Record intents before any of them is done, all or none. Raises when one would hold a secret."""
        now = max(intent.begun_at for intent in intents)
        check_intents(intents, self.guard)
        with self._append(lease.holder.actor, now) as (conn, bodies):
            leases.renew(conn, lease, now)
            steps.add(conn, intents, lease.fence)
            bodies.extend(intent_body(intent, lease.fence) for intent in intents)

    def resume(self, lease: Lease, key: str, now: datetime) -> None:
        """Put an open intent of an earlier run under this lease's fence."""
        with self._append(lease.holder.actor, now) as (conn, bodies):
            leases.renew(conn, lease, now)
            steps.refence(conn, key, lease.fence)
            bodies.append({"event": "resumed", "key": key, "fence": lease.fence})

    def settle(self, lease: Lease, outcomes: Sequence[Outcome]) -> None:
        """Record how open intents ended, all or none; each exactly once."""
        now = max(outcome.at for outcome in outcomes)
        clean = [cleaned(outcome, self.guard) for outcome in outcomes]
        with self._append(lease.holder.actor, now) as (conn, bodies):
            leases.renew(conn, lease, now)
            ended = steps.end_all(conn, clean)
            for outcome in clean:
                intent = ended.pop(outcome.key, None)
                if intent is None:
                    what = f"{outcome.key} has no open intent to end"
                    raise fail("TRM0413", what, "this is a bug in Trimaran")
                bodies.append(outcome_body(outcome, intent))

    def refuse(self, lease: Lease, refused: Sequence[tuple[Intent, Outcome]]) -> None:
        """Record intents that ended before they began; what they name does not become ours."""
        check_intents([intent for intent, _ in refused], self.guard)
        now = max(outcome.at for _, outcome in refused)
        with self._append(lease.holder.actor, now) as (conn, bodies):
            leases.renew(conn, lease, now)
            for intent, outcome in refused:
                clean = cleaned(outcome, self.guard)
                steps.add_ended(conn, intent, clean, lease.fence)
                bodies += [intent_body(intent, lease.fence), outcome_body(clean, intent)]

    def note(self, actor: str, body: Mapping[str, Json], now: datetime) -> None:
        """Record a free event: `{"event": "ship started", …}`."""
        with self._append(actor, now) as (_, bodies):
            bodies.append(dict(body))

    def begin_revision(self, actor: str, event: str, body: Mapping[str, Json], now: datetime) -> int:
        """Record a run that is meant to change targets, before it changes any; its number."""
        with self._append(actor, now) as (conn, bodies):
            number, sequence = revisions.next_number(conn), chain_end(conn).sequence + 1
            revisions.add(conn, Revision(number, event, actor, body, now, sequence))
            bodies.append({**body, "event": "revision", "revision": number, "what": event})
        return number

    def end_revision(self, actor: str, number: int, state: RevisionState, now: datetime) -> None:
        """Record how a revision ended. Raises TrimaranError TRM0428 unless it is open."""
        with self._append(actor, now) as (conn, bodies):
            revisions.end(conn, number, RevisionState(state), now)
            bodies.append({"event": "revision ended", "revision": number, "state": str(state)})

    def adopt(
        self, lease: Lease, found: Sequence[Adoption], now: datetime, revision: int | None = None
    ) -> None:
        """Record values on a target that a person decided to keep. Raises when one is a secret."""
        check_adoptions(found, self.guard)
        self._adoptions(lease, found, ("adopted", revision), now)

    def forget(
        self, lease: Lease, found: Sequence[Adoption], now: datetime, revision: int | None = None
    ) -> None:
        """Take adoptions back; by their objects and paths."""
        self._adoptions(lease, found, ("forgotten", revision), now)

    def _adoptions(
        self, lease: Lease, found: Sequence[Adoption], event: tuple[str, int | None], now: datetime
    ) -> None:
        if not found:
            return
        with self._append(lease.holder.actor, now) as (conn, bodies):
            leases.renew(conn, lease, now)
            (revisions.adopt if event[0] == "adopted" else revisions.forget)(conn, found)
            bodies.extend(adoption_body(each, *event) for each in found)

    @contextmanager
    def _append(self, actor: str, now: datetime) -> Iterator[tuple[Connection, list[Json]]]:
        """One transaction; the bodies put into the list are appended to the chain at its end."""
        bodies: list[Json] = []
        with self._turn, explained(self.name):
            with self.engine.begin() as conn:
                yield conn, bodies
                head = self._extend(conn, bodies, actor, at_text(now)) if bodies else None
            if head is not None:
                self.head.write(head)

    def _extend(self, conn: Connection, bodies: Sequence[Json], actor: str, at: str) -> Head:
        tail = chain_end(conn)
        kept = self.head.read()
        if kept is not None and kept.sequence > tail.sequence:
            what = f"the ledger {self.name} has lost its last {kept.sequence - tail.sequence} audit records"
            raise fail("TRM0409", what, "restore it from a backup; `trimaran audit verify` shows the place")
        found = []
        for body in bodies:
            record = link(tail, at, actor, body)
            if self.guard.leaks([actor, body]) is not None:
                raise fail("TRM0412", "an audit record would hold a secret", "this is a bug in Trimaran")
            tail = Head(record.sequence, record.hash)
            found.append(record)
        columns = ("sequence", "previous", "at", "actor", "body", "hash")
        conn.execute(insert(audit), [{column: getattr(each, column) for column in columns} for each in found])
        return tail
