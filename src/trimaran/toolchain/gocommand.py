"""Running `go`: its environment, its time limits, and its output in bounded memory."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from trimaran.errors import Problem, TrimaranError, fail, printable
from trimaran.toolchain.model import Origin, Progress
from trimaran.toolchain.situation import settings_file
from trimaran.toolchain.versions import GoVersion

_KEPT_OUTPUT = 64 << 20
_LONGEST_LINE = 1 << 20
_HEARTBEAT_S = 10
# These would switch the tree or the result under our hands; GOFLAGS is set by us, the rest must be absent.
_REMOVED = ("GOROOT", "GOTOOLCHAIN", "GOFLAGS", "GOBIN", "GOOS", "GOARCH", "GO111MODULE")


@dataclass(frozen=True, slots=True)
class Go:
    """A Go that can be run.

    Args:
        root: its tree; `root/bin/go` is what runs.
        version: what it is.
        origin: where it came from.
    """

    root: Path
    version: GoVersion
    origin: Origin

    @property
    def command(self) -> Path:
        return self.root / "bin" / "go"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a command may take.

    Args:
        total_s: seconds from start to end.
        idle_s: seconds without any byte read or written by the command (Linux only), None for no such
            limit. For commands that only fetch: a compiler may be silent for long.
    """

    total_s: float = 3600
    idle_s: float | None = None


FETCHING = Limits(total_s=1800, idle_s=90)
COMPILING = Limits()
ASKING = Limits(total_s=60)


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command left behind."""

    status: int
    out: str
    err: str


def environment(folder: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without what would change the tree or the result.

    Args:
        folder: private to this run; a copy of the user's `go env -w` settings is put there, cleaned likewise.
        extra: set on top.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _REMOVED}
    kept |= {
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-trimpath -buildvcs=false",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    settings = folder / "env"
    settings.write_text(_cleaned_settings(), "utf-8")
    return kept | {"GOENV": str(settings)} | _homeless() | dict(extra)


def _cleaned_settings() -> str:
    path = settings_file()
    try:
        text = path.read_text("utf-8", "replace")[:_LONGEST_LINE] if path else ""
    except OSError:
        return ""
    return "".join(f"{line}\n" for line in text.splitlines() if line.partition("=")[0] not in _REMOVED)


def _homeless() -> dict[str, str]:
    # Without HOME, Go has no default for its caches and refuses to work.
    if os.environ.get("HOME"):
        return {}
    base = Path(tempfile.gettempdir()) / f"trimaran-go-{os.getuid()}"
    wanted = {"GOPATH": base / "path", "GOMODCACHE": base / "mod", "GOCACHE": base / "build"}
    return {name: str(value) for name, value in wanted.items() if name not in os.environ}


def run(
    argv: Sequence[str], folder: Path, env: Mapping[str, str], progress: Progress, limits: Limits
) -> Finished:
    """Run a command to its end; whatever happens, nothing of it goes on running.

    Raises TRM0325 when a limit is exceeded and TRM0324 when it cannot be started.
    """
    try:
        child = subprocess.Popen(
            list(argv),
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise fail("TRM0324", f"{argv[0]} cannot be run: {error.strerror}", "check its permissions") from None
    try:
        return _follow(child, progress, limits, argv[1] if len(argv) > 1 else "")
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the command's process group, compilers included."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _follow(child: subprocess.Popen[bytes], progress: Progress, limits: Limits, name: str) -> Finished:
    out: list[bytes] = []
    err: list[bytes] = []
    assert child.stdout is not None  # noqa: S101 - both are pipes by construction
    assert child.stderr is not None  # noqa: S101
    readers = [
        threading.Thread(target=_read, args=(child.stdout, out, _silent), daemon=True),
        threading.Thread(target=_read, args=(child.stderr, err, _announce(progress)), daemon=True),
    ]
    for reader in readers:
        reader.start()
    _wait(child, limits, name, progress)
    for reader in readers:
        reader.join(timeout=5)
    return Finished(child.returncode, _text(out), _text(err))


def _text(chunks: list[bytes]) -> str:
    return b"".join(chunks).decode("utf-8", "replace")


def _read(stream: IO[bytes], kept: list[bytes], line_seen: Callable[[bytes], None]) -> None:
    size = 0
    # Nobody else closes it: under a reader's hands that would be an error in this thread.
    with stream:
        while line := stream.readline(_LONGEST_LINE):
            line_seen(line)
            # What is over the limit is read and dropped, or the command would block on a full pipe.
            if size < _KEPT_OUTPUT:
                kept.append(line)
                size += len(line)


def _silent(line: object) -> None:
    """For output that is kept and not announced."""
    del line


def _announce(progress: Progress) -> Callable[[bytes], None]:
    def line_seen(line: bytes) -> None:
        text = line.decode("utf-8", "replace").strip()
        if text.startswith("go: downloading "):
            progress(printable(text.removeprefix("go: ")))

    return line_seen


def _wait(child: subprocess.Popen[bytes], limits: Limits, name: str, progress: Progress) -> None:
    started = moved = told = time.monotonic()
    seen = -1
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=0.5 if limits.idle_s is None else min(0.5, limits.idle_s / 4))
            return
        now = time.monotonic()
        if now - told > _HEARTBEAT_S:
            told = now
            progress(f"go {name} is at work, {now - started:.0f} s so far")
        counted = _bytes_moved(child.pid)
        if counted != seen or counted < 0:
            seen, moved = counted, now
        if now - started > limits.total_s:
            raise _too_long(name, f"did not end within {limits.total_s:g} s")
        if limits.idle_s is not None and now - moved > limits.idle_s:
            raise _too_long(name, f"received nothing for {limits.idle_s:g} s")


def _bytes_moved(pid: int) -> int:
    """What the process has read and written so far; -1 where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/io").read_text("ascii").splitlines()
        return sum(int(line.split(":")[1]) for line in lines[:2])
    except (OSError, ValueError, IndexError):
        return -1


def _too_long(name: str, what: str) -> TrimaranError:
    fix = "the module proxy may have stalled: try again, or see `go env GOPROXY`"
    return TrimaranError(Problem("TRM0325", f"`go {name}` {what} and was stopped", fix))


def settings(
    command: Path, env: Mapping[str, str], folder: Path, names: Sequence[str] = ()
) -> dict[str, str]:
    """What this Go would use, as `go env -json` tells it. Raises TRM0324 when it cannot tell.

    Args:
        names: all of them when there is none. Asked for all, Go runs the C compiler.
    """
    finished = run([str(command), "env", "-json", *names], folder, env, _silent, ASKING)
    try:
        found = json.loads(finished.out)
    except ValueError:
        found = None
    if finished.status or not isinstance(found, dict):
        why = finished.err.strip().splitlines()[:3]
        raise TrimaranError(
            Problem("TRM0324", f"{command} does not work", "repair or remove that Go", detail=tuple(why))
        )
    return {str(name): str(value) for name, value in found.items()}
