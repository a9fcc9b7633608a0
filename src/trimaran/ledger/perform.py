"""The one way in which anything outside is changed: intent, apply, outcome.

Whatever interrupts it, the ledger then says what was meant and what stood there before; the next run
looks at the target and continues. The order of the writes is the whole point of this file.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from trimaran.action import Action, Landed, Scope
from trimaran.errors import Problem, TrimaranError, fail
from trimaran.ledger.decide import Judgement, interrupted, judge, not_begun, superseded, undo_of
from trimaran.ledger.model import SUCCESSES, Intent, Outcome, OutcomeState, Step
from trimaran.ledger.performer import Performer, batches, told

_AFTER_ERROR = {
    Landed.YES: OutcomeState.DONE,
    Landed.NO: OutcomeState.FAILED,
    Landed.UNKNOWN: OutcomeState.UNKNOWN,
}
_AFTER_OLDER = {**_AFTER_ERROR, Landed.NO: OutcomeState.REFUSED}


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

    Intents and outcomes of up to 250 fresh actions on distinct objects are written together: one
    transaction before the first is applied, one after the last, and one between when that takes long.
    What the plan of a batch was made for is compared before the batch begins, not before the first one.
    """
    outcomes: list[Outcome] = []
    for batch in batches(actions, by):
        outcomes += _batch(batch, outcomes, by, deadline)
    return tuple(outcomes)


def _batch(
    batch: Sequence[tuple[Action, Step | None]], earlier: Sequence[Outcome], by: Performer, deadline: float
) -> list[Outcome]:
    fresh, step = [action for action, _ in batch], batch[0][1]
    failed = next((each for each in earlier if each.state not in SUCCESSES), None)
    if failed is not None:
        return told(fresh, [_after(failed, action, by) for action in fresh], by)
    if step is not None and step.outcome is None and by.stop():
        return told(fresh, [interrupted(fresh[0].key, by.clock())], by)  # the next run ends it
    if step is not None:
        return [_continue(step, by, deadline)]
    return _fresh(fresh, by, deadline)


def _after(failed: Outcome, action: Action, by: Performer) -> Outcome:
    if any(problem.code == "TRM0427" for problem in failed.problems):
        return interrupted(action.key, by.clock())
    return not_begun(action.key, failed, by.clock())


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


def _fresh(
    actions: Sequence[Action], by: Performer, deadline: float, undoes: str | None = None
) -> list[Outcome]:
    unclear = _end_older(actions, by)
    if unclear is not None:
        return told(actions, [not_begun(action.key, unclear, by.clock()) for action in actions], by)
    judged = _look(actions, by)
    now = by.clock()
    intents = [
        Intent(action, each.before, now, undoes, by.revision)
        for action, each in zip(actions, judged, strict=True)
    ]
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
    left = [ended.get(action.key) or not_begun(action.key, first, now) for action in actions]
    return told(actions, left, by)


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
    bad: Outcome | None = None
    written, since = 0, by.clock()
    try:
        for action in actions:
            if bad is None and by.stop():
                bad = interrupted(action.key, by.clock())
            done = _apply(action, by, deadline) if bad is None else _after(bad, action, by)
            bad = bad or (None if done.state in SUCCESSES else done)
            outcomes.append(done)
            by.told(action, done)
            if by.clock() - since > by.lease.ttl / 4:
                # A write renews the lease.
                fresh, written, since = outcomes[written:], len(outcomes), by.clock()
                _settle(fresh, by)
    finally:
        # Also on the way out of an unexpected error: what is known is written, the rest stays open.
        _settle(outcomes[written:], by)
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
        return told([action], [replace(step.outcome, repeated=True)], by)[0]
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
    return told([action], [outcome], by)[0]
