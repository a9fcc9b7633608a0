"""Services that really run, on this machine, kept by the real supervisor."""

import os
import signal
import time
from pathlib import Path

import pytest
from tests.unit.supervise.living import Keep, wait_for

from trimaran.errors import TrimaranError
from trimaran.supervise import control, supervisor
from trimaran.supervise.state import Restart, State, Unit


def test_a_started_service_runs_and_is_found_again(keep: Keep) -> None:
    begun = keep.start("echo hello; exec sleep 600")
    assert begun.state is State.RUNNING
    assert begun.child is not None
    assert supervisor.alive(begun.child.pid, begun.child.start)
    assert control.status(keep.folder) == begun
    wait_for(lambda: control.tail(keep.folder, 5) == ("hello",))


def test_a_second_start_changes_nothing(keep: Keep) -> None:
    assert keep.start("exec sleep 600") == keep.start("exec sleep 600")


def test_stop_ends_the_supervisor_and_the_program(keep: Keep) -> None:
    begun = keep.start("exec sleep 600")
    control.stop(keep.folder)
    assert begun.supervisor is not None
    assert begun.child is not None
    assert not supervisor.alive(begun.supervisor.pid, begun.supervisor.start)
    assert not supervisor.alive(begun.child.pid, begun.child.start)
    assert control.status(keep.folder).state is State.STOPPED


def test_stop_removes_the_folder_only_when_asked(keep: Keep) -> None:
    keep.start("exec sleep 600")
    control.stop(keep.folder)
    assert keep.folder.is_dir()
    control.stop(keep.folder, remove=True)
    assert not keep.folder.exists()
    control.stop(keep.folder, remove=True)


def test_a_program_that_ends_is_started_again(keep: Keep) -> None:
    begun = keep.start("echo once; exit 3", first_s=0.05)
    wait_for(lambda: control.status(keep.folder).restarts >= 2)
    assert begun.supervisor == control.status(keep.folder).supervisor
    assert control.status(keep.folder).exit_code == 3
    assert control.tail(keep.folder, 50).count("once") >= 2


def test_a_program_with_restart_never_is_left_ended(keep: Keep) -> None:
    keep.start("exit 3", restart=Restart.NEVER)
    wait_for(lambda: control.status(keep.folder).state is State.FAILED)
    wait_for(lambda: control.status(keep.folder).supervisor is None)
    assert control.status(keep.folder).exit_code == 3


def test_a_clean_end_is_no_failure_when_only_failures_restart(keep: Keep) -> None:
    keep.start("exit 0", restart=Restart.ON_FAILURE)
    wait_for(lambda: control.status(keep.folder).state is State.STOPPED)


def test_another_unit_replaces_the_one_that_runs(keep: Keep) -> None:
    first = keep.start("exec sleep 600")
    second = keep.start("exec sleep 601")
    assert first.child is not None
    assert second.child is not None
    assert first.child != second.child
    assert not supervisor.alive(first.child.pid, first.child.start)


def test_an_orphaned_program_is_adopted_not_started_twice(keep: Keep) -> None:
    begun = keep.start("echo hello; exec sleep 600")
    assert begun.supervisor is not None
    os.kill(begun.supervisor.pid, signal.SIGKILL)
    wait_for(lambda: control.status(keep.folder).state is State.LOST)
    again = keep.start("echo hello; exec sleep 600")
    assert again.child == begun.child
    assert again.supervisor != begun.supervisor
    assert again.state is State.RUNNING
    assert len(control.processes(keep.folder)) == 1


def test_an_adopted_program_that_dies_is_started_again(keep: Keep) -> None:
    begun = keep.start("exec sleep 600", first_s=0.05)
    assert begun.supervisor is not None
    assert begun.child is not None
    os.kill(begun.supervisor.pid, signal.SIGKILL)
    wait_for(lambda: control.status(keep.folder).state is State.LOST)
    keep.start("exec sleep 600", first_s=0.05)
    os.kill(begun.child.pid, signal.SIGKILL)
    wait_for(lambda: control.status(keep.folder).child not in (None, begun.child))


def test_stop_ends_what_left_the_session_after_the_supervisor_was_killed(keep: Keep) -> None:
    begun = keep.start("setsid sleep 600 & sleep 600 & exec sleep 600")
    wait_for(lambda: len(control.processes(keep.folder)) == 3)
    family = control.processes(keep.folder)
    assert begun.supervisor is not None
    os.kill(begun.supervisor.pid, signal.SIGKILL)
    control.stop(keep.folder)
    assert not [each for each in family if supervisor.alive(each.pid, each.start)]


def test_a_program_that_ignores_sigterm_is_killed_after_its_grace(keep: Keep) -> None:
    begun = keep.start("trap '' TERM; echo deaf; while :; do sleep 0.1; done", grace_s=0.3)
    wait_for(lambda: control.tail(keep.folder, 1) == ("deaf",))
    control.stop(keep.folder)
    assert begun.child is not None
    assert not supervisor.alive(begun.child.pid, begun.child.start)


@pytest.mark.parametrize(
    ("content", "mode", "number"),
    [
        (None, 0o755, "ENOENT"),
        (b"#!/nowhere/interpreter\n", 0o755, "ENOENT"),
        (b"#!/bin/sh\n", 0o644, "EACCES"),
        (b"\x7fELF nonsense", 0o755, "ENOEXEC"),
    ],
)
def test_a_program_that_cannot_be_executed_is_reported_with_its_errno(
    keep: Keep, tmp_path: Path, content: bytes | None, mode: int, number: str
) -> None:
    program = tmp_path / "program"
    if content is not None:
        program.write_bytes(content)
        program.chmod(mode)
    seen = control.start(keep.folder, Unit((str(program),)), {})
    assert seen.state is State.FAILED
    assert seen.step == "exec"
    assert seen.errno == getattr(__import__("errno"), number)
    assert seen.child is None


def test_a_secret_reaches_the_program_and_no_file(keep: Keep) -> None:
    script = 'test "$TOKEN" = canary-5193 && echo right; exec sleep 600'
    unit = Unit(("/bin/sh", "-c", script.replace("canary-5193", "canary-''5193")), secret_names=("TOKEN",))
    control.start(keep.folder, unit, {"TOKEN": "canary-5193"})
    wait_for(lambda: control.tail(keep.folder, 1) == ("right",))
    kept = [path for path in keep.folder.iterdir() if path.is_file()]
    assert len(kept) > 3
    assert not [path for path in kept if b"canary-5193" in path.read_bytes()]


def test_a_missing_secret_and_a_nul_are_refused_together(keep: Keep) -> None:
    unit = Unit(("sleep", "a\0b"), secret_names=("TOKEN",))
    with pytest.raises(TrimaranError) as refused:
        control.start(keep.folder, unit, {})
    assert [problem.code for problem in refused.value.problems] == ["TRM0502"] * 3


def test_the_environment_is_exactly_as_given(keep: Keep) -> None:
    keep.run(("/usr/bin/env",), env={"COLOUR": "blue"}, restart=Restart.NEVER)
    wait_for(lambda: control.status(keep.folder).state is State.STOPPED)
    names = {line.partition("=")[0] for line in control.tail(keep.folder, 50) if "=" in line}
    assert names == {"PATH", "COLOUR", "TRIMARAN_UNIT"}


def test_a_service_that_waits_for_its_next_start_is_stopped_at_once(keep: Keep) -> None:
    keep.start("exit 3", first_s=60.0, max_s=60.0)
    wait_for(lambda: control.status(keep.folder).state is State.BACKOFF)
    begun = time.monotonic()
    control.stop(keep.folder)
    assert time.monotonic() - begun < 2.0
    assert control.status(keep.folder).state is State.STOPPED
    assert control.status(keep.folder).supervisor is None


def test_a_shorter_grace_than_the_units_ends_a_deaf_program_sooner(keep: Keep) -> None:
    begun = keep.start("trap '' TERM; echo deaf; while :; do sleep 0.1; done", grace_s=60.0)
    wait_for(lambda: control.tail(keep.folder, 1) == ("deaf",))
    control.stop(keep.folder, grace_s=0.2)
    assert begun.child is not None
    assert not supervisor.alive(begun.child.pid, begun.child.start)


def test_a_damaged_record_says_what_to_remove(keep: Keep) -> None:
    begun = keep.start("exec sleep 600")
    whole = (keep.folder / "status.json").read_bytes()
    (keep.folder / "status.json").write_bytes(whole[:20])
    with pytest.raises(TrimaranError, match="TRM0503") as told:
        control.status(keep.folder)
    assert str(keep.folder) in told.value.problems[0].fix
    (keep.folder / "status.json").write_bytes(whole)
    assert control.status(keep.folder) == begun
