"""Runs one program in a root file system, cut off from this machine, and tells what became of it.

Nothing is left behind when we are killed: the sandbox's first process dies with us, and all others with it.
"""

import json
import os
import platform
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from io import FileIO
from pathlib import Path
from typing import IO

from trimaran.errors import TrimaranError, fail
from trimaran.rootfs import sandbox_watch
from trimaran.rootfs.sandbox_ended import Ended, Output, Told, ended
from trimaran.rootfs.sandbox_minder import minded
from trimaran.rootfs.sandbox_plan import STARTER, Cell, Ends, Isolation, Limits, Stop, bubblewrap
from trimaran.rootfs.sandbox_start import MACHINE, starter

_LAUNCHER = Path(__file__).with_name("sandbox_launch.py")
_OLDEST = (0, 7)  # the first bubblewrap that bounds a tmpfs
_TICK_S = 0.02
_FIRST_TICK_S = 0.004  # what forks without end is many soon
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def run(
    cell: Cell,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    *,
    isolation: Isolation | None = None,
    before: Sequence[str] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> Ended:
    """Run the cell's program until it ends or meets a limit.

    Args:
        isolation: what makes the sandbox; None for bubblewrap where it is there, else namespaces.
        before: a command of this machine that starts the sandbox, such as a tracer.
        cancelled: asked 50 times a second; True ends the run.

    Raises:
        TrimaranError: there is nothing to make a sandbox with (TRM1142), or it could not be made (TRM1143).
    """
    began = time.monotonic()
    with ExitStack() as stack:
        running = _start(stack, cell, limits, isolation or at_hand(), before)
        watch = _Watch(running, limits, cancelled, began)
        watch.until_the_end()
    found = ended(watch.told, watch.output, watch.stop, time.monotonic() - began)
    if found.unmade is not None:
        raise _unmade(found.unmade)
    return found


@cache
def at_hand() -> Isolation:
    """What a sandbox is made with on this machine."""
    return Isolation.BUBBLEWRAP if _bwrap() is not None else Isolation.NAMESPACES


@cache
def _bwrap() -> str | None:
    path = shutil.which("bwrap", path=_PATH)
    if path is None or platform.machine() != MACHINE:
        return None
    with suppress(OSError, ValueError, IndexError, subprocess.SubprocessError):
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=5, check=True)
        if tuple(int(part) for part in said.stdout.split()[-1].split(".")[:2]) >= _OLDEST:
            return path
    return None


@dataclass(slots=True)
class _Running:
    process: "subprocess.Popen[bytes]"
    streams: tuple[tuple[str, IO[bytes] | FileIO], ...]
    release: FileIO
    gate: FileIO


def _start(
    stack: ExitStack, cell: Cell, limits: Limits, isolation: Isolation, before: Sequence[str]
) -> _Running:
    status, told = (stack.enter_context(end) for end in _pipe())
    wait, release = (stack.enter_context(end) for end in _pipe())
    report, tells = (stack.enter_context(end) for end in _pipe())
    waits, gate = (stack.enter_context(end) for end in _pipe())
    start, given = (stack.enter_context(FileIO(os.memfd_create(name), "w+")) for name in ("start", "sandbox"))
    theirs = (told, wait, start, tells, waits, given)
    ends = Ends(*(end.fileno() for end in theirs))
    _fill(start, starter(ends.tells, ends.gate))
    command, content = _command(cell, limits, isolation, ends)
    _fill(given, content)
    group = minded(stack) if isolation is Isolation.BUBBLEWRAP else 0
    try:
        process = subprocess.Popen(
            [*before, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            bufsize=0, pass_fds=[end.fileno() for end in theirs], env={"LC_ALL": "C"}, process_group=group,
        )  # fmt: skip
    except OSError as error:
        raise _unmade(f"{command[0]}: {error.strerror}") from None
    stack.callback(_end, process)
    for end in theirs:
        end.close()
    streams = (("status", status), ("report", report), ("stdout", process.stdout), ("stderr", process.stderr))
    there = tuple((name, stream) for name, stream in streams if stream is not None)
    return _Running(process, there, release, gate)


def _pipe() -> tuple[FileIO, FileIO]:
    out, into = os.pipe()
    return FileIO(out, "r"), FileIO(into, "w")


def _command(cell: Cell, limits: Limits, isolation: Isolation, ends: Ends) -> tuple[list[str], bytes]:
    """The command that makes the sandbox, and what is put into `given` for it."""
    if isolation is Isolation.BUBBLEWRAP:
        bwrap = _bwrap()
        if bwrap is None:
            what = f"there is no bubblewrap 0.7 or newer for {MACHINE} here"
            raise fail("TRM1142", what, "install the package bubblewrap, or leave --isolation out")
        words = b"".join(os.fsencode(word) + b"\0" for word in bubblewrap(cell, ends))
        return [bwrap, "--args", str(ends.given), "--", STARTER, *cell.argv], words
    wanted = {
        "parent": os.getpid(), "network": cell.network, "mounts": [asdict(mount) for mount in cell.mounts],
        "argv": cell.argv, "environment": dict(cell.environment), "limits": _rlimits(limits),
        "ends": asdict(ends),
    }  # fmt: skip
    command = [sys.executable, "-I", "-S", str(_LAUNCHER), str(ends.given)]
    return command, json.dumps(wanted).encode()


def _fill(given: FileIO, content: bytes) -> None:
    given.write(content)
    given.seek(0)


def _rlimits(limits: Limits) -> dict[int, int]:
    """What the kernel holds for each process; the watch holds what counts for all of them together."""
    own_count = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2]) >= (5, 14)
    return {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 256 << 20,
        resource.RLIMIT_NOFILE: 1024,
        # Address space alone is no measure: Go and others reserve far more than they use.
        resource.RLIMIT_DATA: 4 * limits.memory_bytes,
        resource.RLIMIT_CPU: int(limits.seconds * 2 * (os.cpu_count() or 1)) + 1,
        # Since Linux 5.14 a user namespace is counted by itself; root is not held at all.
        **({resource.RLIMIT_NPROC: 4 * limits.tasks} if own_count else {}),
    }


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _unmade(said: str) -> TrimaranError:
    what = f"the sandbox could not be made: {said.splitlines()[-1]}"
    fix = "allow user namespaces to this user (`unshare --user true` tries it), or run as root"
    return fail("TRM1143", what, fix)


def _release(gate: FileIO) -> None:
    """Let the other side go on; without this word it ends."""
    if not gate.closed:
        with suppress(OSError):
            gate.write(b"x")
        gate.close()


@dataclass(slots=True)
class _Watch:
    """Follows one run: reads what comes, and ends it when it meets a limit."""

    running: _Running
    limits: Limits
    cancelled: Callable[[], bool]
    began: float
    told: Told = field(default_factory=Told)
    stop: Stop | None = None
    child: FileIO | None = None
    output: Output = field(init=False)

    def __post_init__(self) -> None:
        self.output = Output(self.limits.output_bytes)

    def until_the_end(self) -> None:
        with sandbox_watch.hurried(), selectors.DefaultSelector() as selector:
            for name, stream in self.running.streams:
                selector.register(stream, selectors.EVENT_READ, name)
            looked, tick = self.began, _FIRST_TICK_S
            while selector.get_map():
                for key, _ in selector.select(tick):
                    piece = os.read(key.fd, 65536)
                    if piece:
                        self._take(key.data, piece)
                    else:
                        selector.unregister(key.fileobj)
                if time.monotonic() - looked >= tick:
                    looked, tick = time.monotonic(), min(2 * tick, _TICK_S)
                    self._look(looked)
        self.running.process.wait()
        if self.child is not None:
            self.child.close()

    def _take(self, stream: str, piece: bytes) -> None:
        if stream in {"stdout", "stderr"}:
            self.output.add(stream, piece)
        elif stream == "report":
            self.told.started(piece)
            _release(self.running.gate)
        else:
            new = self.told.child is None
            self.told.more(piece)
            if new and self.told.child is not None:
                self._bind(self.told.child)

    def _bind(self, child: int) -> None:
        """Set the kernel's limits while the sandbox waits for us, then let it go on."""
        with suppress(OSError):
            self.child = FileIO(os.pidfd_open(child), "r")
        for kind, most in _rlimits(self.limits).items():
            with suppress(OSError, ValueError):
                _, hard = resource.prlimit(child, kind)
                bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.prlimit(child, kind, (bound, bound))
        _release(self.running.release)

    def _look(self, now: float) -> None:
        if self.stop is None:
            self.stop = self._why_stop(now)
        if self.stop is not None:
            self._kill()

    def _why_stop(self, now: float) -> Stop | None:
        if self.cancelled():
            return Stop.CANCELLED
        if self.told.code is not None:
            return None
        if now - self.began > self.limits.seconds:
            return Stop.TIME
        return self._too_much(self.told.child) if self.told.child is not None else None

    def _too_much(self, child: int) -> Stop | None:
        used = sandbox_watch.use(child, self.limits.tasks)
        if used.tasks > self.limits.tasks:
            return Stop.TASKS
        if used.memory_bytes > self.limits.memory_bytes or sandbox_watch.short_of_memory():
            return Stop.MEMORY
        return None

    def _kill(self) -> None:
        # With its first process gone the kernel ends all others of the namespace.
        if self.child is not None and self.told.child is not None:
            sandbox_watch.hurry(self.told.child)
            with suppress(OSError):
                signal.pidfd_send_signal(self.child.fileno(), signal.SIGKILL)
        self.running.process.kill()
