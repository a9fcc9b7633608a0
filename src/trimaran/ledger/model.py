"""What the ledger keeps: intents and their outcomes, leases, audit records. Pure values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from trimaran.action import Action, Json, ObjectRef
from trimaran.errors import Problem

Clock = Callable[[], datetime]
"""The time of day, with its zone."""


class OutcomeState(StrEnum):
    """How an action ended.

    UNKNOWN is not an end: its intent stays open and is looked at again by the next run.
    """

    DONE = "done"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    UNDONE = "undone"


SUCCESSES = frozenset({OutcomeState.DONE, OutcomeState.UNCHANGED})
"""The states after which the target is as the action wants it."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease: one acquisition by one process.

    Args:
        id: random, new for every acquisition.
        host: names this boot of this machine and its process namespace, so that a process id
            means the same to whoever reads it; empty when unknown.
        pid: the process id.
        started: the process's start time in the kernel's ticks since boot; with `pid` it names one
            process for ever.
        actor: for people and for the audit, as `alice@laptop`.
    """

    id: str
    host: str
    pid: int
    started: int
    actor: str


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to change one target, until it expires or is taken over.

    Args:
        fence: grows with every acquisition of this target; a target refuses a lower one.
        ttl: how far each renewal reaches; every write under the lease renews it.
    """

    target: str
    holder: Holder
    fence: int
    expires_at: datetime
    ttl: timedelta


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be done, written before it is.

    Args:
        before: the object's document as it was seen just before; None when it was absent.
        undoes: the key of the action that this one takes back.
        revision: the run that it belongs to; None when it belongs to none.
    """

    action: Action
    before: Mapping[str, Json] | None = field(hash=False)
    begun_at: datetime
    undoes: str | None = None
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an action ended.

    Args:
        facts: what the session's receipt said; never a secret.
        problems: why it failed, was refused or is unknown; for a success, what was met on the way.
        repeated: the ledger had this outcome already, and nothing was done now.
    """

    key: str
    state: OutcomeState
    at: datetime
    facts: Mapping[str, Json] = field(default_factory=dict, hash=False)
    problems: tuple[Problem, ...] = ()
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """An intent and, once it has ended, its outcome."""

    intent: Intent
    fence: int
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Owned:
    """An object that is ours: something of ours has written it, or was about to.

    Args:
        cause: of the action that wrote it first, as `ship podinfo`.
        key: of the action that wrote it last.
    """

    ref: ObjectRef
    cause: str
    key: str


class RevisionState(StrEnum):
    """How a revision ended; OPEN while it runs, and for ever when it was killed.

    PARTIAL: some targets are as it wanted them, others are not.
    """

    OPEN = "open"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Revision:
    """One run that was meant to change targets.

    Args:
        number: counted from 1 in the order in which runs began.
        event: `ship`, `apply`, `down`, `prune`, `rollback`, `revert` or `adopt`.
        body: what was known when it began: commit, digests, targets, services.
        sequence: of its record in the audit chain.
        ended_at: None while it is open.
    """

    number: int
    event: str
    actor: str
    body: Mapping[str, Json] = field(hash=False)
    begun_at: datetime
    sequence: int
    state: RevisionState = RevisionState.OPEN
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What our last successful action on an object left there.

    Args:
        document: the wanted one; after an undo the document that it restored.
        revision: the run of that action; None when it belonged to none.
        key: of that action.
        at: when it ended.
    """

    document: Mapping[str, Json] = field(hash=False)
    revision: int | None
    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LastEvent:
    """The last that the audit says of an object.

    Args:
        sequence: of the record.
        at: RFC 3339 in UTC.
        revision: None when the record belongs to none.
        what: as `update done`.
    """

    sequence: int
    at: str
    actor: str
    revision: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Adoption:
    """A value on a target that a person decided to keep although the declaration says otherwise.

    It holds as long as the declaration renders `declared` at `path`.

    Args:
        path: as `Change.path`.
        value: what is kept; None for a field that is to stay absent.
        declared: what was rendered there then; None for a field that was not rendered.
    """

    ref: ObjectRef
    path: str
    value: Json = field(hash=False)
    declared: Json = field(hash=False)
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Record:
    """One link of the audit chain.

    Args:
        sequence: counted from 1 without holes.
        previous: the hash of the record before; of the first, 64 zeros.
        at: RFC 3339 in UTC.
        body: the JSON text of what happened.
        hash: see `trimaran.ledger.chain`.
    """

    sequence: int
    previous: str
    at: str
    actor: str
    body: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ended when this was written; kept outside the database."""

    sequence: int
    hash: str


class Guard(Protocol):
    """Keeps resolved secrets out of what is written; `trimaran.secret.Redactor` is one."""

    def leaks(self, value: Json) -> str | None:
        """The name of a secret that `value` holds somewhere, or None."""
        ...

    def redact(self, text: str) -> str:
        """`text` with every known secret replaced."""
        ...


class Unguarded:
    """The guard of a program that resolves no secrets."""

    def leaks(self, value: Json) -> str | None:
        return None

    def redact(self, text: str) -> str:
        return text


class HeadStore(Protocol):
    """Where the head is kept; `trimaran.ledger.heads.HeadFile` is one."""

    def read(self) -> Head | None: ...

    def write(self, head: Head) -> None: ...


class Journal(Protocol):
    """What performing needs of a ledger; `trimaran.ledger.Ledger` is one."""

    def step(self, key: str) -> Step | None: ...

    def open_steps(self, target: str) -> tuple[Step, ...]: ...

    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None: ...

    def resume(self, lease: Lease, key: str, now: datetime) -> None: ...

    def settle(self, lease: Lease, outcomes: Sequence[Outcome]) -> None: ...

    def refuse(self, lease: Lease, refused: Sequence[tuple[Intent, Outcome]]) -> None: ...

    def note(self, actor: str, body: Mapping[str, Json], now: datetime) -> None: ...

    def records(self, after: int = 0) -> Iterator[Record]: ...
