"""What a user reads when something is wrong."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.errors import Exit, Problem, TrimaranError, Where, fail, printable, worst


@pytest.mark.parametrize(
    ("where", "text"),
    [
        (Where("a.yaml"), "a.yaml"),
        (Where("a.yaml", 3), "a.yaml:3"),
        (Where("a.yaml", 3, 7), "a.yaml:3:7"),
        (Where("a.yaml", 3, 7, "spec.x"), "a.yaml:3:7  spec.x"),
        (Where("-", path="spec.x"), "-  spec.x"),
    ],
)
def test_a_place_is_written_as_editors_read_it(where: Where, text: str) -> None:
    assert str(where) == text


def test_the_worst_status_wins_whatever_the_order() -> None:
    order = [Exit.INTERRUPTED, Exit.ERROR, Exit.AUTHENTICATION, Exit.PARTIAL, Exit.FINDINGS, Exit.CLEAN]
    for index, status in enumerate(order):
        for each in permutations(order[index:], 2):
            assert worst([*each, status]) is status
    assert worst([]) is Exit.CLEAN


def test_an_error_carries_its_problems_in_order() -> None:
    one, two = Problem("TRM0001", "first"), Problem("TRM0002", "second")
    error = TrimaranError(one, two)
    assert error.problems == (one, two)
    assert error.status is Exit.ERROR
    assert str(error) == "TRM0001: first; TRM0002: second"
    assert fail("TRM0001", "a", "b").problems == (Problem("TRM0001", "a", "b"),)


def test_an_error_without_a_problem_is_a_bug() -> None:
    with pytest.raises(ValueError, match="at least one"):
        TrimaranError()


@given(st.text())
def test_nothing_printed_can_steer_a_terminal(text: str) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    assert len(shown) == len(text)
    assert not any(ord(each) < 32 or 127 <= ord(each) < 160 for each in shown)
    assert not any("\u202a" <= each <= "\u202e" or "\u2066" <= each <= "\u2069" for each in shown)


def test_plain_names_stay_as_they_are() -> None:
    assert printable("web-1 é 中 \U0001f6a4") == "web-1 é 中 \U0001f6a4"
    assert printable("a\x1b[31m\nb") == "a\ufffd[31m\ufffdb"
    assert printable("\udcff") == "?"
