"""Running a command: it ends in time, with all that it started, and its output stays bounded."""

import time
from pathlib import Path

import pytest

from trimaran.errors import TrimaranError
from trimaran.toolchain import gocommand
from trimaran.toolchain.gocommand import Finished, Limits


def run(script: str, folder: Path, limits: Limits, told: list[str] | None = None) -> Finished:
    lines = told if told is not None else []
    return gocommand.run(["/bin/sh", "-c", script], folder, {"PATH": "/usr/bin:/bin"}, lines.append, limits)


def code(caught: pytest.ExceptionInfo[TrimaranError]) -> str:
    (problem,) = caught.value.problems
    return problem.code


def test_what_a_command_says_and_how_it_ends_is_kept(tmp_path: Path) -> None:
    told: list[str] = []
    script = "echo out; echo 'go: downloading example.com/m v1.0.0' >&2; echo err >&2; exit 3"
    finished = run(script, tmp_path, Limits(), told)
    assert finished == Finished(3, "out\n", "go: downloading example.com/m v1.0.0\nerr\n")
    assert told == ["downloading example.com/m v1.0.0"]


def test_a_command_that_moves_nothing_is_stopped(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(TrimaranError, match="received nothing") as caught:
        run("sleep 60", tmp_path, Limits(total_s=60, idle_s=0.3))
    assert code(caught) == "TRM0325"
    assert time.monotonic() - started < 20


def test_a_command_that_takes_too_long_is_stopped_with_its_children(tmp_path: Path) -> None:
    with pytest.raises(TrimaranError, match="did not end within") as caught:
        run("sleep 61 & echo $! > child; wait", tmp_path, Limits(total_s=0.6))
    assert code(caught) == "TRM0325"
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _runs(child):
        time.sleep(0.02)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_output_is_bounded_and_the_command_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gocommand, "_KEPT_OUTPUT", 1000)
    line = "head -c 300000 /dev/zero | tr '\\0' x; echo"
    finished = run(f"for i in 1 2 3; do {line}; done", tmp_path, Limits())
    assert finished.status == 0
    assert 1000 <= len(finished.out) < 400_000


def test_a_long_command_gives_a_sign_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gocommand, "_HEARTBEAT_S", 0.1)
    told: list[str] = []
    run("sleep 1.2", tmp_path, Limits(), told)
    assert told
    assert "at work" in told[0]


def test_what_cannot_be_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrimaranError, match=r"/nowhere/go cannot be run") as caught:
        gocommand.run(["/nowhere/go", "env"], tmp_path, {}, lambda line: None, Limits())
    assert code(caught) == "TRM0324"


def test_a_go_that_does_not_answer_sensibly_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "go"
    broken.write_text("#!/bin/sh\necho nonsense\n")
    broken.chmod(0o755)
    with pytest.raises(TrimaranError) as caught:
        gocommand.settings(broken, {"PATH": "/bin:/usr/bin"}, tmp_path)
    assert code(caught) == "TRM0324"


def test_without_a_home_go_gets_caches_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("GOCACHE", raising=False)
    monkeypatch.setenv("GOMODCACHE", "/mine")
    env = gocommand.environment(tmp_path, {})
    assert env["GOCACHE"]
    assert env["GOMODCACHE"] == "/mine"
