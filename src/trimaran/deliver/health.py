"""Waiting until what was applied works, as each platform judges it. Input and output."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from trimaran.action import Health, Object, ObjectRef, Scope, Session
from trimaran.errors import printable
from trimaran.platform import Platform

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
# Nobody may ever answer for an object: a route without a router, a secret without an operator.
_ANSWER_WITHIN_S = 3.0


@dataclass(frozen=True, slots=True)
class Sick:
    """An object that is not ready.

    Args:
        reasons: what the platform says, for people; may be empty.
    """

    ref: ObjectRef
    health: Health
    reasons: tuple[str, ...]


def wait(
    session: Session,
    refs: Collection[ObjectRef],
    by: Platform,
    wait_s: float,
    told: Callable[[str], None],
    stop: Callable[[], bool],
) -> tuple[Sick, ...]:
    """Those of `refs` that are not ready when all have settled, or after `wait_s` seconds.

    An object that has failed is not waited for, and one of which nothing is known only for 3 seconds.
    """
    started = time.monotonic()
    waiting, pause = set(refs), _FIRST_PAUSE_S
    sick: dict[ObjectRef, Sick] = {}
    while waiting:
        target = next(iter(waiting)).target
        seen = {
            item.ref: item for item in session.observe(Scope(target, refs=tuple(sorted(waiting)))).objects
        }
        spent = time.monotonic() - started
        for ref in tuple(waiting):
            found = _sick(ref, seen.get(ref), by)
            sick.pop(ref, None)
            if found is not None:
                sick[ref] = found
            if found is None or _is_final(found, spent):
                waiting.discard(ref)
        if not waiting or spent >= wait_s or stop():
            break
        told(f"waiting for {len(waiting)}: {printable(str(min(waiting)))}")
        time.sleep(min(pause, max(0.0, wait_s - spent)))
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)
    return tuple(sorted(sick.values(), key=lambda each: each.ref))


def _is_final(sick: Sick, spent: float) -> bool:
    return sick.health is Health.FAILED or (sick.health is Health.UNKNOWN and spent >= _ANSWER_WITHIN_S)


def _sick(ref: ObjectRef, item: Object | None, by: Platform) -> Sick | None:
    if item is None:
        return Sick(ref, Health.PROGRESSING, ("it is not there",))
    health = by.judge(item)
    return None if health is Health.READY else Sick(ref, health, reasons(item))


def reasons(item: Object) -> tuple[str, ...]:
    """What an object's status says about itself: messages of conditions that are not met, or its reason."""
    status = item.document.get("status")
    if not isinstance(status, Mapping):
        return ()
    found = [str(status[key]) for key in ("reason", "message") if status.get(key)]
    found += [
        f"{each.get('type')}: {each.get('message') or each.get('reason')}"
        for each in _conditions(status)
        if each.get("status") == "False" and (each.get("message") or each.get("reason"))
    ]
    found += _counted(item, status)
    return tuple(printable(text)[:300] for text in found[:5])


def _counted(item: Object, status: Mapping[str, Any]) -> list[str]:
    """How many replicas work, of those that are wanted."""
    spec = item.document.get("spec")
    wanted = spec.get("replicas") if isinstance(spec, Mapping) else None
    if not isinstance(wanted, int) or "replicas" not in status:
        return []
    fresh, ready = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    return [f"{ready} of {wanted} replicas available, {fresh} of {wanted} up to date"]


def _conditions(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = status.get("conditions")
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
