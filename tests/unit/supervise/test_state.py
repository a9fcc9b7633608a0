import errno
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.supervise.state import Alive, State, Status, Unit, faults, parse_status, reason, settle
from trimaran.supervise.supervisor import backoff_s

TOLD = Status(State.RUNNING, Alive(10, 100), Alive(11, 110), restarts=2, since=5.0)


@given(st.integers(0, 10_000), st.floats(0.01, 10), st.floats(10, 600), st.floats(0, 1))
def test_a_wait_doubles_up_to_its_limit_and_is_spread_over_its_upper_half(
    failures: int, first: float, most: float, chance: float
) -> None:
    whole = min(most, first * 2.0 ** min(failures, 60))
    assert whole / 2 <= backoff_s(failures, first, most, chance) <= whole
    assert backoff_s(failures, first, most, 1.0) == pytest.approx(whole)


def test_the_first_waits_are_half_a_second_to_thirty() -> None:
    unit = Unit(("/x",))
    waits = [backoff_s(number, unit.first_s, unit.max_s, 1.0) for number in range(8)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("told", "supervisor", "child", "seen"),
    [
        (State.RUNNING, True, True, State.RUNNING),
        (State.BACKOFF, True, False, State.BACKOFF),
        (State.RUNNING, False, True, State.LOST),
        (State.STOPPING, False, True, State.LOST),
        (State.RUNNING, False, False, State.GONE),
        (State.BACKOFF, False, False, State.GONE),
        (State.STOPPED, False, False, State.STOPPED),
        (State.FAILED, False, False, State.FAILED),
    ],
)
def test_what_is_true_follows_from_what_lives(
    told: State, supervisor: bool, child: bool, seen: State
) -> None:
    status = settle(replace(TOLD, state=told), supervisor, child)
    assert status.state is seen
    assert (status.supervisor is not None, status.child is not None) == (supervisor, child)
    assert (status.restarts, status.since) == (2, 5.0)


@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5) | st.floats(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["boot", "supervisor", "child", "state", "pid", "exit"]), inner)
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_a_damaged_status_is_a_value_error_and_nothing_else(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # its subclasses carry many texts
        parse_status(text)


def test_a_name_that_no_variable_can_have_is_refused() -> None:
    wrong = faults(Unit(("/x",), env={"A=B": "1", "": "2"}), {})
    assert len(wrong) == 2


def test_a_fault_never_shows_a_secret() -> None:
    wrong = faults(Unit(("/x",), secret_names=("TOKEN",)), {"TOKEN": "canary\0"})
    assert wrong == ("the value of TOKEN holds a NUL character",)


@pytest.mark.parametrize(
    ("status", "exists", "words"),
    [
        (Status(State.FAILED, step="exec", errno=errno.ENOENT), True, "its interpreter"),
        (Status(State.FAILED, step="exec", errno=errno.ENOENT), False, "the program is not there"),
        (Status(State.FAILED, step="exec", errno=errno.EACCES), True, "EACCES"),
        (Status(State.FAILED, step="cwd", errno=errno.ENOENT), True, "working directory"),
        (Status(State.FAILED, step="exec", errno=9999), True, "9999"),
        (Status(State.BACKOFF, exit_signal=9), True, "ended by SIGKILL"),
        (Status(State.BACKOFF, exit_signal=63), True, "ended by signal 63"),
        (Status(State.BACKOFF, exit_code=3), True, "ended with status 3"),
    ],
)
def test_the_reason_names_what_a_person_can_mend(status: Status, exists: bool, words: str) -> None:
    assert words in reason(status, exists)


def test_a_service_that_runs_has_no_reason_not_to() -> None:
    assert reason(TOLD, program_exists=True) == ""
