"""Intents, outcomes and the inventory: the SQL."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, insert, select, update

from trimaran.action import Action, ObjectRef, Verb
from trimaran.ledger.encode import (
    action_from,
    action_json,
    at_ms,
    from_ms,
    json_text,
    problem_from,
    problem_json,
    ref_json,
)
from trimaran.ledger.model import SUCCESSES, Intent, Outcome, OutcomeState, Owned, Step
from trimaran.ledger.tables import inventory, step_revisions, steps


def _step(row: Row[Any], revision: int | None = None) -> Step:
    before = None if row.before is None else json.loads(row.before)
    begun = from_ms(row.begun_ms)
    intent = Intent(action_from(json.loads(row.action)), before, begun, row.undoes, revision)
    if row.state is None:
        return Step(intent, row.fence, None)
    problems = tuple(problem_from(each) for each in json.loads(row.problems))
    ended = from_ms(row.ended_ms)
    outcome = Outcome(row.key, OutcomeState(row.state), ended, json.loads(row.facts), problems)
    return Step(intent, row.fence, outcome)


def find(conn: Connection, key: str, whole: bool) -> Step | None:
    """The step with this idempotency key.

    Args:
        whole: whether the ledger has every table; one that is only read may be older.
    """
    row = conn.execute(select(steps).where(steps.c.key == key)).first()
    if row is None:
        return None
    wanted = select(step_revisions.c.revision).where(step_revisions.c.key == key)
    return _step(row, conn.execute(wanted).scalar() if whole else None)


def unfinished(conn: Connection, target: str) -> tuple[Step, ...]:
    """The target's open intents, oldest first."""
    wanted = (steps.c.target == target, steps.c.state.is_(None))
    return tuple(_step(row) for row in conn.execute(select(steps).where(*wanted).order_by(steps.c.number)))


def _intent_values(intent: Intent, fence: int) -> dict[str, Any]:
    return {
        "key": intent.action.key,
        "target": intent.action.target,
        "fence": fence,
        "action": json_text(action_json(intent.action)),
        "before": None if intent.before is None else json_text(dict(intent.before)),
        "undoes": intent.undoes,
        "begun_ms": at_ms(intent.begun_at),
    }


def _outcome_values(outcome: Outcome) -> dict[str, Any]:
    return {
        "state": outcome.state.value,
        "ended_ms": at_ms(outcome.at),
        "facts": json_text(dict(outcome.facts)),
        "problems": json_text([problem_json(problem) for problem in outcome.problems]),
    }


def add(conn: Connection, intents: Iterable[Intent], fence: int) -> None:
    """Write open intents, and what they touch into the inventory."""
    found = list(intents)
    conn.execute(insert(steps), [_intent_values(intent, fence) for intent in found])
    _in_revisions(conn, found)
    touched = [intent.action for intent in found if intent.action.verb is not Verb.DELETE]
    if touched:
        _own(conn, touched)


def add_ended(conn: Connection, intent: Intent, outcome: Outcome, fence: int) -> None:
    """Write an intent that ended before it began; what it names is not ours for that."""
    conn.execute(insert(steps), _intent_values(intent, fence) | _outcome_values(outcome))
    _in_revisions(conn, [intent])


def _in_revisions(conn: Connection, intents: Iterable[Intent]) -> None:
    rows = [
        {"key": each.action.key, "revision": each.revision} for each in intents if each.revision is not None
    ]
    if rows:
        conn.execute(insert(step_revisions), rows)


def refence(conn: Connection, key: str, fence: int) -> None:
    """Put an open intent under a later lease."""
    conn.execute(update(steps).where(steps.c.key == key, steps.c.state.is_(None)).values(fence=fence))


def end_all(conn: Connection, outcomes: Iterable[Outcome]) -> dict[str, Intent]:
    """Write the outcomes of open intents; those by key. An unknown or ended key is left out."""
    found = {outcome.key: outcome for outcome in outcomes}
    wanted = select(steps, step_revisions.c.revision).select_from(
        steps.outerjoin(step_revisions, step_revisions.c.key == steps.c.key)
    )
    open_ones = wanted.where(steps.c.key.in_(found), steps.c.state.is_(None))
    intents = {row.key: _step(row, row.revision).intent for row in conn.execute(open_ones)}
    if intents:
        values = [_outcome_values(found[key]) | {"this_key": key} for key in intents]
        conn.execute(update(steps).where(steps.c.key == bindparam("this_key")), values)
    for key, intent in intents.items():
        if found[key].state in SUCCESSES:
            _ended_well(conn, intent)
    return intents


def _ended_well(conn: Connection, intent: Intent) -> None:
    if intent.action.verb is Verb.DELETE:
        conn.execute(delete(inventory).where(_named(intent.action.object)))
    if intent.undoes is not None:
        undone = OutcomeState.UNDONE.value
        conn.execute(update(steps).where(steps.c.key == intent.undoes).values(state=undone))


def _named(ref: ObjectRef) -> Any:
    return and_(*(inventory.c[column] == value for column, value in ref_json(ref).items()))


def _own(conn: Connection, actions: list[Action]) -> None:
    known = {each.ref for each in owned(conn, actions[0].target)}
    again = [ref_json(each.object) for each in actions if each.object in known]
    fresh = {each.object: each for each in actions if each.object not in known}.values()
    if again:
        places = and_(*(inventory.c[column] == bindparam(f"this_{column}") for column in again[0]))
        keys = [each.key for each in actions if each.object in known]
        rows = [
            {f"this_{column}": value for column, value in place.items()} | {"key": key}
            for place, key in zip(again, keys, strict=True)
        ]
        conn.execute(update(inventory).where(places), rows)
    if fresh:
        rows = [ref_json(each.object) | {"cause": each.cause, "key": each.key} for each in fresh]
        conn.execute(insert(inventory), rows)


def owned(conn: Connection, target: str) -> tuple[Owned, ...]:
    """What is ours on a target, in the order of its names."""
    wanted = select(inventory).where(inventory.c.target == target)
    order = (inventory.c.kind, inventory.c.scope, inventory.c.name)
    return tuple(
        Owned(ObjectRef(row.target, row.kind, row.name, row.scope), row.cause, row.key)
        for row in conn.execute(wanted.order_by(*order))
    )


def last_change(conn: Connection, target: str) -> datetime | None:
    """When the last action on a target ended; None when none has."""
    wanted = select(steps.c.ended_ms).where(steps.c.target == target, steps.c.ended_ms.is_not(None))
    found = conn.execute(wanted.order_by(steps.c.ended_ms.desc()).limit(1)).scalar()
    return None if found is None else from_ms(found)
