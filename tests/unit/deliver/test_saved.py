"""A saved plan comes back as it was, holds no more than references, and is refused when anything is off."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimaran.action import ABSENT, Change, Object, ObjectRef, Observation, Verb, seen_digest
from trimaran.deliver import saved
from trimaran.deliver.planning import Item, Plan
from trimaran.deliver.saved import SavedPlan, SavedTarget
from trimaran.errors import TrimaranError
from trimaran.spec.fleet import HostTarget

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOST = HostTarget.model_validate({"platform": "host"})


def ref(name: str) -> ObjectRef:
    return ObjectRef("east", "Deployment", name, "web")


def sample() -> SavedPlan:
    document = {"kind": "Deployment", "spec": {"replicas": 2, "text": "ö\u2028"}}
    change = Change("spec.replicas", 1, 2, "kubectl-edit")
    items = (
        Item(ref("a"), Verb.CREATE, (), Object(ref("a"), document), ABSENT, "a"),
        Item(ref("b"), Verb.UPDATE, (change,), Object(ref("b"), document), "sha256:1", "b"),
        Item(ref("c"), Verb.DELETE, (), None, "sha256:2", "c"),
    )
    target = SavedTarget(HOST, Plan("east", items, take=True))
    return SavedPlan("apply 3 services", ("a", "b", "c"), {"sha256:9": "/cache/x"}, {"east": target})


def test_what_was_saved_is_what_is_read() -> None:
    assert saved.from_text(saved.to_text(sample()), "plan.json") == sample()


def test_what_needs_nothing_is_not_saved() -> None:
    same = Item(ref("d"), None, (), Object(ref("d"), {}), "", "d")
    plan = SavedPlan("apply d", ("d",), {}, {"east": SavedTarget(HOST, Plan("east", (same,)))})
    assert saved.from_text(saved.to_text(plan), "plan.json").targets["east"].plan.items == ()


PATHS = [
    ("schema",),
    ("cause",),
    ("services",),
    ("programs",),
    ("targets",),
    ("targets", "east"),
    ("targets", "east", "settings"),
    ("targets", "east", "settings", "platform"),
    ("targets", "east", "items"),
    ("targets", "east", "items", 0),
    ("targets", "east", "items", 0, "verb"),
    ("targets", "east", "items", 0, "document"),
    ("targets", "east", "items", 1, "changes"),
    ("targets", "east", "items", 1, "changes", 0),
    ("targets", "east", "items", 2, "seen"),
]


@settings(max_examples=200)
@given(st.sampled_from(PATHS), st.sampled_from([None, 7, "x", [], {}, [1], ["y"], {"z": 1}]))
def test_a_damaged_file_is_refused_or_read_but_never_crashes(path: tuple[Any, ...], value: Any) -> None:
    body = json.loads(saved.to_text(sample()))
    at = body
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    try:
        found = saved.from_text(json.dumps(body), "plan.json")
    except TrimaranError as error:
        codes = [problem.code for problem in error.problems]
    else:
        assert found.targets.keys() <= {"east"}
        codes = ["TRM0717"]
    assert codes == ["TRM0717"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", "[" * 100_000, '{"schema": "other"}', "\x00"])
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(TrimaranError, match="TRM0717"):
        saved.from_text(text, "plan.json")


def seen(*objects: Object) -> Observation:
    return Observation(objects, (), NOW)


def stale_names(plan: Plan, *there: Object) -> list[str]:
    return [problem.what.split()[1] for problem in saved.stale(plan, seen(*there))]


def test_a_plan_is_stale_where_a_place_is_not_as_it_was() -> None:
    old = Object(ref("b"), {"spec": 1})
    items = (
        Item(ref("a"), Verb.CREATE, (), Object(ref("a"), {}), ABSENT, "a"),
        Item(ref("b"), Verb.UPDATE, (), Object(ref("b"), {}), seen_digest(old.document), "b"),
    )
    plan = Plan("east", items)
    assert stale_names(plan, old) == []
    assert stale_names(plan, Object(ref("b"), {"spec": 1, "status": "busy"})) == []
    assert stale_names(plan) == ["Deployment/web/b"]
    assert stale_names(plan, Object(ref("b"), {"spec": 2})) == ["Deployment/web/b"]
    assert stale_names(plan, old, Object(ref("a"), {})) == ["Deployment/web/a"]


def test_an_object_that_is_made_again_is_judged_by_what_was_there_first() -> None:
    old = Object(ref("a"), {"spec": 1})
    items = (
        Item(ref("a"), Verb.DELETE, (), None, seen_digest(old.document), "a"),
        Item(ref("a"), Verb.CREATE, (), Object(ref("a"), {}), ABSENT, "a"),
    )
    assert stale_names(Plan("east", items), old) == []
    assert stale_names(Plan("east", items)) == ["Deployment/web/a"]
