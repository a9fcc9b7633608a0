"""Whether an action may begin, and how one is taken back. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from trimaran.action import ABSENT, Action, Json, Observation, Undo, Verb, canonical, seen_digest
from trimaran.errors import Problem
from trimaran.ledger.encode import action_json
from trimaran.ledger.model import Intent, Outcome, OutcomeState


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether an action may begin.

    Args:
        against: None when it may; REFUSED when its plan is stale; UNKNOWN when that cannot be seen.
        before: the document that stands in the object's place; None when it is absent or unknown.
    """

    against: OutcomeState | None
    before: Mapping[str, Json] | None = field(hash=False)
    problems: tuple[Problem, ...] = ()

    def outcome(self, key: str, at: datetime) -> Outcome | None:
        """How the action ends without beginning; None when it may begin."""
        return None if self.against is None else Outcome(key, self.against, at, {}, self.problems)


def judge(action: Action, seen: Observation) -> Judgement:
    """Compare what stands in the place of the action's object with what was planned for."""
    ref = action.object
    found = next((each for each in seen.objects if each.ref == ref), None)
    gap = next((each for each in seen.gaps if each.hides in (None, ref)), None)
    if found is None and gap is not None:
        what = f"{ref} cannot be seen: {gap.what}: {gap.reason}"
        problem = Problem("TRM0421", what, "make the target reachable and run the command again")
        return Judgement(OutcomeState.UNKNOWN, None, (problem,))
    before = None if found is None else found.document
    now = ABSENT if before is None else seen_digest(before)
    if action.precondition in (None, now):
        return Judgement(None, before)
    return Judgement(OutcomeState.REFUSED, before, (_stale(action, now),))


def _stale(action: Action, now: str) -> Problem:
    if now == ABSENT:
        how = "is gone"
    elif action.precondition == ABSENT:
        how = "exists by now"
    else:
        how = "has changed"
    return Problem("TRM0420", f"{action.object} {how} since this was planned", "plan again")


def not_begun(key: str, failed: Outcome, at: datetime) -> Outcome:
    """The outcome of an action that was left alone because of another."""
    problem = Problem(
        "TRM0425", f"not begun, because {failed.key} was {failed.state}", "mend that and run again"
    )
    return Outcome(key, OutcomeState.REFUSED, at, {}, (problem,))


def interrupted(key: str, at: datetime) -> Outcome:
    """The outcome of an action that was left alone because the run was asked to stop."""
    problem = Problem("TRM0427", "not begun, because the run was interrupted", "run the command again")
    return Outcome(key, OutcomeState.REFUSED, at, {}, (problem,))


def superseded(older: Action, newer: Action) -> Problem:
    """Why an open intent is not continued: a newer action has its object."""
    what = f"not continued, because {newer.key} was planned for {older.object} since"
    return Problem("TRM0426", what, "nothing needs to be done: the newer plan started from what was there")


def same_action(one: Action, other: Action) -> bool:
    """Whether two actions are equal in all that would be stored of them."""
    return canonical(action_json(one)) == canonical(action_json(other))


def undo_of(intent: Intent, attempt: int = 1) -> Action | None:
    """The action that puts back what stood there before `intent`; None when its action has no undo.

    It has no precondition: what is undone may have changed since, and that is why it is undone.

    Args:
        attempt: 1 for the first; an undo that failed is tried again under another key.
    """
    action = intent.action
    if action.undo is Undo.NONE:
        return None
    if intent.before is None:
        verb, payload = Verb.DELETE, dict(action.payload)
    else:
        verb = Verb.CREATE if action.verb is Verb.DELETE else Verb.UPDATE
        payload = dict(intent.before)
    key = f"undo:{action.key}" if attempt == 1 else f"undo:{action.key}#{attempt}"
    return Action(
        action.target, verb, action.object, payload, None, Undo.RESTORE, f"undo {action.cause}", key
    )
