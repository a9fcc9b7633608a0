"""The one way in which anything outside is changed: intent, apply, outcome.

Whatever interrupts it, the ledger then says what was meant and what stood there before; the next run
looks at the target and continues. The order of the writes is the whole point of this file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from trimaran.action import Action, Landed, Scope, Session
from trimaran.errors import Problem, TrimaranError, fail
from trimaran.ledger.decide import Judgement, judge, not_begun, same_action, superseded, undo_of
from trimaran.ledger.model import SUCCESSES, Clock, Intent, Journal, Lease, Outcome, OutcomeState, Step

_AFTER_ERROR = {
    Landed.YES: OutcomeState.DONE,
    Landed.NO: OutcomeState.FAILED,
    Landed.UNKNOWN: OutcomeState.UNKNOWN,
}
_AFTER_OLDER = {**_AFTER_ERROR, Landed.NO: OutcomeState.REFUSED}


@dataclass(frozen=True, slots=True)
class Performer:
    """Everything that performing needs: an open session, and the right to change its target."""

    session: Session
    ledger: Journal
    lease: Lease
    clock: Clock


def perform(action: Action, by: Performer, deadline: float) -> Outcome:
    """Do `action` once, ever; a second call with its key returns the first one's outcome.

    Args:
        deadline: seconds on `time.monotonic()`, for the session.

    Raises TrimaranError when the ledger cannot be written, the lease is lost, the intent would hold a
    secret, or the key belongs to another action. What fails on the target is an outcome, not an error.
    """
    return perform_all((action,), by, deadline)[0]


def perform_all(actions: Sequence[Action], by: Performer, deadline: float) -> tuple[Outcome, ...]:
    """Do `actions` in order until one does not succeed; the rest are refused as not begun.

    Intents and outcomes of fresh actions on distinct objects are written together: one transaction
    before the first is applied, one after the last.
    """
    outcomes: list[Outcome] = []
    for batch in _batches(actions, by):
        failed = next((each for each in outcomes if each.state not in SUCCESSES), None)
        if failed is not None:
            outcomes.extend(not_begun(action.key, failed, by.clock()) for action, _ in batch)
        elif batch[0][1] is not None:
            outcomes.append(_continue(batch[0][1], by, deadline))
        else:
            outcomes.extend(_fresh([action for action, _ in batch], by, deadline))
    return tuple(outcomes)


def recover(by: Performer, deadline: float) -> tuple[Outcome, ...]:
    """End every intent that earlier runs left open on the lease's target, oldest first."""
    return tuple(_continue(step, by, deadline) for step in by.ledger.open_steps(by.lease.target))


def undo(key: str, by: Performer, deadline: float) -> Outcome:
    """Take back the action with this key by restoring what stood there before it.

    Raises TrimaranError when there is no such action, it has not succeeded, or it cannot be undone.
    """
    step = by.ledger.step(key)
    undoable = SUCCESSES | {OutcomeState.UNDONE}
    if step is None or step.outcome is None or step.outcome.state not in undoable:
        raise fail("TRM0423", f"{key} has not been done", "only what was done can be undone")
    for attempt in count(1):
        back = undo_of(step.intent, attempt)
        if back is None:
            raise fail("TRM0424", f"{key} cannot be undone", "its action says so: what it did is not a state")
        known = by.ledger.step(back.key)
        if known is None:
            return _fresh([back], by, deadline, undoes=key)[0]
        if known.outcome is None or known.outcome.state in undoable:
            return _continue(known, by, deadline)
    raise AssertionError  # count does not end


def _batches(actions: Sequence[Action], by: Performer) -> Iterator[list[tuple[Action, Step | None]]]:
    """Runs of fresh actions on distinct objects; each known action by itself. Looked up as it comes."""
    batch: list[tuple[Action, Step | None]] = []
    for action in actions:
        _check_target(action, by.lease)
        clash = any(action.object == other.object or action.key == other.key for other, _ in batch)
        if clash:
            yield batch
            batch = []
        step = by.ledger.step(action.key)
        if step is None:
            batch.append((action, None))
            continue
        if not same_action(step.intent.action, action):
            what = f"the key {action.key} was used for another action"
            raise fail(
                "TRM0414", what, "this is a bug in Trimaran: a key must follow from all that an action does"
            )
        if batch:
            yield batch
            batch = []
        yield [(action, step)]
    if batch:
        yield batch


def _check_target(action: Action, lease: Lease) -> None:
    if action.target != lease.target or action.object.target != lease.target:
        what = f"{action.object} was to be changed under the lease of {lease.target}"
        raise fail("TRM0415", what, "this is a bug in Trimaran")


def _fresh(
    actions: Sequence[Action], by: Performer, deadline: float, undoes: str | None = None
) -> list[Outcome]:
    unclear = _end_older(actions, by)
    if unclear is not None:
        return [not_begun(action.key, unclear, by.clock()) for action in actions]
    judged = _look(actions, by)
    now = by.clock()
    intents = [Intent(action, each.before, now, undoes) for action, each in zip(actions, judged, strict=True)]
    bad = [
        (intent, each.outcome(intent.action.key, now)) for intent, each in zip(intents, judged, strict=True)
    ]
    ended = {intent.action.key: outcome for intent, outcome in bad if outcome is not None}
    if not ended:
        by.ledger.begin(by.lease, intents)
        return _apply_all(actions, by, deadline)
    # All or nothing: a plan that is stale in one place was made for another state of the target.
    refused = [(i, o) for i, o in bad if o is not None and o.state is OutcomeState.REFUSED]
    if refused:
        by.ledger.refuse(by.lease, refused)
    first = next(iter(ended.values()))
    return [ended.get(action.key) or not_begun(action.key, first, now) for action in actions]


def _end_older(actions: Sequence[Action], by: Performer) -> Outcome | None:
    """End the open intents of earlier runs on these objects; the one that cannot be ended, or None.

    What did not land must not be done later, over what is done now: newer plans win.
    """
    wanted = {action.object for action in actions}
    for step in by.ledger.open_steps(by.lease.target):
        older = step.intent.action
        if older.object not in wanted:
            continue
        landed, problems = _landed(older, by)
        if landed is Landed.NO:
            problems = (superseded(older, next(each for each in actions if each.object == older.object)),)
        state = _AFTER_OLDER[landed]
        outcome = Outcome(older.key, state, by.clock(), {}, problems)
        _settle([outcome], by)
        if state is OutcomeState.UNKNOWN:
            return outcome
    return None


def _look(actions: Sequence[Action], by: Performer) -> list[Judgement]:
    """What stands in the place of each object now, and whether that is what was planned for."""
    refs = tuple(action.object for action in actions)
    try:
        seen = by.session.observe(Scope(by.lease.target, refs=refs))
    except TrimaranError as error:
        return [Judgement(OutcomeState.UNKNOWN, None, error.problems) for _ in actions]
    return [judge(action, seen) for action in actions]


def _apply_all(actions: Sequence[Action], by: Performer, deadline: float) -> list[Outcome]:
    outcomes: list[Outcome] = []
    try:
        for action in actions:
            bad = next((each for each in outcomes if each.state not in SUCCESSES), None)
            if bad is not None:
                outcomes.append(not_begun(action.key, bad, by.clock()))
            else:
                outcomes.append(_apply(action, by, deadline))
    finally:
        # Also on the way out of an unexpected error: what is known is written, the rest stays open.
        _settle(outcomes, by)
    return outcomes


def _settle(outcomes: Sequence[Outcome], by: Performer) -> None:
    ended = [outcome for outcome in outcomes if outcome.state is not OutcomeState.UNKNOWN]
    if ended:
        by.ledger.settle(by.lease, ended)
    for outcome in outcomes:
        if outcome.state is OutcomeState.UNKNOWN:
            why = [[problem.code, problem.what] for problem in outcome.problems]
            body = {"event": "unknown", "key": outcome.key, "problems": why}
            by.ledger.note(by.lease.holder.actor, body, outcome.at)


def _apply(action: Action, by: Performer, deadline: float) -> Outcome:
    try:
        receipt = by.session.apply(action, by.lease.fence, deadline)
    except TrimaranError as error:
        return _after_error(action, by, error.problems)
    state = OutcomeState.DONE if receipt.changed else OutcomeState.UNCHANGED
    return Outcome(action.key, state, by.clock(), receipt.facts)


def _after_error(action: Action, by: Performer, met: tuple[Problem, ...]) -> Outcome:
    """An error does not say whether the effect is in place; looking does."""
    landed, problems = _landed(action, by)
    return Outcome(action.key, _AFTER_ERROR[landed], by.clock(), {}, met + problems)


def _landed(action: Action, by: Performer) -> tuple[Landed, tuple[Problem, ...]]:
    try:
        landed = by.session.landed(action)
    except TrimaranError as error:
        return Landed.UNKNOWN, error.problems
    if landed is not Landed.UNKNOWN:
        return landed, ()
    what = f"it cannot be seen whether {action.verb} of {action.object} took effect"
    return landed, (Problem("TRM0422", what, "look at the object; the next run looks again before it acts"),)


def _continue(step: Step, by: Performer, deadline: float) -> Outcome:
    """End a step of an earlier run: by its outcome, by looking, or by doing it now."""
    action = step.intent.action
    if step.outcome is not None:
        return replace(step.outcome, repeated=True)
    landed, problems = _landed(action, by)
    if landed is Landed.NO:
        judged = _look([action], by)[0]
        outcome = judged.outcome(action.key, by.clock())
        if outcome is None:
            by.ledger.resume(by.lease, action.key, by.clock())
            return _apply_all([action], by, deadline)[0]
    else:
        state = OutcomeState.DONE if landed is Landed.YES else OutcomeState.UNKNOWN
        outcome = Outcome(action.key, state, by.clock(), {}, problems)
    _settle([outcome], by)
    return outcome
