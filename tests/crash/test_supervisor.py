"""The supervisor killed at any moment: nothing runs twice, nothing is left, nobody else is touched."""

import contextlib
import json
import os
import pty
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.supervise.living import Keep, wait_for
from trimaran.supervise import control, supervisor
from trimaran.supervise.state import State, Unit

PROGRAM = 'echo $$ >> "$PIDS"; sleep 600 & wait'
START = """
import sys
from pathlib import Path
from trimaran.supervise import control
from trimaran.supervise.state import Unit
unit = Unit(("/bin/sh", "-c", sys.argv[2]), env={"PIDS": sys.argv[3]}, grace_s=2.0)
print(control.start(Path(sys.argv[1]), unit, {}).state)
"""


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Keep]:
    kept = Keep(tmp_path / "service")
    yield kept
    kept.clear()


@pytest.fixture
def named(keep: Keep) -> str:
    """The unit's id, fixed before the first start so that the test can find the supervisor early."""
    keep.folder.mkdir()
    name = f"test-{os.getpid()}-{time.monotonic_ns()}"
    (keep.folder / "id").write_text(name)
    return name


def start(keep: Keep, pids: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START, str(keep.folder), PROGRAM, str(pids)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def running(pids: Path) -> list[int]:
    """The programs that say that they were started and still are there."""
    numbers = [int(line) for line in pids.read_text().split()] if pids.exists() else []
    return [pid for pid in numbers if (supervisor.stat_of(pid) or {}).get("state") not in (None, ord("Z"))]


def left(name: str) -> list[tuple[int, int]]:
    return supervisor.marked(supervisor.MARK, name) + supervisor.marked(supervisor.KEEPER, name)


def kill_soon(name: str, after_s: float, until: threading.Event) -> None:
    """SIGKILL the first supervisor that shows, `after_s` after it has."""
    while not until.is_set():
        found = supervisor.marked(supervisor.KEEPER, name)
        if found:
            time.sleep(after_s)
            for pid, begun in found:
                supervisor.send(pid, begun, signal.SIGKILL)
            for pid, begun in supervisor.marked(supervisor.KEEPER, name):
                supervisor.send(pid, begun, signal.SIGKILL)
            return


@pytest.mark.parametrize("turn", range(30))
def test_killed_at_any_moment_it_never_starts_twice_and_stop_leaves_nothing(
    keep: Keep, named: str, tmp_path: Path, turn: int
) -> None:
    pids, done = tmp_path / "pids", threading.Event()
    chance = random.Random(turn)
    killer = threading.Thread(target=kill_soon, args=(named, chance.uniform(0, 0.05), done))
    killer.start()
    first = start(keep, pids)
    first.communicate(timeout=60)
    time.sleep(chance.uniform(0, 0.03))
    done.set()
    killer.join()
    assert len(running(pids)) <= 1
    if turn % 3:
        again = start(keep, pids)
        assert again.communicate(timeout=60) == ("running\n", "")
        wait_for(lambda: len(running(pids)) == 1)
        assert len(control.processes(keep.folder)) <= 2
    control.stop(keep.folder, grace_s=1.0)
    assert left(named) == []
    assert running(pids) == []


def test_starts_at_once_start_it_once(keep: Keep, named: str, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    commands = [start(keep, pids) for _ in range(5)]
    for command in commands:
        assert command.communicate(timeout=60) == ("running\n", "")
    wait_for(lambda: running(pids))
    assert len(pids.read_text().split()) == 1
    assert len(supervisor.marked(supervisor.KEEPER, named)) == 1


def test_a_second_supervisor_ends_at_once(keep: Keep) -> None:
    begun = keep.start("sleep 600")
    argv = [sys.executable, "-I", "-S", supervisor.__file__, str(keep.folder)]
    done = subprocess.run(argv, input=b"{}\n", capture_output=True, timeout=20, check=False)
    assert done.stdout == b"locked\n"
    assert control.status(keep.folder) == begun


def test_a_supervisor_whose_command_broke_off_starts_nothing(keep: Keep, named: str) -> None:
    unit = Unit(("/bin/sleep", "600")).document(named)
    (keep.folder / "unit.json").write_text(json.dumps(unit))
    argv = [sys.executable, "-I", "-S", supervisor.__file__, str(keep.folder)]
    done = subprocess.run(argv, input=b'{"TOKEN": "ha', capture_output=True, timeout=20, check=False)
    assert done.stdout == b"secrets broke off\n"
    assert left(named) == []


def test_a_process_that_has_the_recorded_number_by_chance_is_never_touched(keep: Keep) -> None:
    begun = keep.start("sleep 600")
    control.stop(keep.folder)
    assert begun.child is not None
    with subprocess.Popen(["/bin/sleep", "600"], start_new_session=True) as other:
        try:
            for start_time, boot in ((1, supervisor.boot_id()), (None, "another boot")):
                seen = supervisor.stat_of(other.pid)
                assert seen is not None
                who = {"pid": other.pid, "start": start_time or seen["start"]}
                record = json.loads((keep.folder / "status.json").read_bytes())
                record |= {"boot": boot, "state": "running", "child": who, "supervisor": who}
                (keep.folder / "status.json").write_text(json.dumps(record))
                assert control.status(keep.folder).state is State.GONE
                control.stop(keep.folder)
                assert other.poll() is None
                (keep.folder / "status.json").write_text(json.dumps(record))
                again = keep.start("sleep 600")
                assert again.state is State.RUNNING
                assert again.child is not None
                assert again.child.pid != other.pid
                control.stop(keep.folder)
                assert other.poll() is None
        finally:
            other.kill()


def test_a_damaged_status_does_not_hide_what_runs_from_stop(keep: Keep, named: str) -> None:
    keep.start("setsid sleep 600 & sleep 600")
    wait_for(lambda: len(left(named)) >= 3)
    (keep.folder / "status.json").write_text("{")
    control.stop(keep.folder, grace_s=1.0)
    assert left(named) == []
    (keep.folder / "status.json").unlink(missing_ok=True)


def test_the_service_outlives_its_terminal(keep: Keep, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    pid, terminal = pty.fork()
    if pid == 0:
        argv = [sys.executable, "-c", START + "input()", str(keep.folder), PROGRAM, str(pids)]
        os.execv(sys.executable, argv)
    try:
        wait_for(lambda: control.status(keep.folder).state is State.RUNNING and running(pids))
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    time.sleep(0.2)
    now = control.status(keep.folder)
    assert now.state is State.RUNNING
    assert now.supervisor is not None
    assert len(running(pids)) == 1
    # A terminal that hangs up is one thing, a signal sent to it by hand another.
    os.kill(now.supervisor.pid, signal.SIGHUP)
    time.sleep(0.1)
    assert control.status(keep.folder) == now


def test_the_supervisor_holds_on_to_nothing_of_the_command(keep: Keep, tmp_path: Path) -> None:
    inherited = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    try:
        begun = keep.start("sleep 600")
    finally:
        os.close(inherited)
    assert begun.supervisor is not None
    mine = Path("/proc") / str(begun.supervisor.pid)
    assert (mine / "cwd").readlink() == Path("/")
    opened = {str(fd.readlink()) for fd in (mine / "fd").iterdir()}
    assert all(path.startswith(("/dev/null", "pipe:", "anon_inode:", str(keep.folder))) for path in opened)
    assert supervisor.stat_of(begun.supervisor.pid)["session"] != os.getsid(0)  # type: ignore[index]  # it runs


def test_the_supervisor_is_small(keep: Keep) -> None:
    begun = keep.start("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo end; sleep 600")
    wait_for(lambda: control.tail(keep.folder, 1) == ("end",))
    assert begun.supervisor is not None
    text = Path(f"/proc/{begun.supervisor.pid}/status").read_text()
    kib = int(text.partition("VmRSS:")[2].split()[0])
    assert kib < 15 * 1024, f"{kib} KiB"


LINES = """
import sys, time
for i in range(50000):
    print("line", i, "x" * (i % 90))
print("end")
sys.stdout.flush()
time.sleep(600)
"""


def test_fifty_thousand_lines_survive_rotation_in_order(keep: Keep) -> None:
    keep.run((sys.executable, "-c", LINES), log_bytes=200_000, log_keep=50)
    wait_for(lambda: control.tail(keep.folder, 1) == ("end",), 30)
    assert len(list(keep.folder.glob("log.*"))) > 10
    lines = [line for line in control.tail(keep.folder, 60_000) if line.startswith("line")]
    assert lines == [f"line {i} {'x' * (i % 90)}" for i in range(50_000)]


def test_what_is_written_while_no_supervisor_lives_is_not_lost(keep: Keep, tmp_path: Path) -> None:
    go = tmp_path / "go"
    script = f"echo before; until [ -e {go} ]; do sleep 0.05; done; echo between; sleep 600"
    begun = keep.start(script)
    wait_for(lambda: control.tail(keep.folder, 1) == ("before",))
    assert begun.supervisor is not None
    os.kill(begun.supervisor.pid, signal.SIGKILL)
    wait_for(lambda: control.status(keep.folder).state is State.LOST)
    go.touch()
    time.sleep(0.3)
    assert control.status(keep.folder).state is State.LOST
    again = keep.start(script)
    assert again.child == begun.child
    wait_for(lambda: "between" in control.tail(keep.folder, 5))


def test_a_removed_state_folder_ends_the_service(keep: Keep) -> None:
    import shutil

    begun = keep.start("sleep 600", grace_s=0.5)
    assert begun.child is not None
    assert begun.supervisor is not None
    time.sleep(0.2)
    shutil.rmtree(keep.folder)
    os.kill(begun.supervisor.pid, signal.SIGCHLD)  # Any wake-up; otherwise within ten seconds.
    child = begun.child
    wait_for(lambda: not supervisor.alive(child.pid, child.start))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)], check=True)
    yield place
    if (place / "service/status.json").exists():
        control.stop(place / "service", grace_s=0.0)
    subprocess.run(["umount", str(place)], check=True)


def fill(ballast: Path) -> None:
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 1024)


@pytest.mark.peer
def test_a_full_disk_stops_neither_the_service_nor_its_restart(small_disk: Path) -> None:
    kept = Keep(small_disk / "service")
    script = f"while :; do echo {'tick' * 100}; sleep 0.01; done"
    begun = kept.start(script, first_s=0.05, log_bytes=100_000)
    assert begun.child is not None
    fill(small_disk / "ballast")
    time.sleep(1.0)
    assert control.status(kept.folder).child == begun.child
    os.kill(begun.child.pid, signal.SIGKILL)
    wait_for(lambda: control.status(kept.folder).child not in (None, begun.child))
    assert len(control.processes(kept.folder)) <= 2
    (small_disk / "ballast").unlink()
    wait_for(lambda: "lines were dropped here: No space left" in "\n".join(control.tail(kept.folder, 500)))
    control.stop(kept.folder)
    assert control.status(kept.folder).state is State.STOPPED
