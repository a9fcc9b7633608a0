"""Differences: none iff equal, each named by a path that leads to it."""

import copy
import re
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from trimaran.action import Change
from trimaran.platform.compare import changes

KEY = st.sampled_from(["a", "b", "name", "path", "c-d", "e_f", "x.y/z", "containerPort"])
JSON = st.recursive(
    st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x", "y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=4),
    max_leaves=10,
)
DOCUMENT = st.dictionaries(KEY, JSON, max_size=4)
PART = re.compile(r"\[([^\]=]+)=([^\]]*)\]|\[([^\]]+)\]|([^.\[]+)")


def differ(one: Any, two: Any) -> bool:
    """Whether two values differ; 1 is not true."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() != two.keys() or any(differ(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) != len(two) or any(map(differ, one, two))
    return one != two or isinstance(one, bool) != isinstance(two, bool)


@settings(max_examples=100)
@given(DOCUMENT)
def test_equal_documents_have_no_changes(document: dict[str, Any]) -> None:
    assert list(changes(document, copy.deepcopy(document))) == []


def has_named_lists(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_named_lists, value.values()))
    return isinstance(value, list) and (
        any(isinstance(each, dict) and each.keys() & {"name", "path", "containerPort"} for each in value)
        or any(map(has_named_lists, value))
    )


@settings(max_examples=100)
@given(DOCUMENT, DOCUMENT)
def test_different_documents_have_changes(wanted: dict[str, Any], seen: dict[str, Any]) -> None:
    check_changes(wanted, seen)


def check_changes(wanted: dict[str, Any], seen: dict[str, Any]) -> None:
    assume(not has_named_lists(wanted))
    found = list(changes(wanted, seen))
    assert bool(found) == differ(wanted, seen)
    paths = [each.path for each in found]
    assert len(paths) == len(set(paths))
    for each in found:
        assert differ(each.before, each.after)
        assert at(seen, each.path) == each.before
        assert at(wanted, each.path) == each.after


def at(value: Any, path: str) -> Any:
    """The value that a path of ours leads to; None where there is none."""
    for key, name, bracket, word in PART.findall(path):
        if key:
            value = next((each for each in value or () if str(each.get(key)) == name), None)
        elif isinstance(value, list):
            value = value[int(bracket)] if int(bracket) < len(value) else None
        else:
            value = (value or {}).get(bracket or word)
    return value


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.data(), DOCUMENT)
def test_one_edit_is_one_change_at_its_path(data: st.DataObject, document: dict[str, Any]) -> None:
    place = data.draw(st.sampled_from(sorted(document) or ["new"]))
    edited = copy.deepcopy(document)
    edited[place] = "another"
    (found,) = changes(edited, document)
    assert found == Change(place if place != "x.y/z" else "[x.y/z]", document.get(place), "another")


def test_what_others_add_is_no_difference_where_that_is_meant() -> None:
    wanted = {"a": {"b": 1}, "list": [{"name": "x", "value": 1}]}
    seen = {"a": {"b": 1, "added": 2}, "other": 3, "list": [{"name": "x", "value": 1, "default": True}]}
    assert list(changes(wanted, seen, exact=False)) == []
    assert [each.path for each in changes(wanted, seen)] == ["a.added", "list[name=x].default", "other"]


def test_named_items_are_compared_by_name_whatever_their_order() -> None:
    wanted = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    seen = {"env": [{"name": "B", "value": "2"}, {"name": "A", "value": "0"}]}
    assert list(changes(wanted, seen)) == [Change("env[name=A].value", "0", "1")]


def test_items_that_share_a_name_are_compared_by_position() -> None:
    wanted = [{"name": "A", "value": 1}, {"name": "A", "value": 2}]
    seen = [{"name": "A", "value": 1}, {"name": "A", "value": 3}]
    assert list(changes(wanted, seen)) == [Change("[1].value", 3, 2)]


def test_true_is_not_one() -> None:
    assert [each.path for each in changes({"a": True, "b": 1}, {"a": 1, "b": True})] == ["a", "b"]


def test_null_that_is_wanted_is_the_same_as_nothing() -> None:
    # Kubernetes drops nulls that are sent to it.
    assert list(changes({"a": None}, {})) == []
