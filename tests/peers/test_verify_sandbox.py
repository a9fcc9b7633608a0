"""A program in a sandbox gets nothing of this machine, takes no more than it may, and leaves nothing."""

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.peers.verify_probe import probe, small_root

from trimaran.errors import TrimaranError
from trimaran.rootfs import sandbox, sandbox_tree
from trimaran.rootfs.sandbox_ended import Ended
from trimaran.rootfs.sandbox_plan import HOME, Cell, Isolation, Limits, Stop, environment

pytestmark = pytest.mark.peer

INSIDE = "/tmp/program/bin/probe"
SHORT = Limits(seconds=20, memory_bytes=128 << 20, tasks=64, output_bytes=4096)


@pytest.fixture(params=list(Isolation), ids=str)
def isolation(request: pytest.FixtureRequest) -> Isolation:
    found: Isolation = request.param
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_root(tmp_path)


def cell(root: Path, *words: str, network: bool = False, over: dict[str, Path] | None = None) -> Cell:
    mounts = sandbox_tree.mounts(root, over or {}, [(str(probe("-static")), INSIDE)])
    return Cell(mounts, (INSIDE, *words), network, environment({"GIVEN": "yes"}))


def run(
    root: Path, isolation: Isolation, *words: str, limits: Limits = SHORT, network: bool = False
) -> Ended:
    return sandbox.run(cell(root, *words, network=network), limits, isolation=isolation)


def test_an_exit_status_comes_back(root: Path, isolation: Isolation) -> None:
    assert [run(root, isolation, "exit", str(number)).status for number in (0, 3)] == [0, 3]


@pytest.mark.parametrize(
    "number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGILL, signal.SIGFPE, signal.SIGKILL]
)
def test_a_signal_comes_back_by_name(root: Path, isolation: Isolation, number: signal.Signals) -> None:
    ended = run(root, isolation, "signal", str(int(number)))
    assert (ended.status, ended.signal, ended.stop) == (None, number.name, None)


def test_what_is_not_there_is_told_as_the_kernel_says_it(root: Path, isolation: Isolation) -> None:
    missing = sandbox.run(replace(cell(root), argv=("/nowhere",)), SHORT, isolation=isolation)
    assert (missing.refused, missing.status, missing.output) == ("ENOENT", None, "")


def test_no_shell_is_started_for_what_the_kernel_refuses(root: Path, isolation: Isolation) -> None:
    # Bubblewrap starts programs by execvp, which gives what is no program to /bin/sh.
    shutil.copy(probe("-static"), root / "bin/sh")
    (root / "bin/text").write_text("no program\n", "utf-8")
    (root / "bin/text").chmod(0o755)
    text = replace(cell(root), argv=("/bin/text",))
    foreign = sandbox.run(text, SHORT, isolation=isolation)
    assert foreign.refused == "ENOEXEC"


def test_a_program_that_speaks_like_the_maker_is_not_mistaken_for_it(
    root: Path, isolation: Isolation
) -> None:
    said = f"bwrap: execvp {INSIDE}: No such file or directory"
    ended = run(root, isolation, "say", said, "1")
    assert (ended.refused, ended.unmade, ended.status, ended.errors) == (None, None, 1, said + "\n")


def test_a_program_has_no_rights(root: Path, isolation: Isolation) -> None:
    lines = run(root, isolation, "rights").output.splitlines()
    rights = dict(line.split(":\t") for line in lines if "\t" in line)
    assert {value for name, value in rights.items() if name.startswith("Cap")} == {"0000000000000000"}
    assert rights["NoNewPrivs"] == "1"
    assert "uid 0, mount: Operation not permitted" in lines


def test_nothing_but_its_own_folders_can_be_written(root: Path, isolation: Isolation) -> None:
    refused = ("/x", "/etc/x", "/etc/passwd", "/usr/share/x", "/dev/x", "/nowhere")
    taken = ("/tmp/x", f"{HOME}/x", "/home/x", "/run/x", "/dev/shm/x")
    lines = run(root, isolation, "write", *refused, *taken).output.splitlines()
    assert lines[len(refused) :] == [f"{path} written" for path in taken]
    assert all("Read-only file system" in line for line in lines[: len(refused)]), lines
    assert sorted(path.name for path in root.rglob("*")) == [
        "bin",
        "etc",
        "lib",
        "passwd",
        "share",
        "usr",
        "word",
    ]


def test_it_sees_the_given_environment_and_no_other(root: Path, isolation: Isolation) -> None:
    lines = run(root, isolation, "environment").output.splitlines()
    names = {line.partition("=")[0] for line in lines}
    assert names - {"PWD"} == {"PATH", "HOME", "USER", "LANG", "TERM", "GIVEN"}


def test_there_is_no_network_unless_asked_for(root: Path, isolation: Isolation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert run(root, isolation, "connect", port).output == "Connection refused\n"
        assert run(root, isolation, "connect", port, network=True).output == "connected\n"


def test_time_is_bounded(root: Path, isolation: Isolation) -> None:
    ended = run(root, isolation, "sleep", "60", limits=replace(SHORT, seconds=0.4))
    assert (ended.stop, ended.status, ended.signal) == (Stop.TIME, None, None)
    assert 0.4 <= ended.seconds < 5


@pytest.mark.parametrize(
    ("what", "stop"), [("fork", Stop.TASKS), ("threads", Stop.TASKS), ("memory", Stop.MEMORY)]
)
def test_a_greedy_program_is_ended_even_for_root(
    root: Path, isolation: Isolation, what: str, stop: Stop
) -> None:
    ended = run(root, isolation, what)
    assert ended.stop is stop
    assert ended.seconds < 15


def test_output_is_bounded_and_keeps_both_ends(root: Path, isolation: Isolation) -> None:
    ended = run(root, isolation, "flood", limits=replace(SHORT, seconds=0.5))
    assert ended.stop is Stop.TIME
    assert len(ended.output) < 4300
    assert "bytes left out" in ended.output


def test_what_a_program_leaves_running_ends_with_it(root: Path, isolation: Isolation) -> None:
    ended = run(root, isolation, "daemon")
    assert ended.status == 0
    assert ended.seconds < 5


def test_a_run_can_be_cancelled(root: Path, isolation: Isolation) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    ended = sandbox.run(cell(root, "sleep", "60"), SHORT, isolation=isolation, cancelled=stop.is_set)
    assert ended.stop is Stop.CANCELLED


@pytest.mark.parametrize("there", ["a file", "nothing", "a link"])
def test_a_file_of_etc_is_shown_over_what_is_there(
    root: Path, isolation: Isolation, tmp_path: Path, there: str
) -> None:
    place = root / "etc/nsswitch.conf"
    if there == "a file":
        place.write_text("passwd: files\n", "utf-8")
    elif there == "a link":
        place.symlink_to("/nowhere/nsswitch.conf")
    mine = tmp_path / "mine"
    mine.write_text("passwd: compat\n", "utf-8")
    shown = cell(root, "write", "/etc/nsswitch.conf", "/etc/passwd", over={"nsswitch.conf": mine})
    lines = sandbox.run(shown, SHORT, isolation=isolation).output.splitlines()
    assert all("Read-only" in line for line in lines)
    assert len(lines) == 2


def test_a_root_that_is_no_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrimaranError) as refused:
        sandbox_tree.mounts(tmp_path / "nowhere", {})
    assert refused.value.problems[0].code == "TRM1140"
    for number in range(600):
        (tmp_path / str(number)).touch()
    with pytest.raises(TrimaranError) as refused:
        sandbox_tree.mounts(tmp_path, {})
    assert refused.value.problems[0].code == "TRM1141"


def test_a_sandbox_that_cannot_be_made_is_an_error_of_ours(root: Path, isolation: Isolation) -> None:
    made = cell(root)
    broken = replace(made, mounts=tuple(each for each in made.mounts if each.to != "/proc" or each.source))
    bad = tuple(
        replace(each, source="/nowhere/at/all") if each.to == INSIDE else each for each in broken.mounts
    )
    with pytest.raises(TrimaranError) as refused:
        sandbox.run(replace(broken, mounts=bad), SHORT, isolation=isolation)
    assert refused.value.problems[0].code == "TRM1143"


MARKS = itertools.count(100_000_000 + os.getpid() * 100)
SLEEPER = """
import sys
from pathlib import Path
from trimaran.rootfs import sandbox, sandbox_tree
from trimaran.rootfs.sandbox_plan import Cell, Isolation, Limits
root, program, mark, isolation = sys.argv[1:]
mounts = sandbox_tree.mounts(Path(root), {}, [(program, "/tmp/program/bin/probe")])
print("begun", flush=True)
cell = Cell(mounts, ("/tmp/program/bin/probe", "sleep", mark))
sandbox.run(cell, Limits(30), isolation=Isolation(isolation))
"""


def living(mark: str) -> list[int]:
    """The processes that have `mark` as a word of their command."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"sleep" in words and mark.encode() in words:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("after_s", [0.0, 0.003, 0.006, 0.01, 0.03, 0.3])
def test_nothing_is_left_when_we_are_killed(root: Path, isolation: Isolation, after_s: float) -> None:
    mark = str(next(MARKS))
    argv = [sys.executable, "-c", SLEEPER, str(root), str(probe("-static")), mark, str(isolation)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as ours:
        assert ours.stdout is not None
        assert ours.stdout.readline() == b"begun\n"
        time.sleep(after_s)
        ours.kill()
    deadline = time.monotonic() + 5
    while (left := [each for each in living(mark) if each != ours.pid]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == []
    assert sorted(path.name for path in root.iterdir()) == ["bin", "etc", "lib", "usr"]


@pytest.fixture
def open_root() -> Iterator[Path]:
    """A root file system and a program that any user of this machine can read."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="trimaran-open-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        shutil.copy(probe("-static"), place / "probe")
        shutil.copytree(
            Path(sandbox.__file__).parents[1], place / "trimaran", ignore=shutil.ignore_patterns("*.pyc")
        )
        small_root(place)
        yield place


ORDINARY = """
import json, sys, types
from pathlib import Path
import trimaran
# The room's front needs more than the standard library, which is all that every user has.
room = types.ModuleType("trimaran.rootfs")
room.__path__ = [str(Path(trimaran.__file__).parent / "rootfs")]
sys.modules["trimaran.rootfs"] = room
from trimaran.rootfs import sandbox, sandbox_tree
from trimaran.rootfs.sandbox_plan import Cell, Isolation, Limits
root, program, isolation = sys.argv[1:]
mounts = sandbox_tree.mounts(Path(root), {}, [(program, "/tmp/program/bin/probe")])
limits = Limits(seconds=20, memory_bytes=128 << 20, tasks=64)
for words in (["rights"], ["exit", "5"], ["fork"], ["memory"]):
    cell = Cell(mounts, ("/tmp/program/bin/probe", *words))
    ended = sandbox.run(cell, limits, isolation=Isolation(isolation))
    print(json.dumps([ended.status, ended.stop, ended.output]))
"""


def test_an_ordinary_user_has_the_same_sandbox(open_root: Path, isolation: Isolation) -> None:
    python = "/usr/bin/python3" if os.geteuid() == 0 else sys.executable
    argv = [python, "-c", ORDINARY, str(open_root / "root"), str(open_root / "probe"), str(isolation)]
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, timeout=100, cwd="/",
        user=65534 if os.geteuid() == 0 else None, group=65534 if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(open_root), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rights, own, fork, memory = (json.loads(line) for line in done.stdout.splitlines())
    assert "uid 0, mount: Operation not permitted" in rights[2]
    assert "CapEff:\t0000000000000000" in rights[2]
    assert own[:2] == [5, None]
    assert (fork[1], memory[1]) == ("tasks", "memory")
