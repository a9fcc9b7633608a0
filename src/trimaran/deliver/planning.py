"""What has to change: the wanted objects of a target against the seen ones. Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from trimaran.action import (
    ABSENT,
    Action,
    Change,
    Gap,
    Object,
    ObjectRef,
    Observation,
    Undo,
    Verb,
    canonical,
    seen_digest,
)
from trimaran.platform import Platform


@dataclass(frozen=True, slots=True)
class Item:
    """One object of a plan.

    Args:
        verb: what to do, or None when it is as wanted.
        changes: the fields that differ.
        document: what is wanted; None for a deletion.
        seen: the digest of what was seen, or `absent`.
    """

    ref: ObjectRef
    verb: Verb | None
    changes: tuple[Change, ...]
    wanted: Object | None
    seen: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What one target needs, and what could not be seen of it."""

    target: str
    items: tuple[Item, ...]
    gaps: tuple[Gap, ...] = ()

    @property
    def pending(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.verb is not None)


def plan(target: str, wanted: Iterable[Object], seen: Observation, by: Platform) -> Plan:
    """Create what is missing, update what differs, then delete what is ours and no longer wanted."""
    found = {item.ref: item for item in seen.objects}
    items = []
    for item in wanted:
        other = found.pop(item.ref, None)
        if other is None:
            items.append(Item(item.ref, Verb.CREATE, (), item, ABSENT))
            continue
        changes = by.diff(item, other)
        verb = Verb.UPDATE if changes else None
        items.append(Item(item.ref, verb, changes, item, seen_digest(other.document)))
    items += [deletion(other) for other in reversed(found.values())]
    return Plan(target, tuple(items), seen.gaps)


def deletion(seen: Object) -> Item:
    """The item that takes an object away."""
    return Item(seen.ref, Verb.DELETE, (), None, seen_digest(seen.document))


def actions(planned: Plan, cause: str, run: str) -> tuple[Action, ...]:
    """The pending items as actions.

    Args:
        cause: for people, such as `ship podinfo`.
        run: what tells this plan from an equal one at another time, such as the ledger's head; two
            plans made of the same state are one.
    """
    found = []
    for item in planned.pending:
        assert item.verb is not None  # noqa: S101 - pending items have one
        payload = dict(item.wanted.document) if item.wanted else {}
        named = [planned.target, item.verb, str(item.ref), item.seen, cause, run, payload]
        key = f"{item.verb}-{hashlib.sha256(canonical(named)).hexdigest()[:32]}"
        found.append(
            Action(planned.target, item.verb, item.ref, payload, item.seen, Undo.RESTORE, cause, key)
        )
    return tuple(found)
