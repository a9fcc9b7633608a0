import json
from dataclasses import replace

import pytest
from tests.fakes import FakeDirectorySession
from tests.unit.ledger.deck import Deck

from trimaran.action import ABSENT, Action, Landed, ObjectRef, Receipt, Undo, Verb, digest
from trimaran.errors import TrimaranError, fail
from trimaran.ledger import (
    Intent,
    Outcome,
    OutcomeState,
    Performer,
    perform,
    perform_all,
    recover,
    undo,
    undo_of,
)
from trimaran.secret import Redactor, Secret

CANARY = "c4n4ry-hunter2-bird"
WEB = ObjectRef("local", "Process", "web")
FAR = 1e12


def create(key: str = "k1", name: str = "web", **payload: object) -> Action:
    ref = replace(WEB, name=name)
    return Action(
        "local", Verb.CREATE, ref, payload or {"args": ["a"]}, ABSENT, Undo.RESTORE, "ship web", key
    )


def update(key: str, before: dict[str, object], **payload: object) -> Action:
    return Action("local", Verb.UPDATE, WEB, payload, digest(before), Undo.RESTORE, "ship web", key)


def delete(key: str) -> Action:
    return Action("local", Verb.DELETE, WEB, {}, None, Undo.RESTORE, "down web", key)


def document(deck: Deck) -> object:
    return deck.session._document(WEB)


def events(deck: Deck) -> list[str]:
    return [json.loads(record.body)["event"] for record in deck.ledger.records()]


def begun(deck: Deck, action: Action) -> None:
    """As if a run had been killed between intent and apply."""
    deck.ledger.begin(deck.by.lease, [Intent(action, None, deck.clock())])


def test_an_action_is_done_and_its_intent_and_outcome_are_kept(deck: Deck) -> None:
    outcome = perform(create(), deck.by, FAR)
    assert (outcome.state, outcome.repeated) == (OutcomeState.DONE, False)
    step = deck.ledger.step("k1")
    assert step is not None
    assert step.intent.action == create()
    assert step.intent.before is None
    assert step.outcome == outcome
    assert deck.session.effects() == ["create k1"]
    assert events(deck) == ["intent", "outcome"]


def test_a_key_with_an_outcome_returns_it_and_does_nothing(deck: Deck) -> None:
    first = perform(create(), deck.by, FAR)
    second = perform(create(), deck.again(), FAR)
    assert second == replace(first, repeated=True)
    assert deck.session.effects() == ["create k1"]


def test_a_key_of_another_action_is_refused(deck: Deck) -> None:
    perform(create(), deck.by, FAR)
    with pytest.raises(TrimaranError, match="TRM0414"):
        perform(create(args=["b"]), deck.by, FAR)


def test_an_action_under_the_lease_of_another_target_is_refused(deck: Deck) -> None:
    with pytest.raises(TrimaranError, match="TRM0415"):
        perform(replace(create(), target="east"), deck.by, FAR)
    assert deck.session.effects() == []


def test_what_is_already_as_wanted_is_unchanged(deck: Deck) -> None:
    perform(create(), deck.by, FAR)
    again = update("k2", {"args": ["a"]}, args=["a"])
    assert perform(again, deck.by, FAR).state is OutcomeState.UNCHANGED
    assert deck.session.effects() == ["create k1"]


@pytest.mark.parametrize(
    ("planned_for", "says"),
    [(ABSENT, "exists by now"), (digest({"args": ["other"]}), "has changed")],
)
def test_a_stale_action_is_refused_and_nothing_is_applied(deck: Deck, planned_for: str, says: str) -> None:
    perform(create(), deck.by, FAR)
    stale = replace(update("k2", {}, args=["b"]), precondition=planned_for)
    outcome = perform(stale, deck.by, FAR)
    assert outcome.state is OutcomeState.REFUSED
    assert says in outcome.problems[0].what
    assert document(deck) == {"args": ["a"]}


def test_an_object_that_is_gone_makes_its_update_stale(deck: Deck) -> None:
    outcome = perform(update("k2", {"args": ["a"]}, args=["b"]), deck.by, FAR)
    assert (outcome.state, outcome.problems[0].code) == (OutcomeState.REFUSED, "TRM0420")
    assert "is gone" in outcome.problems[0].what


def test_an_action_refused_as_stale_does_not_make_somebody_elses_object_ours(deck: Deck) -> None:
    deck.session._file(WEB).write_text('{"somebody": "else"}')
    assert perform(create(), deck.by, FAR).state is OutcomeState.REFUSED
    assert deck.ledger.inventory("local") == ()


def test_what_cannot_be_seen_is_unknown_and_nothing_is_applied_or_begun(deck: Deck) -> None:
    deck.session.set("unreachable")
    outcome = perform(create(), deck.by, FAR)
    assert (outcome.state, outcome.problems[0].code) == (OutcomeState.UNKNOWN, "TRM0421")
    assert deck.ledger.step("k1") is None
    deck.session.set("unreachable", on=False)
    assert perform(create(), deck.by, FAR).state is OutcomeState.DONE


def test_an_error_before_the_effect_is_a_failure_with_its_problem(deck: Deck) -> None:
    deck.session.set("broken")
    outcome = perform(create(), deck.by, FAR)
    assert outcome.state is OutcomeState.FAILED
    assert outcome.problems[0].what == "the fake is broken"
    step = deck.ledger.step("k1")
    assert step is not None
    assert step.outcome == outcome


def test_an_error_after_the_effect_is_done_because_looking_says_so(deck: Deck) -> None:
    deck.session.set("breaks-after")
    outcome = perform(create(), deck.by, FAR)
    assert outcome.state is OutcomeState.DONE
    assert outcome.problems[0].what == "the fake broke after its effect"


def test_an_error_that_looking_cannot_settle_stays_open_until_it_can(deck: Deck) -> None:
    deck.session.set("breaks-after")
    deck.session.set("ambiguous")
    outcome = perform(create(), deck.by, FAR)
    assert outcome.state is OutcomeState.UNKNOWN
    assert [problem.code for problem in outcome.problems] == ["TRM0499", "TRM0422"]
    assert events(deck) == ["intent", "unknown"]
    assert perform(create(), deck.again(), FAR).state is OutcomeState.UNKNOWN
    deck.session.set("ambiguous", on=False)
    assert perform(create(), deck.again(), FAR).state is OutcomeState.DONE
    assert deck.session.effects() == ["create k1"]


def test_an_open_intent_that_did_not_land_is_continued_under_the_new_fence(deck: Deck) -> None:
    begun(deck, create())
    by = deck.again()
    (outcome,) = recover(by, FAR)
    assert outcome.state is OutcomeState.DONE
    assert outcome.facts == {"fence": by.lease.fence}
    step = deck.ledger.step("k1")
    assert step is not None
    assert step.fence == by.lease.fence
    assert recover(by, FAR) == ()


def test_an_open_intent_that_landed_is_not_applied_again(deck: Deck) -> None:
    begun(deck, create())
    deck.session.apply(create(), deck.by.lease.fence, FAR)
    (outcome,) = recover(deck.again(), FAR)
    assert outcome.state is OutcomeState.DONE
    assert deck.session.effects() == ["create k1"]


def test_an_open_intent_whose_object_somebody_changed_meanwhile_is_refused(deck: Deck) -> None:
    begun(deck, create())
    deck.session._file(WEB).write_text('{"somebody": "else"}')
    (outcome,) = recover(deck.again(), FAR)
    assert outcome.state is OutcomeState.REFUSED
    assert document(deck) == {"somebody": "else"}


def test_an_open_intent_that_did_not_land_is_not_done_over_a_newer_action(deck: Deck) -> None:
    begun(deck, create())
    newer = create("k2", args=["b"])
    assert perform(newer, deck.again(), FAR).state is OutcomeState.DONE
    assert recover(deck.by, FAR) == ()
    assert perform(create(), deck.by, FAR).problems[0].code == "TRM0426"
    assert document(deck) == {"args": ["b"]}
    assert deck.session.effects() == ["create k2"]


def test_an_open_intent_that_landed_is_ended_before_a_newer_action(deck: Deck) -> None:
    begun(deck, create())
    deck.session.apply(create(), deck.by.lease.fence, FAR)
    assert perform(update("k2", {"args": ["a"]}, args=["b"]), deck.again(), FAR).state is OutcomeState.DONE
    assert perform(create(), deck.by, FAR).state is OutcomeState.DONE
    assert deck.session.effects() == ["create k1", "update k2"]


def test_an_open_intent_that_cannot_be_told_holds_up_newer_actions_on_its_object(deck: Deck) -> None:
    begun(deck, create())
    deck.session.set("ambiguous")
    by = deck.again()
    held, other = perform(create("k2"), by, FAR), perform(create("k3", "other"), by, FAR)
    assert (held.state, held.problems[0].code) == (OutcomeState.REFUSED, "TRM0425")
    assert other.state is OutcomeState.DONE
    assert deck.session.effects() == ["create k3"]


def test_an_unexpected_error_keeps_what_is_known_and_leaves_the_rest_open(deck: Deck) -> None:
    class Buggy(FakeDirectorySession):  # the fake with one fault more
        def apply(self, action: Action, fence: int, deadline: float) -> Receipt:
            if action.key == "k2":
                raise ZeroDivisionError
            return super().apply(action, fence, deadline)

    by = replace(deck.by, session=Buggy(deck.session.root))
    with pytest.raises(ZeroDivisionError):
        perform_all([create("k1", "a"), create("k2", "b"), create("k3", "c")], by, FAR)
    assert [step.intent.action.key for step in deck.ledger.open_steps("local")] == ["k2", "k3"]
    assert [outcome.state for outcome in recover(deck.again(), FAR)] == [OutcomeState.DONE] * 2
    assert deck.session.effects() == ["create k1", "create k2", "create k3"]


def test_many_actions_cost_two_transactions(deck: Deck) -> None:
    heads = []

    class Counting:
        read = staticmethod(deck.ledger.head.read)

        def write(self, head: object) -> None:
            heads.append(head)
            deck.ledger.head.write(head)  # type: ignore[arg-type]  # passed through

    ledger = replace(deck.ledger, head=Counting())
    actions = [create(f"k{number}", f"p{number}") for number in range(50)]
    outcomes = perform_all(actions, replace(deck.by, ledger=ledger), FAR)
    assert [outcome.key for outcome in outcomes] == [action.key for action in actions]
    assert len(deck.session.effects()) == 50
    assert len(heads) == 2


def test_two_actions_on_one_object_are_done_in_their_order(deck: Deck) -> None:
    actions = [create(), update("k2", {"args": ["a"]}, args=["b"]), delete("k3")]
    assert {outcome.state for outcome in perform_all(actions, deck.by, FAR)} == {OutcomeState.DONE}
    assert deck.session.effects() == ["create k1", "update k2", "delete k3"]
    before = [step.intent.before for key in ("k1", "k2", "k3") if (step := deck.ledger.step(key))]
    assert before == [None, {"args": ["a"]}, {"args": ["b"]}]


def test_after_a_failure_the_rest_is_not_begun(deck: Deck) -> None:
    first = perform(create("k1", "a"), deck.by, FAR)
    deck.session.set("broken")
    outcomes = perform_all([create("k1", "a"), create("k2", "b"), create("k3", "c")], deck.by, FAR)
    assert [outcome.state for outcome in outcomes] == [first.state, OutcomeState.FAILED, OutcomeState.REFUSED]
    assert outcomes[2].problems[0].code == "TRM0425"
    assert deck.ledger.open_steps("local") == ()


def test_a_plan_that_is_stale_in_one_place_is_not_begun_anywhere(deck: Deck) -> None:
    deck.session._file(replace(WEB, name="b")).write_text("{}")
    outcomes = perform_all([create("k1", "a"), create("k2", "b")], deck.by, FAR)
    assert [outcome.problems[0].code for outcome in outcomes] == ["TRM0425", "TRM0420"]
    assert deck.session.effects() == []


def test_the_inventory_holds_what_was_begun_until_its_deletion_is_confirmed(deck: Deck) -> None:
    deck.session.set("broken")
    perform(create(), deck.by, FAR)
    assert [owned.ref for owned in deck.ledger.inventory("local")] == [WEB]
    deck.session.set("broken", on=False)
    perform(create("k2"), deck.by, FAR)
    deck.session.set("broken")
    assert perform(delete("k3"), deck.by, FAR).state is OutcomeState.FAILED
    assert [owned.key for owned in deck.ledger.inventory("local")] == ["k2"]
    deck.session.set("broken", on=False)
    perform(delete("k4"), deck.by, FAR)
    assert deck.ledger.inventory("local") == ()


def test_undo_restores_what_stood_there_before(deck: Deck) -> None:
    perform_all([create(), update("k2", {"args": ["a"]}, args=["b"]), delete("k3")], deck.by, FAR)
    for key, then in (("k3", {"args": ["b"]}), ("k2", {"args": ["a"]}), ("k1", None)):
        assert undo(key, deck.by, FAR).state is OutcomeState.DONE
        assert document(deck) == then
        step = deck.ledger.step(key)
        assert step is not None
        assert step.outcome is not None
        assert step.outcome.state is OutcomeState.UNDONE
    assert deck.ledger.inventory("local") == ()


def test_an_undo_happens_once_and_one_that_failed_can_be_tried_again(deck: Deck) -> None:
    perform(create(), deck.by, FAR)
    deck.session.set("broken")
    assert undo("k1", deck.by, FAR).state is OutcomeState.FAILED
    deck.session.set("broken", on=False)
    assert undo("k1", deck.by, FAR).state is OutcomeState.DONE
    assert undo("k1", deck.by, FAR).repeated
    assert deck.session.effects() == ["create k1", "delete undo:k1#2"]


@pytest.mark.parametrize(("key", "code"), [("nothing", "TRM0423"), ("k9", "TRM0424")])
def test_what_was_not_done_or_has_no_undo_is_not_undone(deck: Deck, key: str, code: str) -> None:
    perform(replace(create("k9"), undo=Undo.NONE), deck.by, FAR)
    with pytest.raises(TrimaranError, match=code):
        undo(key, deck.by, FAR)


def test_the_undo_of_an_intent_follows_from_what_was_before(deck: Deck) -> None:
    def undone(action: Action, before: dict[str, object] | None) -> tuple[Verb, dict[str, object]]:
        back = undo_of(Intent(action, before, deck.clock()))
        assert back is not None
        return back.verb, dict(back.payload)

    assert undone(create(), None)[0] is Verb.DELETE
    assert undone(create(), {"old": 1}) == (Verb.UPDATE, {"old": 1})
    assert undone(delete("k"), {"old": 1}) == (Verb.CREATE, {"old": 1})
    assert undo_of(Intent(replace(create(), undo=Undo.NONE), None, deck.clock())) is None


def test_a_holder_whose_lease_was_taken_over_writes_nothing(deck: Deck) -> None:
    stale = deck.by
    deck.again()
    with pytest.raises(TrimaranError, match="TRM0411"):
        perform(create(), stale, FAR)
    assert deck.session.effects() == []
    assert deck.ledger.step("k1") is None


def test_a_holder_that_loses_its_lease_while_applying_cannot_write_the_outcome(deck: Deck) -> None:
    class Slow(FakeDirectorySession):  # the fake, overtaken while it works
        def apply(self, action: Action, fence: int, deadline: float) -> Receipt:
            receipt = super().apply(action, fence, deadline)
            deck.again()
            return receipt

    by = Performer(Slow(deck.session.root), deck.ledger, deck.by.lease, deck.clock)
    with pytest.raises(TrimaranError, match="TRM0411"):
        perform(create(), by, FAR)
    step = deck.ledger.step("k1")
    assert step is not None
    assert step.outcome is None
    assert [outcome.state for outcome in recover(deck.by, FAR)] == [OutcomeState.DONE]
    assert deck.session.effects() == ["create k1"]


def test_looking_that_fails_is_unknown_with_its_reason(deck: Deck) -> None:
    class Blind(FakeDirectorySession):  # the fake with one fault more
        def landed(self, action: Action) -> Landed:
            raise fail("TRM0499", "no route to the fake", "plug it in")

    begun(deck, create())
    by = deck.again()
    (outcome,) = recover(replace(by, session=Blind(deck.session.root)), FAR)
    assert outcome.state is OutcomeState.UNKNOWN
    assert outcome.problems[0].what == "no route to the fake"


def test_a_secret_in_an_action_is_refused_before_anything_happens(deck: Deck) -> None:
    redactor = Redactor()
    redactor.add(Secret("DB_PASSWORD", CANARY))
    by = replace(deck.by, ledger=replace(deck.ledger, guard=redactor))
    with pytest.raises(TrimaranError, match=r"TRM0412.*DB_PASSWORD") as caught:
        perform(create(args=[f"--password={CANARY}"]), by, FAR)
    assert CANARY not in str(caught.value)
    assert deck.session.effects() == []
    assert deck.ledger.step("k1") is None


def test_a_secret_in_a_receipt_or_a_problem_is_kept_out_but_the_outcome_is_kept(deck: Deck) -> None:
    class Talkative(FakeDirectorySession):  # the fake, telling too much
        def apply(self, action: Action, fence: int, deadline: float) -> Receipt:
            receipt = super().apply(action, fence, deadline)
            if action.key == "k1":
                return replace(receipt, facts={"env": [CANARY]})
            raise fail("TRM0499", f"cannot log in with {CANARY}", f"try {CANARY}")

    redactor = Redactor()
    redactor.add(Secret("DB_PASSWORD", CANARY))
    ledger = replace(deck.ledger, guard=redactor)
    by = replace(deck.by, session=Talkative(deck.session.root), ledger=ledger)
    outcomes = perform_all([create("k1", "a"), create("k2", "b")], by, FAR)
    assert [outcome.state for outcome in outcomes] == [OutcomeState.DONE] * 2
    second = ledger.step("k2")
    assert second is not None
    assert second.outcome is not None
    assert second.outcome.problems[0].what == "cannot log in with [secret DB_PASSWORD]"
    ledger.close()
    files = [path.read_bytes() for path in deck.path.parent.rglob("*") if path.is_file()]
    assert not any(CANARY.encode() in found for found in files)


def test_an_outcome_is_recorded_once(deck: Deck) -> None:
    begun(deck, create())
    done = Outcome("k1", OutcomeState.DONE, deck.clock())
    with pytest.raises(TrimaranError, match="TRM0413"):
        deck.ledger.settle(deck.by.lease, [done, done])
    assert deck.ledger.open_steps("local") != ()
    deck.ledger.settle(deck.by.lease, [done])
    with pytest.raises(TrimaranError, match="TRM0413"):
        deck.ledger.settle(deck.by.lease, [done])
    assert events(deck) == ["intent", "outcome"]
