"""A lab for benchmarks alone, and commands run whole in it: their seconds and their memory."""

import atexit
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

import platformdirs

from bench.case import folder
from trimaran import lab
from trimaran.lab import processes

TRIMARAN = str(Path(sys.executable).parent / "trimaran")
_LOOK_S = 0.1
_KEPT = ("etcd", "kubernetes-api", "vsphere")
_LONGEST_S = 400


@dataclass(frozen=True, slots=True)
class Spent:
    """A command that has ended.

    Args:
        peak_mb: the sum of the peaks of its processes, children too, in 10^6 bytes: a page that two of them
            share counts twice.
    """

    seconds: float
    peak_mb: float
    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Stand:
    """A lab that is up, and a home for the commands that work on it."""

    root: Path
    home: Path
    programs: Mapping[str, Path]
    rows: tuple[lab.standing.Row, ...]

    def trimaran(self, *words: str, good: Sequence[int] = (0,)) -> Spent:
        """`trimaran WORDS`."""
        return self._run([TRIMARAN, *words], {}, good)

    def kubectl(self, *words: str, good: Sequence[int] = (0,)) -> Spent:
        """`kubectl WORDS` as the cluster's admin."""
        return self._run([*self.kubectl_argv(), *words], {}, good)

    def kubectl_argv(self) -> list[str]:
        return [str(self.programs["kubectl"]), "--kubeconfig", str(self.root / "kubeconfig")]

    def govc(self, *words: str) -> Spent:
        """`govc WORDS`, which keeps its session for the next one."""
        return self._run([str(self.programs["govc"]), *words], self.govc_env(), (0,))

    def govc_env(self) -> dict[str, str]:
        return {
            "GOVC_URL": f"https://{self.address('vsphere')}/sdk",
            "GOVC_USERNAME": lab.members.USER,
            "GOVC_PASSWORD": (self.root / "vcenter.password").read_text("utf-8").strip(),
            "GOVC_TLS_CA_CERTS": str(self.root / "ca.crt"),
        }

    def address(self, member: str) -> str:
        """Where a member listens, as 127.0.0.1:PORT."""
        return next(row.address for row in self.rows if row.member == member)

    def _run(self, argv: list[str], more: Mapping[str, str], good: Sequence[int]) -> Spent:
        # The lab's programs and what else the cache keeps are the user's; the ledger is not.
        env = os.environ | {
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CACHE_HOME": str(platformdirs.user_cache_path()),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            **more,
        }
        with tempfile.TemporaryFile(dir=self.home) as out, tempfile.TemporaryFile(dir=self.home) as err:
            started = time.perf_counter()
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env)
            stop = threading.Event()
            peaks: dict[int, int] = {}
            watching = threading.Thread(target=_watch, args=(child.pid, peaks, stop))
            watching.start()
            try:
                status = child.wait(_LONGEST_S)
                seconds = time.perf_counter() - started
            finally:
                stop.set()
                watching.join()
                if child.poll() is None:
                    child.send_signal(signal.SIGKILL)
                    child.wait()
            text, told = (_text(file) for file in (out, err))
        if status not in good:
            raise RuntimeError(f"{' '.join(argv)[:300]} ended with {status}: {told[-2000:]}")
        return Spent(seconds, sum(peaks.values()) * 1024 / 1e6, status, text)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _watch(pid: int, peaks: dict[int, int], stop: threading.Event) -> None:
    """Note the peak of a process and of every child of it, in KiB, until told to stop."""
    while not stop.wait(_LOOK_S):
        for each in (pid, *_children(pid)):
            try:
                lines = Path(f"/proc/{each}/status").read_text("utf-8").splitlines()
            except OSError:
                continue
            for line in lines:
                if line.startswith("VmHWM:"):
                    peaks[each] = int(line.split()[1])


def _children(pid: int) -> Iterator[int]:
    try:
        words = " ".join(
            each.read_text("utf-8") for each in Path(f"/proc/{pid}/task").glob("*/children")
        ).split()
    except OSError:
        return
    for word in words:
        yield int(word)
        yield from _children(int(word))


def _quiet(line: str) -> None:
    """Progress of the lab, which nobody reads."""


def _alone(place: Path) -> int:
    """Hold the lab against a second benchmark, which would end it; let go of with the process."""
    handle = os.open(place / ".bench.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit("another benchmark of the fleet runs already") from None
    return handle


@cache
def stand() -> Stand:
    """The lab of the benchmarks; started by the first case that needs it, and ended with the process."""
    place = folder("lab")
    cache_folder = platformdirs.user_cache_path("trimaran")
    desk = lab.Desk.of(place, cache_folder)
    held = _alone(place)
    atexit.register(os.close, held)
    lab.down(desk, _quiet, purge=True)  # what a run that was killed left behind
    atexit.register(lambda: lab.down(desk, _quiet, purge=True))
    home = tempfile.TemporaryDirectory(prefix="trimaran-bench-")
    atexit.register(home.cleanup)
    running = lab.up(desk, place / "lab.yaml", _quiet)
    # Without controllers every request that is counted is the command's own, and none competes with it.
    processes.end([each for each in processes.found(desk.root) if each.member not in _KEPT], 10)
    return Stand(desk.root, Path(home.name), lab.programs(cache_folder, _quiet), running.rows)
