"""Plans: nothing for what is as wanted, and each difference once, in an order that works."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from trimaran.action import ABSENT, Change, Gap, Object, ObjectRef, Observation, Undo, Verb, seen_digest
from trimaran.deliver.planning import Choice, Plan, Wanted, actions, deletion
from trimaran.deliver.planning import plan as planned
from trimaran.platform import Platform, platform

HOST = platform("host")
NOW = datetime(2030, 1, 1, tzinfo=UTC)

NAME = st.sampled_from(["a", "b", "c", "d", "e"])
CONTENT = st.text("xy", max_size=2)


def obj(name: str, content: str, **live: Any) -> Object:
    document = {"service": "web", "path": f"/{name}", "content": content, "mode": "0444", **live}
    return Object(ObjectRef("local", "File", name), document)


def plan(target: str, wanted: list[Object], there: Observation, by: Platform) -> Plan:
    return planned(Wanted(target, tuple(wanted), frozenset({"web"})), there, by, Choice(prune=True))


def seen(*objects: Object, gaps: tuple[Gap, ...] = ()) -> Observation:
    return Observation(objects, gaps, NOW)


SETS = st.dictionaries(NAME, CONTENT, max_size=5).map(lambda found: [obj(*pair) for pair in found.items()])


@settings(max_examples=100)
@given(SETS)
def test_what_is_as_wanted_needs_nothing(wanted: list[Object]) -> None:
    found = plan("local", wanted, seen(*reversed(wanted)), HOST)
    assert found.pending == ()
    assert [item.ref for item in found.items] == [each.ref for each in wanted]


@settings(max_examples=150)
@given(SETS, SETS)
def test_doing_a_plan_gives_what_is_wanted(wanted: list[Object], before: list[Object]) -> None:
    found = plan("local", wanted, seen(*before), HOST)
    there = {each.ref: each.document for each in before}
    for action in actions(found, "ship web", "run"):
        match action.verb:
            case Verb.CREATE:
                assert action.object not in there
                assert action.precondition == ABSENT
                there[action.object] = action.payload
            case Verb.UPDATE:
                assert action.precondition == seen_digest(there[action.object])
                assert there[action.object] != action.payload
                there[action.object] = action.payload
            case Verb.DELETE:
                assert action.precondition == seen_digest(there[action.object])
                assert action.payload == {}
                del there[action.object]
            case _:
                raise AssertionError(action.verb)
    assert there == {each.ref: each.document for each in wanted}


@settings(max_examples=100)
@given(SETS, SETS)
def test_deletions_come_last_and_each_object_once(wanted: list[Object], before: list[Object]) -> None:
    pending = plan("local", wanted, seen(*before), HOST).pending
    verbs = [item.verb for item in pending]
    assert verbs == sorted(verbs, key=lambda verb: verb is Verb.DELETE)
    assert len({item.ref for item in pending}) == len(pending)


def test_an_update_says_which_fields() -> None:
    (item,) = plan("local", [obj("a", "new")], seen(obj("a", "old")), HOST).items
    assert (item.verb, item.changes) == (Verb.UPDATE, (Change("content", "old", "new"),))


def test_live_status_is_no_part_of_the_precondition() -> None:
    calm, busy = obj("a", "old", status={"since": 1}), obj("a", "old", status={"since": 2})
    assert deletion(calm, HOST).seen == deletion(busy, HOST).seen


@settings(max_examples=100)
@given(SETS, SETS)
def test_keys_tell_runs_objects_and_states_apart(wanted: list[Object], before: list[Object]) -> None:
    found = plan("local", wanted, seen(*before), HOST)
    first, again, later, other = (
        [each.key for each in actions(found, cause, run)]
        for cause, run in (("ship", "1"), ("ship", "1"), ("ship", "2"), ("down", "1"))
    )
    assert first == again
    assert len(set(first)) == len(first)
    assert not set(first) & set(later)
    assert not set(first) & set(other)
    assert all(each.undo is Undo.RESTORE for each in actions(found, "ship", "1"))


def test_a_plan_keeps_what_could_not_be_seen() -> None:
    gap = Gap("the files", "permission denied")
    assert plan("local", [], seen(gaps=(gap,)), HOST).gaps == (gap,)
