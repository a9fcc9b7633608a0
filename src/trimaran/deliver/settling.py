"""Looking for drift on every target and settling it: keep, put back, go back. Input and output."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from trimaran.action import Json, Object, ObjectRef, Observation, Scope
from trimaran.deliver import adoption, delivery, together
from trimaran.deliver.delivery import Delivering, Delivery, Looked, Order
from trimaran.deliver.desk import Desk, now
from trimaran.deliver.drifting import Baseline, Drift, DriftKind, classify
from trimaran.deliver.made import Program
from trimaran.deliver.planning import Choice, Plan, Wanted
from trimaran.deliver.rollback import back_to, objects_of
from trimaran.deliver.together import Failed, Known, each_target
from trimaran.deliver.works import Work
from trimaran.errors import Problem, TrimaranError
from trimaran.ledger import (
    SUCCESSES,
    Adoption,
    Applied,
    LastEvent,
    Lease,
    Ledger,
    Outcome,
    Performer,
    is_dead,
    open_existing,
    recover,
    this_actor,
    this_holder,
)

_RECOVER_S = 120.0


@dataclass(frozen=True, slots=True)
class Drifted:
    """One target, what was expected of it and what was seen.

    Args:
        drifts: also what is unknown and what is left to others.
    """

    work: Work
    knows: Known
    baseline: Baseline
    seen: Observation
    drifts: tuple[Drift, ...]

    def of(self, ref: ObjectRef) -> tuple[Drift, ...]:
        """How one object has drifted."""
        return tuple(each for each in self.drifts if each.ref == ref)

    def applied(self, refs: Collection[ObjectRef]) -> tuple[Object, ...]:
        """What was applied of some objects, without what was adopted since, in the order of applying."""
        mine = {ref: each for ref, each in self.baseline.applied.items() if ref in refs}
        return adoption.without_adoptions(objects_of(mine, self.work.platform), self.baseline.adoptions)


def applied(works: Sequence[Work], desk: Desk, at: int | None = None) -> dict[str, dict[ObjectRef, Applied]]:
    """By target, what our last actions left there at the end of revision `at`; nothing without a ledger."""
    if not desk.ledger.exists():
        return {work.target: {} for work in works}
    with open_existing(desk.ledger) as ledger:
        return {work.target: ledger.applied(work.target, at) for work in works}


def look_for_drift(works: Sequence[Work], desk: Desk, declared: bool) -> dict[str, Drifted | Failed]:
    """How every target has drifted; looks only.

    Args:
        declared: whether `works` hold what is declared; otherwise targets are compared with what was applied.
    """
    knows, done = together.known(works, desk), applied(works, desk)

    def look(work: Work) -> Drifted:
        desired = {item.ref: item for item in work.objects} if declared else None
        baseline = Baseline(desired, done[work.target], knows[work.target].adoptions)
        return _look(work, desk, knows[work.target], baseline)

    return each_target(works, look)


def _look(work: Work, desk: Desk, knows: Known, baseline: Baseline) -> Drifted:
    places = frozenset(baseline.applied) | frozenset(baseline.desired or ()) | knows.owned
    seen = desk.session(work.target, work.settings).observe(Scope(work.target, also=places))
    return Drifted(work, knows, baseline, seen, classify(baseline, seen, work.platform))


def last_events(drifted: Iterable[Drifted | Failed], desk: Desk) -> dict[ObjectRef, LastEvent]:
    """The last that the audit says of each object that has drifted."""
    refs = {
        drift.ref
        for each in drifted
        if isinstance(each, Drifted)
        for drift in each.drifts
        # Of what was never ours the audit says nothing; looking for it would read all of it.
        if drift.ref in each.baseline.applied or drift.ref in each.knows.owned
    }
    if not refs or not desk.ledger.exists():
        return {}
    with open_existing(desk.ledger) as ledger:
        return ledger.last_event(refs)


# -- settling


Run = tuple[Ledger, int, Order]
"""The ledger, the revision, and how the run delivers."""


def _settle(
    todo: Mapping[str, Drifted],
    refs: Collection[ObjectRef],
    desk: Desk,
    order: Order,
    do: Callable[[Drifted, Run], Delivery],
) -> dict[str, Delivery | Failed]:
    """Do something on every target, as one revision; one that fails does not hold up the others."""
    stopped = threading.Event()
    order = replace(order, stop=stopped.is_set)
    services = {drift.service for each in todo.values() for drift in each.drifts if drift.ref in refs}
    body: dict[str, Json] = {
        "cause": order.cause,
        "targets": list(todo),
        "services": sorted(services - {""}),
        "decision": "allowed: a person asked for it",
        "waiver": None,
    }
    works = [each.work for each in todo.values()]
    with together.revision(desk, order, body) as (ledger, number, ended):
        done = each_target(works, lambda work: do(todo[work.target], (ledger, number, order)), stopped)
        ended.extend(done.values())
    return done


@contextmanager
def _recovered(work: Work, desk: Desk, ledger: Ledger) -> Iterator[tuple[Lease, tuple[Outcome, ...]]]:
    """The lease on a target on which nothing is open any more."""
    lease = ledger.acquire(work.target, this_holder(), now(), is_dead)
    try:
        session = desk.session(work.target, work.settings)
        ended = recover(Performer(session, ledger, lease, now), time.monotonic() + _RECOVER_S)
        _check(ended)
        yield lease, ended
    finally:
        ledger.release(lease)


def _check(ended: Iterable[Outcome]) -> None:
    bad = [each for each in ended if each.state not in SUCCESSES]
    problems = [problem for each in bad for problem in each.problems]
    if problems:
        raise TrimaranError(*problems)


def adopt(
    todo: Mapping[str, Drifted], refs: Collection[ObjectRef], desk: Desk, order: Order
) -> dict[str, Delivery | Failed]:
    """Keep the live values of `refs`; of what stands in our place and is not ours, take it over."""

    def do(drifted: Drifted, run: Run) -> Delivery:
        work, (ledger, number, _) = drifted.work, run
        with _recovered(work, desk, ledger) as (lease, ended):
            found = _look(work, desk, drifted.knows, drifted.baseline) if ended else drifted
            kept, taken = kept_values(found, refs)
            ledger.adopt(lease, kept, now(), number)
        if not taken:
            return Delivery(Plan(work.target, ()), (), ended)
        return _deliver(found, taken, desk, run)

    return _settle(todo, refs, desk, order, do)


def kept_values(
    drifted: Drifted, refs: Collection[ObjectRef]
) -> tuple[tuple[Adoption, ...], tuple[Object, ...]]:
    """The adoptions of live values, and the objects that are taken over with theirs."""
    by = drifted.work.platform
    seen = {item.ref: item for item in drifted.seen.objects}
    wanted = {item.ref: item for item in drifted.applied(refs)}
    kept: list[Adoption] = []
    taken: list[Object] = []
    for drift in drifted.drifts:
        if drift.ref not in refs or drift.ref not in seen or drift.ref not in wanted:
            continue
        item = wanted[drift.ref]
        if drift.kind is DriftKind.LIVE:
            changes = drift.changes
        elif drift.kind is DriftKind.FOREIGN:
            ours, changes = adoption.taken_over(item, drift.changes, by.service_of)
            taken.append(ours)
        else:
            continue
        kept += adoption.to_adopt(item, changes, drifted.baseline.adoptions, now(), this_actor())
    return tuple(kept), tuple(taken)


def revert(
    todo: Mapping[str, Drifted], refs: Collection[ObjectRef], desk: Desk, order: Order
) -> dict[str, Delivery | Failed]:
    """Put back what was applied of `refs`, and forget what was adopted of them."""

    def do(drifted: Drifted, run: Run) -> Delivery:
        target, (ledger, number, _) = drifted.work.target, run
        with _recovered(drifted.work, desk, ledger) as (lease, _):
            adopted = [each for each in ledger.adoptions(target) if each.ref in refs]
            ledger.forget(lease, adopted, now(), number)
        return _deliver(drifted, drifted.applied(refs), desk, run)

    return _settle(todo, refs, desk, order, do)


def revert_plan(drifted: Drifted, refs: Collection[ObjectRef], desk: Desk, choice: Choice) -> Looked:
    """What putting back would change."""
    return _looked(drifted, drifted.applied(refs), desk, choice)


def _looked(drifted: Drifted, objects: tuple[Object, ...], desk: Desk, choice: Choice) -> Looked:
    work = drifted.work
    wanted = Wanted(work.target, objects, frozenset(), drifted.knows.owned)
    session = desk.session(work.target, work.settings)
    looked = delivery.look(session, wanted, work.platform, choice, drifted.knows.unfinished)
    # What else is there is not what this is about.
    return replace(looked, plan=replace(looked.plan, orphans=()))


def _deliver(drifted: Drifted, objects: tuple[Object, ...], desk: Desk, run: Run) -> Delivery:
    ledger, number, order = run
    work = drifted.work
    looked = _looked(drifted, objects, desk, order.choice)
    session = desk.session(work.target, work.settings)
    return Delivering(work, session, ledger, number, order).deliver(looked)


# -- going back


def services(works: Sequence[Work], desk: Desk, number: int) -> frozenset[str]:
    """The services of which something was on a target at the end of revision `number`, or is now."""
    found: set[str] = set()
    for at in (number, None):
        for work, held in zip(works, applied(works, desk, at).values(), strict=True):
            found |= back_to(held, {}, work.platform).services
    return frozenset(found)


def look_back(
    works: Sequence[Work], desk: Desk, number: int, services: Collection[str], choice: Choice
) -> dict[str, Looked | Failed]:
    """What every target needs to be as it was at the end of revision `number`.

    Args:
        services: those that go back; all when empty.
    """
    knows, then, since = together.known(works, desk), applied(works, desk, number), applied(works, desk)

    def look(work: Work) -> Looked:
        back = back_to(then[work.target], since[work.target], work.platform, services)
        mine = knows[work.target]
        owned = None if work.settings.platform == "host" else mine.owned
        wanted = Wanted(work.target, back.objects, back.services, owned)
        session = desk.session(work.target, work.settings)
        looked = delivery.look(session, wanted, work.platform, choice, mine.unfinished)
        _check_programs(looked, desk)
        return looked

    return each_target(works, look)


def _check_programs(looked: Looked, desk: Desk) -> None:
    """Raise TRM0775 for each program that is to run again and is nowhere any more."""
    at_hand = {program.digest for found in desk.programs for program in found.values()}
    problems = []
    for item in looked.plan.pending:
        binary = str(item.wanted.document.get("binary", "")) if item.wanted else ""
        installed = desk.root(item.ref.target) / "bin" / binary.removeprefix("sha256:")
        if binary and binary not in at_hand and not installed.exists():
            what = f"the program of {item.ref} is gone: {binary}"
            problems.append(Problem("TRM0775", what, "check out its commit, build it and apply that"))
    if problems:
        raise TrimaranError(*problems)


def kept_programs(objects: Iterable[Object], cache: Path) -> dict[str, Program]:
    """The programs that `objects` run and that the cache of builds still has, by digest."""
    found = {}
    for item in objects:
        binary, name = str(item.document.get("binary", "")), str(item.document.get("program", ""))
        path = cache / "builds" / "sha256" / binary.removeprefix("sha256:") / name
        if binary.startswith("sha256:") and "/" not in binary + name and path.is_file():
            size = path.stat().st_size
            found[binary] = Program(path, binary, name, size, "built earlier", reused=True)
    return found
