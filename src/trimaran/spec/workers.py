"""Reading many declarations on all processors: each child of this process reads a part of them.

YAML takes a millisecond a file, which a thousand files make noticeable; threads cannot share that work.
"""

import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
_WORTH = 100  # files; fewer are read before a child has begun
_MOST_CHILDREN = 8
_LOST = b""


@dataclass(frozen=True, slots=True)
class Child:
    """A process that works on a part, and the pipe on which its result comes."""

    pid: int
    pipe: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Work that has begun; `results` waits for it."""

    items: Sequence[str]
    work: Callable[[str], Any]
    children: tuple[Child, ...]

    def results(self) -> list[Any]:
        """What `work` returned for each item, in their order.

        Work that a child could not end (killed, out of memory) is done again here.
        """
        if not self.children:
            return [self.work(item) for item in self.items]
        found: list[Any] = []
        for number, child in enumerate(self.children):
            raw = _drain(child)
            part = self.items[number :: len(self.children)]
            # Only what our own child has written is read: a pipe has no other end.
            found.append(pickle.loads(raw) if raw else [self.work(item) for item in part])  # noqa: S301
        return [found[place % len(found)][place // len(found)] for place in range(len(self.items))]


def spread(items: Sequence[str], work: Callable[[str], Any]) -> Spread:
    """Begin `work` for every item, in children of this process when there are many.

    It must be called before this process has threads. `work` returns what can be pickled, and does not raise.
    """
    count = min(len(os.sched_getaffinity(0)), _MOST_CHILDREN)
    if len(items) < _WORTH or count < 2:
        return Spread(items, work, ())
    return Spread(items, work, tuple(_child(items[number::count], work) for number in range(count)))


def _child(items: Sequence[str], work: Callable[[str], Any]) -> Child:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Child(pid, reading)
    # Whatever happens, the child never runs on into what its parent does.
    try:
        raw = pickle.dumps([work(item) for item in items], pickle.HIGHEST_PROTOCOL)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(raw)
    finally:
        os._exit(0)


def _drain(child: Child) -> bytes:
    with os.fdopen(child.pipe, "rb") as pipe:
        raw = pipe.read()
    os.waitpid(child.pid, 0)
    # Half of a pickle is as good as none; its last byte is always a full stop.
    return raw if raw.endswith(pickle.STOP) else _LOST
