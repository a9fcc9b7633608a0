"""Revisions and adoptions: the SQL."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, func, insert, select, update

from trimaran.action import Json, ObjectRef
from trimaran.errors import fail
from trimaran.ledger.encode import at_ms, from_ms, json_text, ref_json
from trimaran.ledger.model import Adoption, Revision, RevisionState
from trimaran.ledger.tables import adoptions, revisions

_PLACE = ("target", "kind", "scope", "name", "path")


def next_number(conn: Connection) -> int:
    """The number of the revision that would begin now."""
    return int(conn.execute(select(func.max(revisions.c.number))).scalar() or 0) + 1


def add(conn: Connection, revision: Revision) -> None:
    """Write an open revision."""
    values = {
        "number": revision.number,
        "event": revision.event,
        "actor": revision.actor,
        "body": json_text(dict(revision.body)),
        "begun_ms": at_ms(revision.begun_at),
        "sequence": revision.sequence,
    }
    conn.execute(insert(revisions), values)


def end(conn: Connection, number: int, state: RevisionState, now: datetime) -> None:
    """Write how a revision ended. Raises TRM0428 unless it is open."""
    found = and_(revisions.c.number == number, revisions.c.state.is_(None))
    done = conn.execute(update(revisions).where(found).values(state=state.value, ended_ms=at_ms(now)))
    if done.rowcount != 1:
        raise fail("TRM0428", f"revision {number} is not open", "this is a bug in Trimaran")


def newest(conn: Connection, last: int | None) -> tuple[Revision, ...]:
    """The newest `last` revisions (None: all), newest first."""
    wanted = select(revisions).order_by(revisions.c.number.desc()).limit(last)
    return tuple(_revision(row) for row in conn.execute(wanted))


def find(conn: Connection, number: int) -> Revision | None:
    """The revision with this number."""
    row = conn.execute(select(revisions).where(revisions.c.number == number)).first()
    return None if row is None else _revision(row)


def _revision(row: Row[Any]) -> Revision:
    state = RevisionState.OPEN if row.state is None else RevisionState(row.state)
    ended = None if row.ended_ms is None else from_ms(row.ended_ms)
    body: Mapping[str, Json] = json.loads(row.body)
    begun = from_ms(row.begun_ms)
    return Revision(row.number, row.event, row.actor, body, begun, row.sequence, state, ended)


def adopt(conn: Connection, found: Sequence[Adoption]) -> None:
    """Write adoptions; a newer one takes the place of an older one."""
    forget(conn, found)
    rows = [
        ref_json(each.ref)
        | {
            "path": each.path,
            "value": json_text(each.value),
            "declared": json_text(each.declared),
            "at_ms": at_ms(each.at),
            "actor": each.actor,
        }
        for each in found
    ]
    conn.execute(insert(adoptions), rows)


def forget(conn: Connection, found: Iterable[Adoption]) -> None:
    """Remove the adoptions in these places."""
    here = and_(*(adoptions.c[column] == bindparam(f"this_{column}") for column in _PLACE))
    places = [ref_json(each.ref) | {"path": each.path} for each in found]
    conn.execute(
        delete(adoptions).where(here), [{f"this_{name}": place[name] for name in _PLACE} for place in places]
    )


def adopted(conn: Connection, target: str) -> tuple[Adoption, ...]:
    """What is adopted on a target, in the order of its names."""
    order = [adoptions.c[column] for column in _PLACE]
    wanted = select(adoptions).where(adoptions.c.target == target).order_by(*order)
    return tuple(
        Adoption(
            ObjectRef(row.target, row.kind, row.name, row.scope),
            row.path,
            json.loads(row.value),
            json.loads(row.declared),
            from_ms(row.at_ms),
            row.actor,
        )
        for row in conn.execute(wanted)
    )
