from trimaran.lab.members import Member
from trimaran.lab.standing import Seen, State, all_up, standing, unset

API = Member("kubernetes-api", "kube-apiserver", ("x",), (20_001,), 1)
KWOK = Member("kubernetes-kwok", "kwok", ("y",), (), 2)
WANTED = [(API, "1.35.4", "d1"), (KWOK, "0.8.0", "d2")]
RUNNING = (Seen("kubernetes-api", 10, 5, "d1", 400), Seen("kubernetes-kwok", 11, 6, "d2", 80))


def test_what_runs_and_answers_is_up() -> None:
    rows = standing(WANTED, RUNNING, {"kubernetes-api"})
    assert [(row.state, row.pid, row.memory) for row in rows] == [(State.UP, 10, 400), (State.UP, 11, 80)]
    assert rows[0].address == "127.0.0.1:20001"
    assert all_up(rows)


def test_what_listens_and_does_not_answer_is_not_up() -> None:
    rows = standing(WANTED, RUNNING, ())
    assert [row.state for row in rows] == [State.STARTING, State.UP]
    assert not all_up(rows)


def test_what_runs_with_other_settings_is_stale_even_when_it_answers() -> None:
    old = (Seen("kubernetes-api", 10, 5, "old", 400), RUNNING[1])
    assert [row.state for row in standing(WANTED, old, {"kubernetes-api"})] == [State.STALE, State.UP]


def test_what_does_not_run_is_down_and_names_no_process() -> None:
    rows = standing(WANTED, RUNNING[1:], ())
    assert (rows[0].state, rows[0].pid, rows[0].memory) == (State.DOWN, 0, 0)
    assert not all_up(rows)


def test_a_lab_that_was_never_made_is_down_and_one_without_settings_is_stale() -> None:
    versions = {"kube-apiserver": "1.35.4", "kwok": "0.8.0"}
    assert {row.state for row in unset([API, KWOK], versions, ())} == {State.DOWN}
    rows = unset([API, KWOK], versions, RUNNING[:1])
    assert [(row.state, row.address, row.pid) for row in rows] == [(State.STALE, "", 10), (State.DOWN, "", 0)]
    assert not all_up(())
