from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.fakes import FakeClock, FakeDirectorySession

from trimaran.action import ABSENT, Action, ObjectRef, Undo, Verb
from trimaran.errors import TrimaranError
from trimaran.ledger import (
    Ledger,
    OutcomeState,
    Performer,
    is_dead,
    open_ledger,
    perform,
    this_holder,
    verify,
)

WEB = ObjectRef("local", "Process", "web")
FAR = 1e12


def create(key: str = "k1", name: str = "web", **payload: object) -> Action:
    ref = replace(WEB, name=name)
    return Action(
        "local", Verb.CREATE, ref, payload or {"args": ["a"]}, ABSENT, Undo.RESTORE, "ship web", key
    )


@dataclass
class Deck:
    """A fake target with its ledger and a held lease."""

    session: FakeDirectorySession
    ledger: Ledger
    clock: FakeClock
    by: Performer

    def again(self) -> Performer:
        """The next run: a new lease, after this one's has expired."""
        self.clock.now += timedelta(hours=1)
        lease = self.ledger.acquire("local", this_holder("next"), self.clock(), is_dead)
        return replace(self.by, lease=lease)

    def events(self) -> list[str]:
        import json

        return [json.loads(record.body)["event"] for record in self.ledger.records()]


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    session, clock = FakeDirectorySession(tmp_path / "target"), FakeClock()
    with open_ledger(tmp_path / "state" / "ledger.db") as ledger:
        lease = ledger.acquire("local", this_holder("test"), clock(), is_dead)
        yield Deck(session, ledger, clock, Performer(session, ledger, lease, clock))
        assert verify(ledger.records(), ledger.head.read()).intact


def test_an_action_is_done_and_its_intent_and_outcome_are_kept(deck: Deck) -> None:
    outcome = perform(create(), deck.by, FAR)
    assert (outcome.state, outcome.repeated) == (OutcomeState.DONE, False)
    step = deck.ledger.step("k1")
    assert step is not None
    assert step.intent.action == create()
    assert step.intent.before is None
    assert step.outcome == outcome
    assert deck.session.effects() == ["create k1"]
    assert deck.events() == ["intent", "outcome"]


def test_a_key_with_an_outcome_returns_it_and_does_nothing(deck: Deck) -> None:
    first = perform(create(), deck.by, FAR)
    second = perform(create(), deck.again(), FAR)
    assert second == replace(first, repeated=True)
    assert deck.session.effects() == ["create k1"]


def test_a_key_of_another_action_is_refused(deck: Deck) -> None:
    perform(create(), deck.by, FAR)
    with pytest.raises(TrimaranError, match="TRM0414"):
        perform(create(args=["b"]), deck.by, FAR)
