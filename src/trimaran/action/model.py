"""Actions, the objects they change, and what looking at a target returns. Pure values."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Json = Any
"""A JSON value: null, bool, int, float, str, list or dict with str keys."""


def canonical(value: Json) -> bytes:
    """The one byte form of a JSON value: sorted keys, no spaces, UTF-8.

    Equal values give equal bytes, so that digests and chains can be compared.
    Raises ValueError for NaN and infinities, TypeError for what JSON cannot hold.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def digest(value: Json) -> str:
    """`sha256:` and 64 hexadecimal digits over the canonical form of a JSON value."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def seen_digest(document: Mapping[str, Json]) -> str:
    """The digest of an observed document without its `status`: what lives there changes by itself."""
    return digest({key: value for key, value in document.items() if key != "status"})


class Verb(StrEnum):
    """What an action does to its object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RESTART = "restart"


class Undo(StrEnum):
    """How an action is taken back: by restoring what its intent recorded as *before*, or not at all."""

    RESTORE = "restore"
    NONE = "none"


class Health(StrEnum):
    """What a platform says of an object that it was asked to judge."""

    READY = "ready"
    PROGRESSING = "progressing"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Landed(StrEnum):
    """Whether an action's effect is in place, found out by looking at the target."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """The name of one object on one target.

    Args:
        target: the fleet's name of the target, such as `local` or `east`.
        kind: the platform's own word: `Deployment`, `VirtualMachine`, `Process`, `File`.
        name: unique among its kind in its scope; for a file its absolute path.
        scope: namespace, folder or nothing.
    """

    target: str
    kind: str
    name: str
    scope: str = ""

    def __str__(self) -> str:
        return f"{self.target} {self.kind}/{self.scope + '/' if self.scope else ''}{self.name}"


@dataclass(frozen=True, slots=True)
class Object:
    """An object as it is wanted or was seen: its name and its document in the platform's own form.

    Args:
        live: what a platform keeps beside the document and changes by itself: a resource version, who owns
            which field. No part of the object's state, of its digest, or of what an undo restores.
    """

    ref: ObjectRef
    document: Mapping[str, Json] = field(hash=False)
    live: Mapping[str, Json] = field(default_factory=dict, hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs between what is wanted and what was seen.

    Args:
        path: as a user would write it: `spec.template.spec.containers[0].image`.
        before: the seen value; None when it is absent.
        after: the wanted value; None when it is to go.
        owner: who set the seen value, when the platform knows and it was not us; else empty.
        immutable: whether the platform refuses this change, so that only a new object can have it.
    """

    path: str
    before: Json
    after: Json
    owner: str = ""
    immutable: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """One change to one object of one target, as data that can be stored, shown and done again.

    Args:
        target: whose lease is needed.
        verb: what is done.
        object: to what.
        payload: everything the session needs; secrets only as references.
        precondition: the `seen_digest` that the object had when this was planned, `absent` when
            there was none, or None when any state will do. What differs now is stale and is refused.
        undo: how it is taken back.
        cause: why, for people: `ship podinfo`, `down podinfo`.
        key: idempotency key; two actions with one key are one action.
        take: whether fields that somebody else owns are taken from them; without it they are a conflict.
    """

    target: str
    verb: Verb
    object: ObjectRef
    payload: Mapping[str, Json] = field(hash=False)
    precondition: str | None
    undo: Undo
    cause: str
    key: str
    take: bool = False


ABSENT = "absent"
"""The precondition of an action on an object that must not exist yet."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a session says after it applied an action.

    Args:
        changed: False when the target already was as wanted and nothing was written.
        facts: what is worth keeping (a process id, a resource version); never a secret.
    """

    changed: bool
    facts: Mapping[str, Json] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """What to look at: a target, and one service on it or (None) everything that is ours there.

    Args:
        refs: when given, exactly these objects, whoever owns them: before an object is changed, what
            stands in its place must be known even when it is not ours.
        also: places to look at besides what is ours, whoever owns what stands there. Where a platform has
            many kinds, these name the kinds to look at; without any, all that we know are looked at.
    """

    target: str
    service: str | None = None
    refs: tuple[ObjectRef, ...] = ()
    also: frozenset[ObjectRef] = frozenset()


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be looked at. Unreachable is not absent.

    Args:
        what: for people.
        hides: the one object that could not be seen; None when the gap may hide any object.
    """

    what: str
    reason: str
    hides: ObjectRef | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen on a target at one time."""

    objects: tuple[Object, ...]
    gaps: tuple[Gap, ...]
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Evidence for a person: named texts (status, the last log lines) taken at one time, and gaps."""

    texts: Mapping[str, str]
    gaps: tuple[Gap, ...]
    taken_at: datetime
