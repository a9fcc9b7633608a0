"""Patterns agree with an independent matcher and take time in proportion to the value."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.slo.pattern import LONGEST, Pattern

_ATOMS = st.sampled_from(
    ["a", "b", "5", ".", "[ab]", "[^a]", r"\d", r"\.", "[0-9a]", r"[\d.]", "(?:a|b5)", "(?:^)", "(?:$)"]
)
_COUNTS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{0,}", "*?"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    row = st.lists(st.tuples(inner, _COUNTS).map("".join), max_size=4).map("".join)
    return st.lists(row, min_size=1, max_size=3).map("|".join).map(lambda text: f"({text})")


@given(st.recursive(_ATOMS, _grown, max_leaves=8), st.text("ab5.\n", max_size=8))
def test_patterns_fit_what_the_standard_library_says_fits(pattern: str, value: str) -> None:
    # `$` in Python also fits before a last line feed, in RE2 only at the end.
    oracle = re.fullmatch(pattern.replace("$", r"\Z"), value, re.DOTALL | re.ASCII)
    assert Pattern.parse(pattern).fits(value) == (oracle is not None)


@given(st.text(alphabet=st.sampled_from("ab{}[]()|*+?.^$\\,-:0123456789dwsxpP<=!é\n"), max_size=40))
def test_any_text_is_a_pattern_or_a_value_error(text: str) -> None:
    try:
        pattern = Pattern.parse(text)
    except ValueError:
        return
    assert pattern.fits("ab12") in {True, False}


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("5..", "503", True),
        ("5..", "1503", False),
        ("2..|3..", "304", True),
        ("", "", True),
        ("", "a", False),
        ("(?i)get", "GeT", True),
        ("(?i)[^g]", "G", False),
        ("[[:digit:]]+", "123", True),
        ("[[:^digit:]]+", "a2", False),
        ("a.b", "a\nb", True),
        (r"\x41\x{e9}", "Aé", True),
        ("[]a]+", "]a", True),
        ("[a-]", "-", True),
        ("a{,3}", "a{,3}", True),
        (r"\d", "٣", False),
    ],
)
def test_the_whole_value_must_fit_as_in_re2(pattern: str, value: str, fits: bool) -> None:
    assert Pattern.parse(pattern).fits(value) is fits


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(.*)*(.*)*b", "(a?){40}a{40}b", "(?:(?:a*)*)*b"])
def test_patterns_that_ruin_backtracking_are_answered_at_once(pattern: str) -> None:
    parsed, start = Pattern.parse(pattern), time.process_time()
    assert not parsed.fits("a" * 2000)
    assert parsed.fits("a" * 45 + "b")
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "pattern",
    [
        *("(?=a)", "(?!a)", "(?<n>a)", r"(a)\1", "a**", "a*+", "*a", "(a", "a)", "[a", "[b-a]", "a{3,2}"),
        *("a{1001}", r"\pL", r"\Q", "\\", r"\xg", "[[:nothing:]]", "(" * 100 + ")" * 100),
        *("((a{99}){99}){99}", "(((){999}){999}){999}", "a" * (LONGEST + 1)),
    ],
)
def test_what_re2_does_not_know_or_would_grow_without_bounds_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Pattern.parse(pattern)
