"""Bringing one target to what is wanted, through the ledger. Input and output."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from trimaran.action import ABSENT, Action, Gap, Health, ObjectRef, Observation, Scope, Session, Verb
from trimaran.deliver import health
from trimaran.deliver.desk import now
from trimaran.deliver.health import Sick
from trimaran.deliver.planning import CAREFUL, Choice, Plan, Wanted, actions, plan
from trimaran.deliver.works import Work
from trimaran.errors import Exit, Problem, TrimaranError
from trimaran.ledger import (
    Ledger,
    Outcome,
    OutcomeState,
    Performer,
    is_dead,
    perform_all,
    recover,
    this_holder,
)
from trimaran.platform import Platform

_DEADLINE_S = 120.0
_DEADLINE_PER_ACTION_S = 1.0
_BAD = {OutcomeState.FAILED, OutcomeState.REFUSED, OutcomeState.UNKNOWN}
_STALE = "TRM0420"
_FROM_ANOTHER = "TRM0425"
_PATIENCE = 3  # plans of one run: a controller may touch an object between looking and writing


def _silent(target: str, text: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Order:
    """How a run delivers.

    Args:
        event: `apply`, `ship`, `down`, …: what the ledger calls it.
        cause: for people, such as `apply podinfo`.
        wait_s: how long what was applied may take until it works; 0 does not wait.
        told: progress: a target and a line.
        stop: asked between actions; then the rest is not begun.
        exact: whether a target that has changed meanwhile is refused instead of being planned for again.
        waited_for: platforms for which the caller itself waits.
        folder: where the declarations are, to name the commit that is checked out there.
    """

    event: str
    cause: str
    choice: Choice = CAREFUL
    wait_s: float = 120.0
    told: Callable[[str, str], None] = _silent
    stop: Callable[[], bool] = lambda: False
    exact: bool = False
    waited_for: frozenset[str] = frozenset()
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What a target needs, as it was seen.

    Args:
        wanted: what the plan was made for.
        unfinished: how many actions an earlier run left open.
        unwell: objects that are as wanted and do not work, or not yet.
    """

    plan: Plan
    wanted: Wanted
    unfinished: int = 0
    unwell: tuple[ObjectRef, ...] = ()

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.plan.pending or self.unfinished)

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to do and nothing to wait for."""
        return self.is_idle and not self.unwell


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was done on one target.

    Args:
        recovered: how actions ended that an earlier run had left open.
        sick: what was applied and is not known to work.
        seconds: how long it took.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...] = ()
    recovered: tuple[Outcome, ...] = ()
    sick: tuple[Sick, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def changed(self) -> bool:
        return bool(self.outcomes or self.recovered)

    @property
    def broken(self) -> tuple[Sick, ...]:
        """What has failed or did not become ready; that nobody answers for the others is no failure."""
        return tuple(each for each in self.sick if each.health is not Health.UNKNOWN)


def look(
    session: Session,
    wanted: Wanted,
    by: Platform,
    choice: Choice = CAREFUL,
    unfinished: int = 0,
    seen: Observation | None = None,
) -> Looked:
    """What the target needs, without changing anything. Raises TrimaranError when it cannot be seen.

    Args:
        seen: when it has been looked at already.
    """
    seen = seen or session.observe(scope_of(wanted))
    planned = plan(wanted, seen, by, choice)
    return Looked(planned, wanted, unfinished, _unwell(planned, seen, by))


def completed(seen: Observation, wanted: Wanted, session: Session) -> Observation:
    """`seen`, which shows what is ours, with what stands in those wanted places where nothing of ours is."""
    found = {item.ref for item in seen.objects}
    missing = tuple(item.ref for item in wanted.objects if item.ref not in found)
    if not missing:
        return seen
    more = session.observe(Scope(wanted.target, refs=missing))
    return Observation(seen.objects + more.objects, seen.gaps + more.gaps, seen.taken_at)


def scope_of(wanted: Wanted) -> Scope:
    """What has to be seen of a target: what is ours there, and whatever stands in a wanted place."""
    places = frozenset(item.ref for item in wanted.objects) | (wanted.owned or frozenset())
    if len(wanted.services) != 1:
        return Scope(wanted.target, also=places)
    (service,) = wanted.services
    # What we make of a service is called as it is, or begins with its name and a dash.
    mine = {item.ref for item in wanted.objects}
    mine |= {ref for ref in places if ref.name == service or ref.name.startswith(f"{service}-")}
    return Scope(wanted.target, service, also=frozenset(mine))


def _unwell(planned: Plan, seen: Observation, by: Platform) -> tuple[ObjectRef, ...]:
    same = {item.ref for item in planned.items if item.verb is None}
    bad = (Health.PROGRESSING, Health.FAILED)
    return tuple(item.ref for item in seen.objects if item.ref in same and by.judge(item) in bad)


def check(looked: Looked) -> None:
    """Raise what keeps a plan from being performed: gaps (exit status 3), or a decision that is due."""
    if looked.plan.gaps:
        raise gap_error(looked.plan.target, looked.plan.gaps)
    if looked.plan.blocked:
        raise TrimaranError(*looked.plan.blocked)


def gap_error(target: str, gaps: Iterable[Gap]) -> TrimaranError:
    """What could not be seen of a target, as an error with exit status 3."""
    fix = "make it readable and run again; what cannot be seen is not touched"
    problems = [Problem("TRM0707", f"{target}: cannot see {gap.what}: {gap.reason}", fix) for gap in gaps]
    return TrimaranError(*problems, status=Exit.PARTIAL)


@dataclass(frozen=True, slots=True)
class Delivering:
    """One target of a run: its work, its session, and the ledger's word for the run."""

    work: Work
    session: Session
    ledger: Ledger
    revision: int
    order: Order

    def deliver(self, looked: Looked) -> Delivery:
        """Do what was planned, and wait until it works.

        Raises TrimaranError when an action fails, is refused, or cannot be seen to have happened, or when
        what was applied does not work.
        """
        check(looked)
        started = time.monotonic()
        recovered: tuple[Outcome, ...] = ()
        outcomes: tuple[Outcome, ...] = ()
        if not looked.is_idle:
            with self._performing() as by:
                recovered = recover(by, time.monotonic() + _DEADLINE_S)
                _raise_bad(recovered)
                looked = self._again(looked) if recovered else looked
                looked, outcomes = self._perform(looked, by)
        sick = self._settle(looked)
        return Delivery(looked.plan, outcomes, recovered, sick, time.monotonic() - started)

    def _again(self, looked: Looked) -> Looked:
        again = look(self.session, looked.wanted, self.work.platform, self.order.choice)
        check(again)
        return again

    def _perform(self, looked: Looked, by: Performer) -> tuple[Looked, tuple[Outcome, ...]]:
        outcomes: tuple[Outcome, ...] = ()
        for attempt in range(1, _PATIENCE + 1):
            run = f"revision {self.revision} attempt {attempt}"
            todo = actions(looked.plan, self.order.cause, run)
            until = time.monotonic() + _DEADLINE_S + _DEADLINE_PER_ACTION_S * len(todo)
            outcomes = perform_all(todo, by, until)
            if not _is_stale(outcomes) or self.order.exact:
                break
            looked = self._again(looked)
        _raise_bad(outcomes)
        return looked, outcomes

    def _settle(self, looked: Looked) -> tuple[Sick, ...]:
        if not self.order.wait_s or self.work.settings.platform in self.order.waited_for:
            return ()
        touched = [item.ref for item in looked.plan.pending if item.verb is not Verb.DELETE]
        return health.wait(
            self.session,
            {*touched, *looked.unwell},
            self.work.platform,
            self.order.wait_s,
            lambda text: self.order.told(self.work.target, text),
            self.order.stop,
        )

    @contextmanager
    def _performing(self) -> Iterator[Performer]:
        target = self.work.target
        lease = self.ledger.acquire(target, this_holder(), now(), is_dead)
        performer = Performer(self.session, self.ledger, lease, now)
        try:
            yield replace(performer, revision=self.revision, stop=self.order.stop, told=self._told)
        finally:
            self.ledger.release(lease)

    def _told(self, action: Action, outcome: Outcome) -> None:
        self.order.told(self.work.target, f"{action.object.kind} {action.object.name}: {outcome.state}")


def _is_stale(outcomes: Collection[Outcome]) -> bool:
    """Whether nothing was done because something has changed since it was looked at."""
    codes = {problem.code for outcome in outcomes for problem in outcome.problems}
    return _STALE in codes and codes <= {_STALE, _FROM_ANOTHER}


def _raise_bad(outcomes: Collection[Outcome]) -> None:
    problems: list[Problem] = []
    for outcome in outcomes:
        if outcome.state in _BAD:
            problems += [each for each in outcome.problems if each not in problems]
    if problems:
        # What was left alone because of another's failure says nothing new.
        told = [each for each in problems if each.code != _FROM_ANOTHER] or problems
        raise TrimaranError(*told)


def is_new(planned: Plan) -> bool:
    """Whether everything in a plan is made for the first time."""
    return all(item.seen == ABSENT for item in planned.pending)


def counts(planned: Plan) -> Mapping[Verb, int]:
    """How many objects a plan creates, updates and deletes."""
    verbs = [item.verb for item in planned.pending]
    return {verb: verbs.count(verb) for verb in (Verb.CREATE, Verb.UPDATE, Verb.DELETE)}
