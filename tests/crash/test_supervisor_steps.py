"""The supervisor killed before each of its system calls in turn: start, record, hand-over, restart."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.supervise.living import Keep, wait_for
from trimaran.supervise import control, supervisor
from trimaran.supervise.state import State, Unit

# Ends once by itself and then stays, so that the calls of a restart are among those counted.
PROGRAM = 'echo $$ >> "$PIDS"; if mkdir "$PIDS.once" 2>&-; then exit 3; fi; sleep 600 & wait'
# Runs the real supervisor, and kills it before its call number STEP of those named; never its child.
DOOMED = """
import os, signal, sys
step, folder, place = int(sys.argv[1]), sys.argv[2], sys.argv[3]
sys.path.insert(0, place)
import supervisor
detach = supervisor.detach
def counted():
    detach()
    me, made = os.getpid(), [0]
    def doomed(name):
        real = getattr(os, name)
        def call(*args, **named):
            if os.getpid() == me:
                made[0] += 1
                if made[0] == step:
                    real_kill(me, signal.SIGKILL)
            return real(*args, **named)
        return call
    real_kill = os.kill
    for name in ("open", "close", "pipe", "fork", "read", "write", "fsync", "replace", "mkfifo", "waitpid",
                 "waitid", "unlink", "dup2"):
        setattr(os, name, doomed(name))
supervisor.detach = counted
supervisor.main(folder)
"""
# The second start is behind call 80; later ones only drain the log.
STEPS = 110


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Keep]:
    kept = Keep(tmp_path / "service")
    yield kept
    kept.clear()


def run_doomed(folder: Path, name: str, step: int) -> None:
    place = str(Path(str(supervisor.__file__)).parent)
    argv = [sys.executable, "-I", "-S", "-c", DOOMED, str(step), str(folder), place]
    env = {supervisor.KEEPER: name, "LC_ALL": "C.UTF-8"}
    subprocess.run(argv, input=b"{}\n", capture_output=True, env=env, timeout=30, check=True)


@pytest.mark.parametrize("step", range(1, STEPS, 2))
def test_killed_before_any_call_no_program_is_unrecorded_or_doubled(
    keep: Keep, tmp_path: Path, step: int
) -> None:
    name, pids = f"steps-{os.getpid()}-{step}", tmp_path / "pids"
    unit = Unit(("/bin/sh", "-c", PROGRAM), env={"PIDS": str(pids)}, first_s=0.02, grace_s=2.0)
    keep.folder.mkdir()
    (keep.folder / "id").write_text(name)
    (keep.folder / "unit.json").write_text(json.dumps(unit.document(name), indent=1))
    run_doomed(keep.folder, name, step)
    until = time.monotonic() + 1.0
    while supervisor.marked(supervisor.KEEPER, name) and time.monotonic() < until:
        time.sleep(0.005)
    for pid, begun in supervisor.marked(supervisor.KEEPER, name):
        supervisor.send(pid, begun, signal.SIGKILL)  # The steps that it does not reach.
    wait_for(lambda: not supervisor.marked(supervisor.KEEPER, name))

    # In the middle of its exec a program has neither the old environment nor the new one.
    wait_for(lambda: leaders(name) == recorded(keep.folder))

    assert control.start(keep.folder, unit, {}).state in (State.RUNNING, State.BACKOFF)
    wait_for(lambda: control.status(keep.folder).state is State.RUNNING and len(running(pids)) == 1)
    control.stop(keep.folder)
    assert running(pids) == []
    assert supervisor.marked(supervisor.MARK, name) == []


def leaders(name: str) -> list[tuple[int, int]]:
    return [each for each in supervisor.marked(supervisor.MARK, name) if leads(*each)]


def recorded(folder: Path) -> list[tuple[int, int]]:
    child = control.status(folder).child
    return [(child.pid, child.start)] if child else []


def leads(pid: int, start: int) -> bool:
    seen = supervisor.stat_of(pid)
    return seen is not None and seen["start"] == start and seen["session"] == pid


def running(pids: Path) -> list[int]:
    numbers = [int(line) for line in pids.read_text().split()] if pids.exists() else []
    return [pid for pid in numbers if (supervisor.stat_of(pid) or {}).get("state") not in (None, ord("Z"))]
