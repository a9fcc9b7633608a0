"""Runs are counted, their steps know them, and what they left can be told for every one of them."""

import json
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fakes import FakeDirectorySession
from tests.unit.ledger.deck import Deck
from tests.unit.ledger.test_perform import FAR, WEB, create, delete, update

from trimaran.action import ABSENT, Action, Json, ObjectRef, Undo, Verb, digest
from trimaran.errors import TrimaranError
from trimaran.ledger import (
    Adoption,
    Ledger,
    Outcome,
    OutcomeState,
    Performer,
    RevisionState,
    is_dead,
    open_existing,
    open_ledger,
    perform,
    perform_all,
    this_holder,
    undo,
    verify,
)
from trimaran.secret import Redactor, Secret

NOW = datetime(2030, 1, 1, tzinfo=UTC)
FIRST: dict[str, object] = {"args": ["a"]}
SECOND: dict[str, object] = {"args": ["b"]}


def begun(deck: Deck, event: str = "apply") -> Performer:
    number = deck.ledger.begin_revision("alice@box", event, {"commit": "abc"}, NOW)
    return replace(deck.again(), revision=number)


def bodies(ledger: Ledger) -> list[dict[str, Json]]:
    return [json.loads(record.body) for record in ledger.records()]


def left(ledger: Ledger, at: int | None = None) -> dict[str, Json]:
    return {ref.name: each.document for ref, each in ledger.applied("local", at).items()}


def test_runs_are_counted_and_kept_with_how_they_ended(deck: Deck) -> None:
    assert deck.ledger.revisions() == ()
    assert deck.ledger.begin_revision("alice@box", "ship", {"commit": "abc", "dirty": True}, NOW) == 1
    assert deck.ledger.begin_revision("bob@box", "down", {}, NOW) == 2
    deck.ledger.end_revision("alice@box", 1, RevisionState.DONE, NOW)
    second, first = deck.ledger.revisions()
    assert (first.number, first.event, first.actor, first.state) == (1, "ship", "alice@box", "done")
    assert (first.body, first.begun_at, first.ended_at) == ({"commit": "abc", "dirty": True}, NOW, NOW)
    assert (second.state, second.ended_at) == (RevisionState.OPEN, None)
    assert deck.ledger.revisions(last=1) == (second,)
    assert deck.ledger.revision(1) == first
    assert deck.ledger.revision(3) is None
    said = {"commit": "abc", "dirty": True, "event": "revision", "revision": 1, "what": "ship"}
    assert json.loads(next(deck.ledger.records(first.sequence - 1)).body) == said
    assert bodies(deck.ledger)[-1] == {"event": "revision ended", "revision": 1, "state": "done"}


@pytest.mark.parametrize("number", [1, 7])
def test_a_run_ends_once_and_only_when_it_began(deck: Deck, number: int) -> None:
    deck.ledger.begin_revision("alice@box", "ship", {}, NOW)
    deck.ledger.end_revision("alice@box", 1, RevisionState.FAILED, NOW)
    with pytest.raises(TrimaranError, match="TRM0428"):
        deck.ledger.end_revision("alice@box", number, RevisionState.DONE, NOW)


def test_no_two_runs_have_one_number(tmp_path: Path) -> None:
    numbers: list[int] = []

    def begin() -> None:
        with open_ledger(tmp_path / "ledger.db") as ledger:
            numbers.extend(ledger.begin_revision("alice@box", "ship", {}, NOW) for _ in range(10))

    open_ledger(tmp_path / "ledger.db").close()
    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 41))


def test_a_run_that_would_write_a_secret_down_does_not_begin(tmp_path: Path) -> None:
    redactor = Redactor()
    redactor.add(Secret("db", "c4n4ry-hunter2-bird"))
    with open_ledger(tmp_path / "ledger.db", redactor) as ledger:
        with pytest.raises(TrimaranError, match="TRM0412"):
            ledger.begin_revision("alice@box", "ship", {"waiver": "c4n4ry-hunter2-bird"}, NOW)
        assert ledger.revisions() == ()


def test_steps_know_their_run(deck: Deck) -> None:
    perform(create(), begun(deck), FAR)
    step = deck.ledger.step("k1")
    assert step is not None
    assert step.intent.revision == 1
    intent = next(body for body in bodies(deck.ledger) if body["event"] == "intent")
    assert intent["revision"] == 1


def test_what_each_run_left_can_be_told(deck: Deck) -> None:
    perform(create("k0", "old"), deck.by, FAR)
    perform(create("k1"), begun(deck), FAR)
    perform(update("k2", FIRST, **SECOND), begun(deck), FAR)
    perform(delete("k3"), begun(deck), FAR)
    assert left(deck.ledger, 1) == {"old": FIRST, "web": FIRST}
    assert left(deck.ledger, 2) == {"old": FIRST, "web": SECOND}
    assert left(deck.ledger, 3) == left(deck.ledger) == {"old": FIRST}
    assert left(deck.ledger, 0) == {"old": FIRST}
    assert deck.ledger.applied("elsewhere") == {}
    web = deck.ledger.applied("local", 2)[WEB]
    assert (web.revision, web.key) == (2, "k2")
    assert deck.ledger.applied("local")[replace(WEB, name="old")].revision is None


def test_a_step_without_a_run_counts_to_the_run_before_it(deck: Deck) -> None:
    perform(create("k1"), begun(deck), FAR)
    perform(update("k2", FIRST, **SECOND), deck.again(), FAR)
    perform(delete("k3"), begun(deck), FAR)
    assert [left(deck.ledger, at) for at in (0, 1, 2)] == [{}, {"web": SECOND}, {}]


def test_what_was_refused_failed_or_restarted_left_nothing(deck: Deck) -> None:
    perform(create("k1"), begun(deck), FAR)
    by = begun(deck)
    assert perform(update("stale", SECOND, **SECOND), by, FAR).state is OutcomeState.REFUSED
    deck.session.set("broken")
    assert perform(update("failed", FIRST, **SECOND), by, FAR).state is OutcomeState.FAILED
    deck.session.set("broken", False)
    restart = Action("local", Verb.RESTART, WEB, {"args": ["a"], "n": 1}, None, Undo.NONE, "restart", "r")
    assert perform(restart, by, FAR).state is OutcomeState.DONE
    assert left(deck.ledger) == {"web": FIRST}


def test_what_was_undone_counts_as_what_was_restored(deck: Deck) -> None:
    perform(create("k1"), begun(deck), FAR)
    perform(update("k2", FIRST, **SECOND), begun(deck), FAR)
    undo("k2", begun(deck), FAR)
    assert [left(deck.ledger, at)["web"] for at in (1, 2, 3)] == [FIRST, SECOND, FIRST]


def test_hostile_names_stay_apart(deck: Deck) -> None:
    names = ['a","name":"b', "a\\", "ä", '{"object":{"name":"web"}}', "%_'"]
    by = begun(deck)
    for number, name in enumerate(names):
        assert perform(create(f"k{number}", name, n=number), by, FAR).state is OutcomeState.DONE
    assert left(deck.ledger) == {name: {"n": number} for number, name in enumerate(names)}
    refs = [replace(WEB, name=name) for name in names]
    assert [each.what for each in deck.ledger.last_event(refs).values()] == ["create done"] * len(names)


def test_ten_thousand_objects_are_read_quickly(deck: Deck) -> None:
    def intents(run: int) -> list[tuple[str, str, str, int, str, int, str, int, str, str]]:
        found = []
        for number in range(10_000):
            ref = {"kind": "Deployment", "name": f"s{number}", "scope": "web", "target": "local"}
            action: dict[str, Json] = {
                "cause": "x",
                "key": f"{run}-{number}",
                "object": ref,
                "payload": {"pad": "x" * 1500},
            }
            action = action | {"precondition": None, "target": "local", "undo": "restore", "verb": "update"}
            text = json.dumps(action, sort_keys=True, separators=(",", ":"))
            found.append((f"{run}-{number}", "local", text, 1, "{}", 0, "done", 0, "{}", "[]"))
        return found

    columns = "key, target, action, fence, before, begun_ms, state, ended_ms, facts, problems"
    with closing(sqlite3.connect(deck.path)) as raw:
        for run in range(3):
            values = ",".join("?" * 10)
            raw.executemany(f"INSERT INTO steps ({columns}) VALUES ({values})", intents(run))
        raw.commit()
    started = time.process_time()
    found = deck.ledger.applied("local")
    spent = time.process_time() - started
    assert len(found) == 10_000
    assert {each.key[:2] for each in found.values()} == {"2-"}
    assert spent < 5


def test_the_last_that_is_known_of_an_object(deck: Deck) -> None:
    perform(create("k1"), begun(deck), FAR)
    perform(create("k2", "other"), begun(deck), FAR)
    other, stranger = replace(WEB, name="other"), replace(WEB, name="stranger")
    found = deck.ledger.last_event([WEB, other, stranger])
    assert set(found) == {WEB, other}
    assert (found[WEB].what, found[WEB].revision, found[WEB].actor) == ("create done", 1, "next")
    assert found[WEB].sequence < found[other].sequence
    assert deck.ledger.last_event([]) == {}


def test_the_chain_can_be_read_from_its_end(deck: Deck) -> None:
    for _ in range(3):
        deck.ledger.note("alice@box", {"event": "x"}, NOW)
    assert list(deck.ledger.records_backwards()) == list(deck.ledger.records())[::-1]


def adoption(path: str = "args[0]", value: Json = "b") -> Adoption:
    return Adoption(WEB, path, value, "a", NOW, "alice@box")


def test_adoptions_are_kept_until_they_are_forgotten(deck: Deck) -> None:
    deck.ledger.adopt(deck.by.lease, [adoption(), adoption("env.A", None)], NOW)
    deck.ledger.adopt(deck.by.lease, [adoption(value="c")], NOW)
    assert deck.ledger.adoptions("local") == (adoption(value="c"), adoption("env.A", None))
    assert deck.ledger.adoptions("elsewhere") == ()
    deck.ledger.forget(deck.by.lease, [adoption()], NOW)
    assert deck.ledger.adoptions("local") == (adoption("env.A", None),)
    deck.ledger.forget(deck.by.lease, [], NOW)
    said = [(body["event"], body["path"]) for body in bodies(deck.ledger)]
    assert said == [
        ("adopted", "args[0]"),
        ("adopted", "env.A"),
        ("adopted", "args[0]"),
        ("forgotten", "args[0]"),
    ]
    assert bodies(deck.ledger)[0]["value"] == digest("b")


def test_a_secret_is_not_adopted(tmp_path: Path) -> None:
    redactor = Redactor()
    redactor.add(Secret("db", "c4n4ry-hunter2-bird"))
    with open_ledger(tmp_path / "ledger.db", redactor) as ledger:
        lease = ledger.acquire("local", this_holder("test"), NOW, is_dead)
        with pytest.raises(TrimaranError, match="TRM0412"):
            ledger.adopt(lease, [adoption(value={"env": ["x c4n4ry-hunter2-bird"]})], NOW)
        assert ledger.adoptions("local") == ()


def test_a_lost_lease_adopts_nothing(deck: Deck) -> None:
    old = deck.by.lease
    deck.again()
    with pytest.raises(TrimaranError, match="TRM0411"):
        deck.ledger.adopt(old, [adoption()], NOW)
    assert deck.ledger.adoptions("local") == ()


def test_a_ledger_of_the_old_layout_opens_and_reads_well(deck: Deck) -> None:
    perform(create(), deck.by, FAR)
    deck.ledger.engine.dispose()
    with closing(sqlite3.connect(deck.path)) as raw:
        for table in ("revisions", "step_revisions", "adoptions"):
            raw.execute(f"DROP TABLE {table}")
        raw.commit()
    with open_existing(deck.path) as old:
        assert (old.revisions(), old.revision(1), old.adoptions("local")) == ((), None, ())
        assert left(old) == left(old, 1) == {"web": FIRST}
        step = old.step("k1")
        assert step is not None
        assert step.intent.revision is None
    with open_ledger(deck.path) as now:
        assert now.begin_revision("alice@box", "ship", {}, NOW) == 1
        assert left(now) == left(now, 0) == {"web": FIRST}
    with open_existing(deck.path) as read:
        assert len(read.revisions()) == 1


# -- performing in batches, with a way to stop


def many(count: int) -> list[Action]:
    return [create(f"k{number}", f"web{number}") for number in range(count)]


def test_a_large_plan_is_written_in_batches(deck: Deck) -> None:
    ended: list[tuple[str, str]] = []
    by = replace(deck.by, told=lambda action, outcome: ended.append((action.key, outcome.state)))
    outcomes = perform_all(many(260), by, FAR)
    assert {outcome.state for outcome in outcomes} == {OutcomeState.DONE}
    assert ended == [(f"k{number}", "done") for number in range(260)]
    words = [body["event"] for body in bodies(deck.ledger)]
    assert words == ["intent"] * 250 + ["outcome"] * 250 + ["intent"] * 10 + ["outcome"] * 10


def test_a_run_that_is_asked_to_stop_ends_what_it_is_at_and_begins_no_more(deck: Deck) -> None:
    told: list[Outcome] = []
    by = replace(deck.by, stop=lambda: len(told) >= 3, told=lambda _, outcome: told.append(outcome))
    outcomes = perform_all(many(300), by, FAR)
    assert [outcome.state for outcome in outcomes] == ["done"] * 3 + ["refused"] * 297
    assert {outcome.problems[0].code for outcome in outcomes[3:]} == {"TRM0427"}
    assert list(outcomes) == told
    assert len(deck.session.effects()) == 3
    assert deck.ledger.open_steps("local") == ()
    assert deck.ledger.step("k299") is None


def test_a_run_that_is_asked_to_stop_leaves_what_an_earlier_one_left_open(deck: Deck) -> None:
    from trimaran.ledger import Intent

    deck.ledger.begin(deck.by.lease, [Intent(create(), None, deck.clock())])
    outcome = perform(create(), replace(deck.by, stop=lambda: True), FAR)
    assert (outcome.state, outcome.problems[0].code) == (OutcomeState.REFUSED, "TRM0427")
    assert len(deck.ledger.open_steps("local")) == 1


def test_each_way_to_end_is_told_once(deck: Deck) -> None:
    ended: list[str] = []
    by = replace(deck.by, told=lambda action, outcome: ended.append(f"{action.key} {outcome.state}"))
    perform_all([create("a", "a"), create("b", "b")], by, FAR)
    perform_all([create("a", "a")], by, FAR)
    perform_all([create("c", "a"), create("d", "d")], by, FAR)
    assert ended == ["a done", "b done", "a done", "c refused", "d refused"]


def test_a_long_batch_keeps_its_lease(deck: Deck) -> None:
    def slow(action: Action, outcome: Outcome) -> None:
        deck.clock.now += deck.by.lease.ttl / 3

    perform_all(many(6), replace(deck.by, told=slow), FAR)
    with pytest.raises(TrimaranError, match="TRM0410"):
        deck.ledger.acquire("local", this_holder("other"), deck.clock(), lambda _: False)
    assert len(left(deck.ledger)) == 6


def test_threads_perform_on_different_targets_through_one_ledger(tmp_path: Path) -> None:
    broken: list[Exception] = []

    def work(ledger: Ledger, target: str, revision: int) -> None:
        try:
            session = FakeDirectorySession(tmp_path / target, target)
            lease = ledger.acquire(target, this_holder("test"), datetime.now(UTC), is_dead)
            by = Performer(session, ledger, lease, lambda: datetime.now(UTC), revision)
            for number in range(50):
                ref = ObjectRef(target, "File", f"f{number}")
                key = f"{target}-{number}"
                action = Action(target, Verb.CREATE, ref, {"n": number}, ABSENT, Undo.RESTORE, "x", key)
                assert perform(action, by, FAR).state is OutcomeState.DONE
            ledger.release(lease)
        except Exception as error:  # noqa: BLE001 - a thread's error is told by the test
            broken.append(error)

    with open_ledger(tmp_path / "state" / "ledger.db") as ledger:
        revision = ledger.begin_revision("test", "apply", {}, NOW)
        names = [f"t{number}" for number in range(8)]
        threads = [threading.Thread(target=work, args=(ledger, name, revision)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert broken == []
        assert [len(ledger.applied(name, revision)) for name in names] == [50] * 8
        assert [len(FakeDirectorySession(tmp_path / name).effects()) for name in names] == [50] * 8
        assert verify(ledger.records(), ledger.head.read()).intact
        assert ledger.head.read() == ledger.tail()
        assert len(bodies(ledger)) == 1 + 8 * 50 * 2
