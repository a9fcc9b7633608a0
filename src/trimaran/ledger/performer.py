"""What performing needs, and how a sequence of actions is cut into batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from trimaran.action import Action, Session
from trimaran.errors import fail
from trimaran.ledger.decide import same_action
from trimaran.ledger.model import Clock, Journal, Lease, Outcome, Step

BATCH = 250
"""Actions whose intents are written together. The lease is renewed by writes, so there must be some."""


def _never() -> bool:
    return False


def _nobody(action: Action, outcome: Outcome) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Performer:
    """Everything that performing needs: an open session, and the right to change its target.

    Args:
        revision: the run that the actions belong to; None when they belong to none.
        stop: asked before each action; from the first time that it says so, no further one is begun.
        told: called with each action as it ends, for progress.
    """

    session: Session
    ledger: Journal
    lease: Lease
    clock: Clock
    revision: int | None = None
    stop: Callable[[], bool] = _never
    told: Callable[[Action, Outcome], None] = _nobody


def told(actions: Sequence[Action], outcomes: list[Outcome], by: Performer) -> list[Outcome]:
    """Tell how actions ended; gives the outcomes on."""
    for action, outcome in zip(actions, outcomes, strict=True):
        by.told(action, outcome)
    return outcomes


def batches(actions: Sequence[Action], by: Performer) -> Iterator[list[tuple[Action, Step | None]]]:
    """Runs of fresh actions on distinct objects; each known action by itself. Looked up as it comes."""
    batch: list[tuple[Action, Step | None]] = []
    for action in actions:
        _check_target(action, by.lease)
        clash = any(action.object == other.object or action.key == other.key for other, _ in batch)
        if clash or len(batch) == BATCH:
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
