"""Inspects many files with two processes: reading and judging them is work of the processor.

This process walks and prints; each child gets a few paths, answers, and waits for more. At most one group of
paths is out at each child, so neither side can wait for the other, and memory does not grow with the files.
"""

import os
import pickle
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from trimaran.cli.inspecting import Answer, Item, Job
from trimaran.errors import TrimaranError

# Below this many files, starting a process takes longer than it saves.
ALONE = 96
GROUP = 32
MOST = 2
_LENGTH = struct.Struct("<Q")
_Given = Item | TrimaranError


def answers(job: Job, given: Iterable[_Given], *, shared: bool) -> Iterator[Answer]:
    """One answer for each file and for each program in a package, in the order given.

    Args:
        shared: whether other processes may help.
    """
    items = iter(given)
    few = list(islice(items, ALONE))
    workers = min(MOST, len(os.sched_getaffinity(0))) if shared else 1
    found: Iterator[Answer]
    if len(few) < ALONE or workers < 2:
        found = (_one(job, item) for item in chain(few, items))
    else:
        found = _shared(job, chain(few, items), workers)
    for answer in found:
        if answer.package is not None:
            yield from job.inside(answer.package)
        else:
            yield answer


def _one(job: Job, item: _Given) -> Answer:
    return Answer(problems=item.problems) if isinstance(item, TrimaranError) else job.answer(item)


class _Worker:
    """A child process, the ends of its pipes, and what it was given and has not answered."""

    def __init__(self, child: int, to: int, back: int) -> None:
        self.child, self.to, self.back = child, to, back
        self.given: Sequence[_Given] = ()


def _shared(job: Job, items: Iterator[_Given], count: int) -> Iterator[Answer]:
    workers: list[_Worker] = []
    try:
        for _ in range(count):
            workers.append(_start(job, workers))
        busy = deque(worker for worker in workers if _give(worker, items))
        while busy:
            worker = busy.popleft()
            done = _take(worker, job)
            # It has work again before its answers are printed.
            if _give(worker, items):
                busy.append(worker)
            yield from done
    finally:
        for worker in workers:
            os.close(worker.to)
            os.close(worker.back)
        for worker in workers:
            os.waitpid(worker.child, 0)


def _start(job: Job, others: Sequence[_Worker]) -> _Worker:
    read, to = os.pipe()
    back, write = os.pipe()
    child = os.fork()
    if child:
        os.close(read)
        os.close(write)
        return _Worker(child, to, back)
    status = 1
    try:
        # Otherwise a child would hold the other's pipe open, which then never ends.
        for descriptor in (to, back, *(end for other in others for end in (other.to, other.back))):
            os.close(descriptor)
        _work(job, read, write)
        status = 0
    finally:
        # Nothing of the parent's (what it has not yet printed, its traps) is this process's to finish.
        os._exit(status)


def _work(job: Job, read: int, write: int) -> None:
    with os.fdopen(read, "rb") as source, os.fdopen(write, "wb") as sink:
        while (group := _received(source.read)) is not None:
            body = pickle.dumps([_one(job, item) for item in group], -1)
            sink.write(_LENGTH.pack(len(body)) + body)
            sink.flush()


def _give(worker: _Worker, items: Iterator[_Given]) -> bool:
    worker.given = tuple(islice(items, GROUP))
    if not worker.given:
        return False
    body = pickle.dumps(worker.given, -1)
    try:
        _send(worker.to, _LENGTH.pack(len(body)) + body)
    except BrokenPipeError:
        # It ended; the answer will be missing, and is found here instead.
        return True
    return True


def _take(worker: _Worker, job: Job) -> list[Answer]:
    found = _received(lambda size: _exactly(worker.back, size))
    # The system may end a process when memory is short; its files are inspected here then.
    return [_one(job, item) for item in worker.given] if found is None else found


def _received(read: Callable[[int], bytes]) -> list[Any] | None:
    head = read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    body = read(_LENGTH.unpack(head)[0])
    return list(pickle.loads(body)) if len(body) == _LENGTH.unpack(head)[0] else None  # noqa: S301 - our own child's


def _exactly(descriptor: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size and (part := os.read(descriptor, min(size, 1 << 20))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _send(descriptor: int, body: bytes) -> None:
    view = memoryview(body)
    while view:
        view = view[os.write(descriptor, view) :]
