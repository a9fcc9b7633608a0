"""Our YAML text, read by PyYAML's two readers: what was written comes back, by the rules of 1.1 as well."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from trimaran.platform.yamltext import dump
from trimaran.spec import gate

TRAPS = [
    "yes",
    "No",
    "ON",
    "off",
    "y",
    "N",
    "true",
    "null",
    "Null",
    "~",
    "",
    "=",
    "<<",
    "0440",
    "0o17",
    "0x1f",
    "1e5",
]
TRAPS += [
    "1_000",
    "12:30",
    "190:20:30",
    "2001-01-01",
    ".inf",
    "-.INF",
    ".nan",
    "+1",
    "-",
    "--",
    "---",
    "...",
    "--x=1",
]
TRAPS += [
    "- a",
    "a: b",
    "a:",
    ":a",
    "a #b",
    "#a",
    "!x",
    "&a",
    "*a",
    "%a",
    "@a",
    "`",
    "?",
    "? a",
    "|",
    ">",
    "[",
    "{}",
    ",",
]
TRAPS += [
    "'",
    '"',
    "a'b",
    "\\",
    "a\\nb",
    "64Mi",
    "100m",
    "1.5Gi",
    "sha256:aa",
    "a:b",
    "C:\\x",
    "a@b",
    "/",
    "//",
    "-1e3",
]
TRAPS += [
    "a\nb",
    "a\n",
    "\na",
    " a\nb",
    "a\n\nb\n",
    "a\n\n",
    "a \nb",
    "a\n b",
    "\ta\nb",
    "a\r\nb",
    "a\tb",
    "\x85",
    "a\u2028b",
]
TRAPS += [
    "\ufeff",
    "\ufffe",
    "\x7f",
    "\x00",
    "é",
    "\U0001f600",
    " a",
    "a ",
    "a\x1b[31m",
    "\u202e",
    "a\n#b\n",
    "a\n---\nb\n",
]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(TRAPS)
NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def same(one: Any, two: Any) -> bool:
    """Equal in kind as well: 1 is neither true nor 1.0."""
    if isinstance(one, dict) and isinstance(two, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    return type(one) is type(two) and bool(one == two)


@settings(max_examples=150)
@given(JSON)
def test_what_is_written_is_read_back_by_both_readers(value: Any) -> None:
    check_read_back(value)


def check_read_back(value: Any) -> None:
    text = dump(value)
    assert text.endswith("\n")
    for loader in (yaml.CSafeLoader, yaml.SafeLoader):
        assert same(yaml.load(text, Loader=loader), value), text


@pytest.mark.parametrize("trap", TRAPS)
def test_no_text_turns_into_something_else(trap: str) -> None:
    for value in (trap, [trap], {"a": trap}, {trap: "a"}, [[trap], {"a": {"b": trap}}]):
        text = dump(value)
        assert same(yaml.load(text, Loader=yaml.CSafeLoader), value), text
        assert same(yaml.load(text, Loader=yaml.SafeLoader), value), text


@settings(max_examples=100)
@given(st.dictionaries(st.text("abc-", min_size=1, max_size=5), JSON, min_size=1, max_size=4))
def test_our_own_gate_reads_it_too(value: dict[str, Any]) -> None:
    found = gate.parse(dump({"root": value}).encode(), "f").value
    assert found == {"root": value}


def test_the_form_is_the_one_that_people_write() -> None:
    value = {"a": {"b": [1, {"c": "x", "d": []}], "e": {}}, "text": "one\ntwo\n", "no": "yes", "f": [[1]]}
    assert dump(value) == (
        'a:\n  b:\n  - 1\n  - c: x\n    d: []\n  e: {}\ntext: |\n  one\n  two\n"no": "yes"\nf:\n- - 1\n'
    )


@pytest.mark.parametrize("value", [{"a": {1, 2}}, [b"x"], {"a": object()}])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        dump(value)


@pytest.mark.parametrize("value", [float("nan"), [float("inf")]])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="range"):
        dump(value)
