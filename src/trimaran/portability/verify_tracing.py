"""Starts a sandbox under `strace`, and reads what it wrote."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from trimaran.errors import fail
from trimaran.portability.verify_trace import CALLS, Trace, parse

_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Tracer:
    """A tracer that is ready to start.

    Args:
        before: the words before the command that is traced; empty when nothing is.
        memory: the descriptor of what it writes; -1 without one.
    """

    before: tuple[str, ...] = ()
    memory: int = -1

    def read(self, first: str) -> Trace | None:
        """What the program did; None when it was not traced. `first` is its path."""
        if self.memory < 0:
            return None
        text = os.pread(self.memory, _MOST_BYTES, 0).decode("ascii", "replace")
        return parse(text.splitlines(), first)


@contextmanager
def tracer(*, wanted: bool) -> Iterator[Tracer]:
    """A tracer for one run. Raises TRM1322 when strace is not installed."""
    if not wanted:
        yield Tracer()
        return
    strace = shutil.which("strace", path=_PATH)
    if strace is None:
        raise fail("TRM1322", "strace is not installed", "install the package strace")
    # In memory, and opened by way of our own number: no file is left, and the program has no hold of it.
    memory = os.memfd_create("trace")
    try:
        into = f"/proc/{os.getpid()}/fd/{memory}"
        calls = ("-e", "signal=none", "-e", f"trace={CALLS}")
        # With -D the sandbox stays our own child, and ends with us; the tracer ends when it has.
        yield Tracer((strace, "-D", "-f", "-y", "-qq", "-s", "4096", *calls, "-o", into), memory)
    finally:
        os.close(memory)
