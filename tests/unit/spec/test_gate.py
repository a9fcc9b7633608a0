"""The gate: text in, plain values with their places out, or what is wrong with it."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.spec.conftest import refusal, said, shown

from trimaran.spec import gate


def value(text: str) -> object:
    return gate.parse(text.encode(), "f.yaml").value


@pytest.mark.parametrize(
    ("raw", "code", "place"),
    [
        (b"", "TRM0108", "0:0"),
        (b"  \n# nothing\n", "TRM0108", "0:0"),
        (b"null", "TRM0108", "0:0"),
        (b"a: 1\n---\nb: 2\n", "TRM0108", "2:1"),
        (b"x" * (gate.MAX_BYTES + 1), "TRM0102", "0:0"),
        (b"a: b\nc: \xe9\n", "TRM0103", "2:0"),
        ("a: b".encode("utf-16"), "TRM0103", "1:0"),
        (b"a: b\nc: x\x00\n", "TRM0103", "2:5"),
        (b"a: \x1b[31m\n", "TRM0103", "1:4"),
        (b"\x7fELF\x02\x01", "TRM0103", "1:1"),
        (b"a: [1, 2\nb: 3\n", "TRM0104", "2:2"),
        (b"a: 'x\n", "TRM0104", "2:1"),
        (b"a:\n\tb: 1\n", "TRM0104", "2:1"),
        (b"? [a]\n: b\n", "TRM0104", "1:3"),
        (b"[" * 65, "TRM0105", "1:65"),
        (b"a: &x [*x]\n", "TRM0106", "1:8"),
        (b"a: &x {b: {c: *x}}\n", "TRM0106", "1:15"),
        (b"a: *nowhere\n", "TRM0106", "1:4"),
        (b"[" + b"1," * gate.MAX_NODES + b"1]", "TRM0106", None),
    ],
)
def test_what_stops_the_reading_is_named_with_its_place(raw: bytes, code: str, place: str | None) -> None:
    error = refusal(lambda: gate.parse(raw, "f.yaml"))
    assert len(error.problems) == 1
    assert error.problems[0].fix
    assert said(error)[0][0] == code
    assert place is None or said(error)[0][1] == place


def test_aliases_that_explode_are_counted_before_they_are_made() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    error = refusal(lambda: gate.parse("\n".join(lines).encode(), "f.yaml"))
    assert said(error)[0][0] == "TRM0106"


def test_an_alias_stands_for_its_value_and_an_anchor_may_be_at_a_key() -> None:
    assert value("a: &x {b: 1}\nc: *x\n") == {"a": {"b": 1}, "c": {"b": 1}}
    assert value("&k name: 1\nother: *k\n") == {"name": 1, "other": "name"}


def test_a_key_that_stands_twice_is_told_and_reading_goes_on() -> None:
    found = gate.parse(b"a: 1\nb: 2\na: 3\nb: 4\n", "f.yaml").problems
    assert [(each.code, str(each.where)) for each in found] == [
        ("TRM0107", "f.yaml:3:1  a"),
        ("TRM0107", "f.yaml:4:1  b"),
    ]
    assert "line 1" in found[0].what


@pytest.mark.parametrize("tag", ["!!python/object:os.system", "!!binary", "!mine", "!!int", "!!set"])
def test_tags_are_told_and_never_followed(tag: str) -> None:
    document = gate.parse(f"a: {tag} 'x'\n".encode(), "f.yaml")
    assert [each.code for each in document.problems] == ["TRM0109"]
    assert document.value == {"a": "x"}


def test_a_password_that_looks_like_an_alias_or_a_tag_is_not_repeated() -> None:
    assert "hunter2" not in shown(refusal(lambda: gate.parse(b"a: *hunter2\n", "f")))
    assert "hunter2" not in shown(refusal(lambda: gate.parse(b"a: &hunter2 [*hunter2]\n", "f")))
    assert "hunter2" not in repr(gate.parse(b"a: !hunter2 x\n", "f").problems)


@pytest.mark.parametrize(
    "word", ["off", "no", "yes", "on", "y", "n", "Off", "NO", "12:30", "1_000", ".inf", ".nan"]
)
def test_words_of_yaml_1_1_are_text(word: str) -> None:
    assert value(f"a: {word}\n") == {"a": word}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("010", 10),
        ("0x10", 16),
        ("0o17", 15),
        ("-5", -5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("~", None),
    ],
)
def test_numbers_and_truth_values_follow_the_core_schema(text: str, wanted: object) -> None:
    assert value(f"a: {text}\n") == {"a": wanted}
    assert value(f"a: '{text}'\n") == {"a": text}


@pytest.mark.parametrize("text", ["1.20", "1.0", "010", "0x1F", "1e3", "+5", "007"])
def test_a_number_remembers_how_it_was_written(text: str) -> None:
    found = value(f"a: {text}\n")
    assert isinstance(found, dict)
    assert found["a"].text == text


def test_a_number_beyond_any_use_is_text() -> None:
    assert value(f"a: {'9' * 5000}\n") == {"a": "9" * 5000}
    assert value("a: 1e999\n") == {"a": "1e999"}


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    document = gate.parse(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: 2\r\n", "f.yaml")
    assert document.value == {"a": 1, "b": {"c": 2}}
    assert document.places[("b", "c")] == (3, 3)


def test_every_value_has_its_place() -> None:
    document = gate.parse("a:\n  - x: 1\n    y: é\n  - [p, {q: r}]\n".encode(), "f.yaml")
    assert document.places == {
        (): (1, 1),
        ("a",): (1, 1),
        ("a", 0): (2, 5),
        ("a", 0, "x"): (2, 5),
        ("a", 0, "y"): (3, 5),
        ("a", 1): (4, 5),
        ("a", 1, 0): (4, 6),
        ("a", 1, 1): (4, 9),
        ("a", 1, 1, "q"): (4, 10),
    }
    assert str(document.where(("a", 1, 1, "q", "deeper"))) == "f.yaml:4:10  a[1][1].q.deeper"


def test_a_key_of_a_million_characters_is_shown_short() -> None:
    assert len(gate.dotted(("k" * 1_000_000, 0, "x"))) < 100


# 0E0 and 0o7 are numbers in YAML 1.2 alone, so that an emitter of 1.1 writes such texts without quotes.
TEXT = st.text(st.characters(exclude_categories=["C"])).filter(
    lambda text: gate.scalar(text, plain=True) == text or not text
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(JSON, st.booleans())
def test_what_another_emitter_writes_is_read_back(wanted: object, flow: bool) -> None:
    text = yaml.safe_dump({"root": wanted}, default_flow_style=flow, allow_unicode=True)
    # The emitter quotes what YAML 1.1 would misread, which we take for text as well.
    assert value(text) == {"root": wanted}
