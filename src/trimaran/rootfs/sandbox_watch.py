"""What the processes of a sandbox use, read from /proc: it holds for root, whom rlimits do not bind."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

_PAGE = os.sysconf("SC_PAGE_SIZE")
_SPARE = 128 << 20


@dataclass(frozen=True, slots=True)
class Use:
    """What was seen at one moment.

    Args:
        tasks: processes and threads.
        memory_bytes: of all processes; pages that are shared with files do not count.
    """

    tasks: int
    memory_bytes: int


def use(first: int, most: int) -> Use:
    """What the process `first` and all its descendants use; stops counting above `most` tasks."""
    tasks = memory = 0
    waiting = [first]
    while waiting and tasks <= most:
        pid = waiting.pop()
        memory += _memory(pid)
        try:
            threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - names are all that is wanted
        except OSError:
            continue  # it has ended
        tasks += len(threads)
        for thread in threads[:most]:
            waiting += _children(pid, thread)
    return Use(tasks, memory)


def _children(pid: int, thread: str) -> list[int]:
    return [int(word) for word in _read(f"/proc/{pid}/task/{thread}/children").split()]


def _memory(pid: int) -> int:
    words = _read(f"/proc/{pid}/statm").split()
    return max(0, int(words[1]) - int(words[2])) * _PAGE if len(words) > 2 else 0


def hurry(pid: int) -> None:
    """Let the sandbox's first process run before the others, where we may: their end is its work."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, -20)


@contextmanager
def hurried() -> Iterator[None]:
    """Let this thread run before a thousand that fork, where we may: RLIMIT_NPROC does not hold root."""
    thread = threading.get_native_id()
    before = os.getpriority(os.PRIO_PROCESS, thread)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, -20)
    try:
        yield
    finally:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, before)


def short_of_memory() -> bool:
    """Whether this machine itself has almost nothing left: files in memory are no process's own."""
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith(b"MemAvailable:"):
            return int(line.split()[1]) * 1024 < _SPARE
    return False


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
