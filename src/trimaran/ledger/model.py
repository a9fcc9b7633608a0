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
    """

    action: Action
    before: Mapping[str, Json] | None = field(hash=False)
    begun_at: datetime
    undoes: str | None = None


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
