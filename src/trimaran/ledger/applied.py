"""What our actions left on a target, and what the audit says of an object last: the SQL."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Select,
    and_,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
)

from trimaran.action import Json, ObjectRef, Verb
from trimaran.ledger.encode import from_ms, ref_json
from trimaran.ledger.model import Applied, LastEvent, OutcomeState, Record
from trimaran.ledger.tables import step_revisions, steps

# What was undone was done before; the undo is a step of its own, after it.
_COUNTS = (OutcomeState.DONE.value, OutcomeState.UNCHANGED.value, OutcomeState.UNDONE.value)
_PARSED = type_coerce(steps.c.action, JSON)  # SQLite keeps JSON as text; a cast would make a number of it


def applied(conn: Connection, target: str, at: int | None, whole: bool) -> dict[ObjectRef, Applied]:
    """By object, what our last successful action left on `target`; what it deleted is not there.

    Args:
        at: at the end of that revision; None for now. A step without a revision counts to the one before it.
        whole: whether the ledger has the tables of revisions.
    """
    found = {}
    for row in conn.execution_options(yield_per=500).execute(_latest(target, at, whole)):
        action = json.loads(row.action)
        if action["verb"] != Verb.DELETE:
            ref = ObjectRef(**action["object"])
            found[ref] = Applied(action["payload"], row.revision, row.key, from_ms(row.ended_ms))
    return found


def _latest(target: str, at: int | None, whole: bool) -> Select[Any]:
    counts: list[ColumnElement[bool]] = [
        steps.c.target == target,
        steps.c.state.in_(_COUNTS),
        _PARSED["verb"].as_string() != literal(Verb.RESTART.value),
    ]
    numbers = select(func.max(steps.c.number).label("number"))
    if at is not None and whole:
        numbers = numbers.select_from(steps.outerjoin(step_revisions, step_revisions.c.key == steps.c.key))
        counts.append(_until(at))
    # Equal names have equal texts: keys are sorted when an action is written.
    parts = [_PARSED["object"][part].as_string() for part in ("kind", "scope", "name")]
    last = numbers.where(*counts).group_by(*parts).subquery()
    revision = step_revisions.c.revision if whole else null().label("revision")
    wanted = select(steps.c.key, steps.c.action, steps.c.ended_ms, revision)
    source = steps.join(last, last.c.number == steps.c.number)
    if whole:
        source = source.outerjoin(step_revisions, step_revisions.c.key == steps.c.key)
    return wanted.select_from(source).order_by(steps.c.number)


def _until(at: int) -> ColumnElement[bool]:
    later = select(func.min(steps.c.number)).select_from(
        steps.join(step_revisions, step_revisions.c.key == steps.c.key)
    )
    first_later = later.where(step_revisions.c.revision > at).scalar_subquery()
    without = and_(step_revisions.c.revision.is_(None), func.coalesce(steps.c.number < first_later, True))
    return or_(step_revisions.c.revision <= at, without)


def objects(conn: Connection) -> tuple[ObjectRef, ...]:
    """Every object that an action was ever meant for, on every target, in order."""
    names = [_PARSED["object"][part].as_string() for part in ("target", "kind", "name", "scope")]
    return tuple(sorted(ObjectRef(*row) for row in conn.execute(select(*names).distinct())))


def keys_about(conn: Connection, ref: ObjectRef, last: int) -> tuple[str, ...]:
    """The keys of the `last` newest actions on an object, newest first."""
    here = [_PARSED["object"][part].as_string() == value for part, value in ref_json(ref).items()]
    wanted = select(steps.c.key).where(steps.c.target == ref.target, *here)
    return tuple(conn.execute(wanted.order_by(steps.c.number.desc()).limit(last)).scalars())


def last_events(backwards: Iterator[Record], refs: Iterable[ObjectRef]) -> dict[ObjectRef, LastEvent]:
    """The newest record that names each object; reads no further back than it has to.

    Args:
        backwards: the audit, newest first.
    """
    waiting, found = set(refs), {}
    if not waiting:
        return {}
    for record in backwards:
        body = _body(record)
        ref = _ref(body)
        if ref not in waiting:
            continue
        what = f"{body.get('verb', '')} {body.get('state', body.get('event'))}".strip()
        found[ref] = LastEvent(record.sequence, record.at, record.actor, body.get("revision"), what)
        waiting.discard(ref)
        if not waiting:
            break
    return found


def _body(record: Record) -> dict[str, Json]:
    # A quotation mark inside a text is escaped, so this finds the key and nothing else.
    if '"object":{' not in record.body:
        return {}
    try:
        body = json.loads(record.body)
    except (ValueError, RecursionError):
        return {}  # somebody has tampered with it: `audit verify` says so
    return body if isinstance(body, dict) else {}


def _ref(body: dict[str, Json]) -> ObjectRef | None:
    named = body.get("object")
    try:
        return ObjectRef(**named) if isinstance(named, dict) else None
    except TypeError:
        return None
