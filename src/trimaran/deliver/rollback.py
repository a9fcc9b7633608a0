"""Going back: what a target held at the end of an earlier run. Pure."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from trimaran.action import Object, ObjectRef
from trimaran.errors import TrimaranError, fail
from trimaran.ledger import Applied, Revision, RevisionState
from trimaran.platform import Platform


@dataclass(frozen=True, slots=True)
class Back:
    """What a target is to hold again.

    Args:
        objects: in the order in which they are applied.
        services: those that are taken back: what else of them is there goes away.
    """

    objects: tuple[Object, ...] = field(hash=False)
    services: frozenset[str]


def back_to(
    then: Mapping[ObjectRef, Applied],
    now: Mapping[ObjectRef, Applied],
    by: Platform,
    only: Collection[str] = (),
) -> Back:
    """What a target held `then`.

    Args:
        now: what it holds since: services that were not there then are taken away.
        only: the services that are taken back; all when empty.
    """
    before = objects_of(then, by, only)
    services = {_service(item, by) for item in (*before, *objects_of(now, by, only))} - {""}
    return Back(before, frozenset(services))


def objects_of(
    applied: Mapping[ObjectRef, Applied], by: Platform, only: Collection[str] = ()
) -> tuple[Object, ...]:
    """What was applied, of all services or `only` some, in the order in which it is applied."""
    found = [Object(ref, without_status(each.document)) for ref, each in applied.items()]
    mine = [item for item in found if not only or _service(item, by) in only]
    return tuple(sorted(mine, key=lambda item: (by.wave(item.ref), item.ref)))


def without_status(document: Mapping[str, object]) -> dict[str, object]:
    """What an undo restored was a seen document; what lives in it is not wanted."""
    return {key: value for key, value in document.items() if key != "status"}


def _service(item: Object, by: Platform) -> str:
    return by.service_of(item) or ""


def chosen_revision(number: int | None, revisions: Sequence[Revision]) -> Revision:
    """The revision to go back to: the one with this number, or the last that went well before the newest.

    Args:
        revisions: newest first.

    Raises TRM0770 when there is no such revision, TRM0771 when nothing went well before the newest.
    """
    if number is None:
        good = next((each for each in revisions[1:] if each.state is RevisionState.DONE), None)
        if good is None:
            what = "there is no earlier revision of these targets that went well"
            raise fail("TRM0771", what, "`trimaran history` lists the revisions; name one")
        return good
    found = next((each for each in revisions if each.number == number), None)
    if found is None:
        raise _no_revision(number, revisions)
    return found


def _no_revision(number: int, revisions: Sequence[Revision]) -> TrimaranError:
    if not revisions:
        return fail("TRM0770", f"there is no revision {number}", "nothing was applied yet")
    near = min((each.number for each in revisions), key=lambda other: abs(other - number))
    fix = f"the nearest is {near}; `trimaran history` lists them"
    return fail("TRM0770", f"there is no revision {number}", fix)


def check_services(only: Collection[str], known: Collection[str]) -> None:
    """Raise TRM0772 when a service was never applied."""
    for name in only:
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            fix = f"did you mean {near[0]}?" if near else "services: " + (", ".join(sorted(known)) or "none")
            raise fail("TRM0772", f"no service {name!r} was applied to these targets", fix)
