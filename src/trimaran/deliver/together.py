"""All targets of a fleet at once: look at each, then deliver to each, and let none hold up another."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from trimaran.action import Json, ObjectRef, Observation, Scope, digest
from trimaran.deliver import delivery
from trimaran.deliver.delivery import Delivering, Delivery, Looked, Order
from trimaran.deliver.desk import Desk, now
from trimaran.deliver.origin import origin
from trimaran.deliver.planning import Choice, Wanted
from trimaran.deliver.saved import SavedPlan
from trimaran.deliver.works import Work
from trimaran.errors import TrimaranError, fail
from trimaran.ledger import Adoption, Ledger, RevisionState, open_existing, open_ledger, this_actor
from trimaran.spec.fleet import Target

T = TypeVar("T")
_AT_ONCE = 8
_MOST = 20  # problems that are told of all targets at once


@dataclass(frozen=True, slots=True)
class Failed:
    """A target that could not be looked at or delivered to; the others went on."""

    target: str
    error: TrimaranError


def each_target(
    works: Sequence[Work], do: Callable[[Work], T], stopped: threading.Event | None = None
) -> dict[str, T | Failed]:
    """`do` for every target, at most eight at a time; in the targets' order.

    A TrimaranError of one is kept as its result. Ctrl-C sets `stopped`, waits for what has begun, and goes on
    as KeyboardInterrupt.
    """

    def guarded(work: Work) -> T | Failed:
        try:
            return do(work)
        except TrimaranError as error:
            return Failed(work.target, error)

    if len(works) == 1 and stopped is None:
        return {works[0].target: guarded(works[0])}
    with ThreadPoolExecutor(min(_AT_ONCE, len(works) or 1), "target") as pool:
        futures = {work.target: pool.submit(guarded, work) for work in works}
        try:
            _wait(list(futures.values()))
        except KeyboardInterrupt:
            if stopped is not None:
                stopped.set()
            for future in futures.values():
                future.cancel()
            raise
        return {target: future.result() for target, future in futures.items()}


def _wait(futures: list[Future[T | Failed]]) -> None:
    left = set(futures)
    while left:
        # In slices: a signal is only seen between two of them.
        _, left = wait(left, timeout=0.2, return_when=FIRST_COMPLETED)


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of a target before it is looked at."""

    owned: frozenset[ObjectRef] = frozenset()
    adoptions: tuple[Adoption, ...] = ()
    unfinished: int = 0


def known(works: Sequence[Work], desk: Desk) -> dict[str, Known]:
    """What the ledger knows of each target; nothing when there is no ledger yet."""
    if not desk.ledger.exists():
        return {work.target: Known() for work in works}
    with open_existing(desk.ledger) as ledger:
        return {work.target: _known(ledger, work.target) for work in works}


def _known(ledger: Ledger, target: str) -> Known:
    owned = frozenset(each.ref for each in ledger.inventory(target))
    return Known(owned, tuple(ledger.adoptions(target)), len(ledger.open_steps(target)))


def wanted_of(work: Work, knows: Known, services: frozenset[str] = frozenset()) -> Wanted:
    """What a target is to hold: what is rendered, with the live values that a person decided to keep.

    Args:
        services: when given, the services that are meant although nothing of them is wanted.
    """
    objects = work.objects
    if knows.adoptions:
        from trimaran.deliver.adoption import with_adoptions

        objects = tuple(with_adoptions(objects, knows.adoptions))
    # A host's folder is ours alone; on the other platforms others live beside us.
    owned = None if work.settings.platform == "host" else knows.owned
    return Wanted(work.target, objects, services or work.services, owned)


@dataclass(slots=True)
class Early:
    """Looks at targets that began before it was known what they are to hold.

    Args:
        looks: target → its thread; what it saw, or the error that it met, is in `seen` when it has ended.
    """

    knows: Mapping[str, Known]
    looks: dict[str, threading.Thread]
    seen: dict[str, Observation | TrimaranError]

    def observation(self, target: str) -> Observation:
        """What was seen of a target. Raises the TrimaranError that looking met."""
        self.looks[target].join()
        found = self.seen[target]
        if isinstance(found, TrimaranError):
            raise found
        return found


def begin_looking(targets: Mapping[str, Target], desk: Desk) -> Early:
    """Look at everything that is ours on the targets, beside what this process does meanwhile."""
    works = [Work(name, settings, ()) for name, settings in targets.items()]
    early = Early(known(works, desk), {}, {})

    def look(work: Work) -> None:
        try:
            session = desk.session(work.target, work.settings)
            early.seen[work.target] = session.observe(Scope(work.target, also=early.knows[work.target].owned))
        except TrimaranError as error:
            early.seen[work.target] = error
        except Exception as error:  # noqa: BLE001 - a bug in a thread is told like any other
            early.seen[work.target] = fail("TRM0003", f"{type(error).__name__}: {error}", "please report it")

    for work in works:
        # When the declarations turn out to be wrong, nobody waits for these.
        early.looks[work.target] = threading.Thread(target=look, args=(work,), daemon=True)
        early.looks[work.target].start()
    return early


def look_all(
    works: Sequence[Work],
    desk: Desk,
    choice: Choice,
    services: frozenset[str] = frozenset(),
    early: Early | None = None,
) -> dict[str, Looked | Failed]:
    """What every target needs, without changing anything.

    Args:
        services: for taking services away: their names, when nothing is wanted of them.
        early: looks that have begun already.
    """
    knows = early.knows if early is not None else known(works, desk)

    def look(work: Work) -> Looked:
        session = desk.session(work.target, work.settings)
        mine = knows[work.target]
        wanted = wanted_of(work, mine, services)
        seen = None if early is None else delivery.completed(early.observation(work.target), wanted, session)
        return delivery.look(session, wanted, work.platform, choice, mine.unfinished, seen)

    return each_target(works, look)


def deliver_all(
    works: Sequence[Work],
    looked: Mapping[str, Looked | Failed],
    desk: Desk,
    order: Order,
    more: Mapping[str, Json] | None = None,
) -> dict[str, Delivery | Failed]:
    """Deliver what was looked at to every target; a target that fails does not hold up the others.

    Nothing is written, not even to the ledger, when no target needs anything. Raises TrimaranError before
    anything is done when a plan needs a decision of the user.

    Args:
        more: what else the audit says of the run.
    """
    check_all(looked)
    found: dict[str, Delivery | Failed] = {}
    for target, each in looked.items():
        if isinstance(each, Failed):
            found[target] = each
        elif each.is_idle and not (each.unwell and order.wait_s):
            found[target] = Delivery(each.plan)
    todo = [work for work in works if work.target not in found]
    if not todo:
        return {work.target: found[work.target] for work in works}
    stopped = threading.Event()
    order = replace(order, stop=stopped.is_set)
    with revision(desk, order, {**_body(works, order), **(more or {})}) as (ledger, number, ended):

        def deliver(work: Work) -> Delivery:
            mine = looked[work.target]
            assert isinstance(mine, Looked)  # noqa: S101 - the others are not in `todo`
            session = desk.session(work.target, work.settings)
            return Delivering(work, session, ledger, number, order).deliver(mine)

        found |= each_target(todo, deliver, stopped)
        ended.extend(found.values())
    return {work.target: found[work.target] for work in works}


def check_all(looked: Mapping[str, Looked | Failed]) -> None:
    """Raise everything that needs a decision of the user, over all targets."""
    problems = [
        problem for each in looked.values() if isinstance(each, Looked) for problem in each.plan.blocked
    ]
    if problems:
        raise TrimaranError(*problems[:_MOST])


@contextmanager
def revision(
    desk: Desk, order: Order, body: Mapping[str, Json]
) -> Iterator[tuple[Ledger, int, list[Delivery | Failed]]]:
    """A revision in the ledger around a run; what is put into the list tells how it ended."""
    actor, ended = this_actor(), list[Delivery | Failed]()
    with open_ledger(desk.ledger, desk.redactor) as ledger:
        number = ledger.begin_revision(actor, order.event, body, now())
        state = RevisionState.FAILED
        try:
            yield ledger, number, ended
            good = [isinstance(each, Delivery) and not each.broken for each in ended]
            if any(good):
                state = RevisionState.DONE if all(good) else RevisionState.PARTIAL
        finally:
            ledger.end_revision(actor, number, state, now())


def _body(works: Sequence[Work], order: Order) -> dict[str, Json]:
    """What the audit says of a run: from which commit and declarations, to which targets."""
    renderings = {each.service.name: each for work in works for each in work.renderings}
    declared = {
        name: digest(each.service.model_dump(mode="json", by_alias=True)) for name, each in renderings.items()
    }
    came = origin(order.folder) if order.folder is not None else None
    return {
        "cause": order.cause,
        "commit": came.commit if came else "",
        "dirty": came.dirty if came else False,
        "targets": [work.target for work in works],
        "services": sorted(declared),
        "declarations": declared,
        "renderings": {work.target: digest([dict(item.document) for item in work.objects]) for work in works},
        "decision": "allowed: no policy is configured",
        "waiver": None,
        "options": [name for name in ("take", "recreate", "prune") if getattr(order.choice, name)],
    }


def see_places(works: Sequence[Work], saved: SavedPlan, desk: Desk) -> dict[str, Observation | Failed]:
    """What stands now in every place that a saved plan is about to change."""

    def see(work: Work) -> Observation:
        refs = tuple(dict.fromkeys(item.ref for item in saved.targets[work.target].plan.pending))
        seen = desk.session(work.target, work.settings).observe(Scope(work.target, refs=refs))
        if seen.gaps:
            raise delivery.gap_error(work.target, seen.gaps)
        return seen

    return each_target(works, see)
