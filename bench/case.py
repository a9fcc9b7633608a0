"""What a benchmark case is, and how costs are measured. Smaller is better for every cost."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

CACHE = platformdirs.user_cache_path("trimaran") / "bench"
Cost = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Case:
    """Something of ours, measured beside a peer in the same run.

    Args:
        ours, peer: run once and return the cost, in `unit`; without a peer only the limit counts.
        unit: `s` or `MB`.
        limit: the most that ours may cost (the median of the rounds).
        ratio: how many times the peer must cost what ours does.
    """

    name: str
    ours: Cost
    peer: Cost | None = None
    peer_name: str = ""
    unit: str = "s"
    limit: float | None = None
    ratio: float | None = None
    rounds: int = 7


def wall(work: Callable[[], object], times: int = 1) -> Cost:
    """Seconds that a call takes; the mean of `times` calls, for those too short to be timed alone."""

    def cost() -> float:
        started = time.perf_counter()
        for _ in range(times):
            work()
        return (time.perf_counter() - started) / times

    return cost


def cpu(argv: Sequence[str]) -> Cost:
    """Seconds of processor time, user and system, of a command and its children; output is thrown away."""
    return lambda: _run(argv)


def elapsed(argv: Sequence[str]) -> Cost:
    """Seconds from a command's start to its end."""
    return wall(lambda: _run(argv))


def peak(code: str) -> float:
    """The largest resident memory of a Python program, in MB (10^6 bytes), as it sees it itself."""
    # A child's ru_maxrss starts with its parent's, so it cannot be used here.
    tail = "\nprint(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) * 1024 / 1e6


def _run(argv: Sequence[str]) -> float:
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawnp(argv[0], list(argv), dict(os.environ), file_actions=quiet)
    _, status, used = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"{' '.join(argv)[:200]} ended with {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime


def folder(name: str) -> Path:
    """A folder of the cache for what a case needs and what is slow to make."""
    place = CACHE / name
    place.mkdir(parents=True, exist_ok=True)
    return place
