"""What has to change: the wanted objects of a target against the seen ones. Pure."""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from trimaran.action import (
    ABSENT,
    Action,
    Change,
    Gap,
    Json,
    Object,
    ObjectRef,
    Observation,
    Undo,
    Verb,
    canonical,
    seen_digest,
)
from trimaran.errors import Problem
from trimaran.platform import Platform


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user allows a plan to do beyond creating and changing what is ours.

    Args:
        take: fields and objects that somebody else owns.
        recreate: objects that cannot be changed as wanted are deleted and made again.
        prune: also delete the objects of services that are not declared any more.
    """

    take: bool = False
    recreate: bool = False
    prune: bool = False


CAREFUL = Choice()


@dataclass(frozen=True, slots=True)
class Item:
    """One object of a plan.

    Args:
        verb: what to do, or None when it is as wanted.
        changes: the fields that differ.
        wanted: what is wanted; None for a deletion.
        seen: the digest of what was seen, or `absent`; empty for an item that needs nothing.
        service: the service that it belongs to.
        blocked: why it is not done although it differs; then the plan as a whole is not performed.
        kept: fields that others set and that are left to them.
    """

    ref: ObjectRef
    verb: Verb | None
    changes: tuple[Change, ...]
    wanted: Object | None
    seen: str
    service: str = ""
    blocked: Problem | None = None
    kept: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What one target needs, and what could not be seen of it.

    Args:
        orphans: ours and there, but of no service that was declared; left alone without `prune`.
        take: whether its actions take fields from others.
    """

    target: str
    items: tuple[Item, ...]
    gaps: tuple[Gap, ...] = ()
    orphans: tuple[Object, ...] = ()
    take: bool = False

    @property
    def pending(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.verb is not None)

    @property
    def blocked(self) -> tuple[Problem, ...]:
        return tuple(item.blocked for item in self.items if item.blocked is not None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one target is to hold.

    Args:
        objects: in the order in which they are applied.
        services: whose objects they are; what else of these services is seen is deleted.
        owned: what the ledger knows as ours there, or None where nobody else can have made any of it;
            nothing else is ever deleted.
    """

    target: str
    objects: tuple[Object, ...]
    services: frozenset[str]
    owned: frozenset[ObjectRef] | None = None


def plan(wanted: Wanted, seen: Observation, by: Platform, choice: Choice = CAREFUL) -> Plan:
    """Create what is missing, update what differs, then delete what is ours and no longer wanted."""
    found = {item.ref: item for item in seen.objects}
    items: list[Item] = []
    for item in wanted.objects:
        items += _needed(item, found.pop(item.ref, None), by, choice)
    gone, orphans = _unwanted(found.values(), wanted, by, choice)
    items += [deletion(other, by) for other in gone]
    if gone and not wanted.objects and not choice.prune:
        items = [replace(item, blocked=_empty(wanted)) for item in items]
    return Plan(wanted.target, tuple(items), seen.gaps, orphans, choice.take)


def _needed(item: Object, other: Object | None, by: Platform, choice: Choice) -> Iterator[Item]:
    service = by.service_of(item) or ""
    if other is None:
        yield Item(item.ref, Verb.CREATE, (), item, ABSENT, service)
        return
    changes = by.diff(item, other)
    stranger = by.service_of(other) != service
    if not changes and not stranger:
        yield Item(item.ref, None, (), item, "", service)
        return
    seen, kept = seen_digest(other.document), by.left_alone(item, other)
    if stranger:
        blocked = None if choice.take else _stranger(item, by.service_of(other))
        yield Item(item.ref, Verb.UPDATE, changes, item, seen, service, blocked, kept)
        return
    if any(change.immutable for change in changes):
        blocked = None if choice.recreate else _immutable(item, changes)
        yield Item(item.ref, Verb.DELETE, changes, None, seen, service, blocked, kept)
        yield Item(item.ref, Verb.CREATE, (), item, ABSENT, service)
        return
    blocked = None if choice.take else _conflict(item, changes)
    yield Item(item.ref, Verb.UPDATE, changes, item, seen, service, blocked, kept)


def _unwanted(
    left: Iterable[Object], wanted: Wanted, by: Platform, choice: Choice
) -> tuple[list[Object], tuple[Object, ...]]:
    """What is deleted, the last wave first, and what is only told of."""
    gone, orphans = [], []
    for other in left:
        service = by.service_of(other)
        if service is None:
            continue
        known = choice.take or wanted.owned is None or other.ref in wanted.owned
        here = choice.prune or service in wanted.services
        if known and here:
            gone.append(other)
        else:
            orphans.append(other)
    gone.sort(key=lambda other: by.wave(other.ref), reverse=True)
    return gone, tuple(orphans)


def _stranger(item: Object, service: str | None) -> Problem:
    whose = f"belongs to the service {service}" if service else "was not made by Trimaran"
    return Problem("TRM0711", f"{item.ref} is there and {whose}", "rename yours, or take it over with --take")


def _conflict(item: Object, changes: Collection[Change]) -> Problem | None:
    taken = [change for change in changes if change.owner and change.before is not None]
    if not taken:
        return None
    owners = ", ".join(sorted({change.owner for change in taken}))
    detail = tuple(f"{change.path} is {change.owner}'s" for change in taken)
    fix = "`trimaran adopt` keeps their values, --take puts the declared ones back"
    return Problem("TRM0712", f"{item.ref}: {owners} has set fields of it", fix, detail=detail)


def _immutable(item: Object, changes: Collection[Change]) -> Problem:
    fields = tuple(f"{change.path} cannot change" for change in changes if change.immutable)
    fix = "--recreate deletes it and makes it again; what it holds is lost"
    return Problem("TRM0713", f"{item.ref} cannot become what is declared", fix, detail=fields)


def _empty(wanted: Wanted) -> Problem:
    what = f"nothing is rendered for {wanted.target}, so everything there would be deleted"
    return Problem("TRM0714", what, "`trimaran down` takes a service away; --prune does it here")


def deletion(seen: Object, by: Platform) -> Item:
    """The item that takes an object away."""
    return Item(seen.ref, Verb.DELETE, (), None, seen_digest(seen.document), by.service_of(seen) or "")


def actions(planned: Plan, cause: str, run: str) -> tuple[Action, ...]:
    """The pending items as actions.

    Args:
        cause: for people, such as `ship podinfo`.
        run: what tells this plan from an equal one at another time, such as the ledger's head; two
            plans made of the same state are one.
    """
    return tuple(_action(item, planned, cause, run) for item in planned.pending)


def _action(item: Item, planned: Plan, cause: str, run: str) -> Action:
    assert item.verb is not None  # noqa: S101 - pending items have one
    payload: dict[str, Json] = dict(item.wanted.document) if item.wanted else {}
    target = planned.target
    named = [target, item.verb, str(item.ref), item.seen, cause, run, payload, planned.take]
    key = f"{item.verb}-{hashlib.sha256(canonical(named)).hexdigest()[:32]}"
    undo, take = Undo.RESTORE, planned.take
    return Action(target, item.verb, item.ref, payload, item.seen, undo, cause, key, take)
