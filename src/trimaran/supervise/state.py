"""What a supervised service is and how it fares, as values. Pure."""

import errno
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from trimaran.action import Json


class Restart(StrEnum):
    """When a program that ended is started again."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NEVER = "never"


class State(StrEnum):
    """How a service fares; the last two are seen from outside, the others its supervisor tells."""

    STARTING = "starting"
    RUNNING = "running"
    BACKOFF = "backoff"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"  # the program runs, its supervisor is gone: `start` adopts it
    GONE = "gone"  # neither is there, and nobody stopped them


@dataclass(frozen=True, slots=True)
class Unit:
    """What to run and how to keep it.

    Args:
        argv: the program by its absolute path, and its arguments.
        env: the whole environment; PATH is added when absent.
        secret_names: variables whose values come apart from this and are never written.
        first_s: wait before the first restart in seconds; doubles with each failure in a row.
        max_s: the longest wait.
        reset_after_s: a program that ran this long has no failures in a row.
        grace_s: seconds between SIGTERM and SIGKILL.
        log_bytes: size at which the log is rotated.
        log_keep: rotated files to keep besides the current one.
        revision: any text; a unit that differs in it alone is another unit, and replaces the running one.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict, hash=False)
    cwd: str = "/"
    secret_names: tuple[str, ...] = ()
    restart: Restart = Restart.ALWAYS
    first_s: float = 0.5
    max_s: float = 30.0
    reset_after_s: float = 60.0
    grace_s: float = 30.0
    log_bytes: int = 8 << 20
    log_keep: int = 4
    revision: str = ""

    def document(self, unit_id: str) -> Json:
        """The content of `unit.json`."""
        return {
            "id": unit_id,
            "argv": list(self.argv),
            "env": dict(self.env),
            "cwd": self.cwd,
            "secret_names": sorted(self.secret_names),
            "restart": str(self.restart),
            "backoff": {"first_s": self.first_s, "max_s": self.max_s, "reset_after_s": self.reset_after_s},
            "stop": {"grace_s": self.grace_s},
            "log": {"max_bytes": self.log_bytes, "keep": self.log_keep},
            "revision": self.revision,
        }


def faults(unit: Unit, secrets: Mapping[str, str]) -> tuple[str, ...]:
    """Why this unit cannot be handed to a kernel, each as one line; never shows a value."""
    found = []
    if not unit.argv or not unit.argv[0].startswith("/"):
        found.append("the program is not an absolute path")
    if any("\0" in word for word in (*unit.argv, unit.cwd)):
        found.append("an argument or the working directory holds a NUL character")
    for name, value in sorted({**unit.env, **secrets}.items()):
        if not name or "=" in name or "\0" in name:
            found.append(f"{name!r} cannot be the name of an environment variable")
        if "\0" in value:
            found.append(f"the value of {name} holds a NUL character")
    missing = sorted(set(unit.secret_names) - set(secrets))
    if missing:
        found.append("no value is at hand for " + ", ".join(missing))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Alive:
    """A process that cannot be mistaken for a later one with the same number.

    Args:
        start: clock ticks since boot.
    """

    pid: int
    start: int


@dataclass(frozen=True, slots=True)
class Status:
    """How a service fares.

    Args:
        supervisor: None when there is none alive.
        child: None when there is none alive.
        restarts: starts after the first.
        exit_code: of the program's last end; None when it was a signal, or is unknown.
        exit_signal: the signal that ended it last; None when none did.
        step: what failed when the program could not be executed: `exec`, `cwd`, `log`, `fork`,
            `record`; empty otherwise.
        errno: why; 0 when nothing failed.
        since: seconds since 1970 at which this state began; 0 when unknown.
    """

    state: State
    supervisor: Alive | None = None
    child: Alive | None = None
    restarts: int = 0
    exit_code: int | None = None
    exit_signal: int | None = None
    step: str = ""
    errno: int = 0
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """What `status.json` says; whether it is still true has to be looked up."""

    boot: str
    status: Status


def parse_status(text: bytes) -> Recorded:
    """Read `status.json`. Raises ValueError when it is not one."""
    try:
        seen = json.loads(text)
        exit_, error = seen["exit"] or {}, seen["error"] or {}
        status = Status(
            state=State(seen["state"]),
            supervisor=_alive(seen["supervisor"]),
            child=_alive(seen["child"]),
            restarts=int(seen["restarts"]),
            exit_code=exit_.get("code"),
            exit_signal=exit_.get("signal"),
            step=str(error.get("step", "")),
            errno=int(error.get("errno", 0)),
            since=float(seen["since"]),
        )
        return Recorded(str(seen["boot"]), status)
    except (KeyError, TypeError, AttributeError) as broken:
        raise ValueError(f"not a status: {broken}") from None


def _alive(seen: Json) -> Alive | None:
    return None if seen is None else Alive(int(seen["pid"]), int(seen["start"]))


def settle(status: Status, supervisor_lives: bool, child_lives: bool) -> Status:
    """What is true, given what was recorded and which of the two recorded processes live."""
    state = status.state
    if not supervisor_lives:
        if child_lives:
            state = State.LOST
        elif state not in (State.STOPPED, State.FAILED):
            state = State.GONE
    return Status(
        state,
        status.supervisor if supervisor_lives else None,
        status.child if child_lives else None,
        status.restarts,
        status.exit_code,
        status.exit_signal,
        status.step,
        status.errno,
        status.since,
    )


_MEANING = {
    errno.EACCES: "it may not be executed: no execute permission, or a file system mounted noexec",
    errno.EPERM: "the system forbids it",
    errno.ENOEXEC: "its format is not one this machine runs: another processor, or no program at all",
    errno.ELIBBAD: "its interpreter (the dynamic loader) is damaged",
    errno.E2BIG: "its arguments and environment are too large",
    errno.ENOTDIR: "a part of its path is not a directory",
    errno.ENOMEM: "there is not enough memory",
    errno.EAGAIN: "the limit of processes is reached",
    errno.ETXTBSY: "it is being written to",
    errno.ENOSPC: "the disk is full",
}


def reason(status: Status, program_exists: bool) -> str:
    """Why a service does not run, in words; empty when nothing is known to be wrong.

    Args:
        program_exists: whether the file of argv[0] is there; without it ENOENT has another meaning.
    """
    if status.step:
        name = errno.errorcode.get(status.errno, str(status.errno))
        if status.step == "exec" and status.errno == errno.ENOENT:
            known = (
                "the program is there but its interpreter (the dynamic loader or the #! line) is not"
                if program_exists
                else "the program is not there"
            )
        elif status.step == "cwd":
            known = "its working directory cannot be entered"
        else:
            known = _MEANING.get(status.errno, os.strerror(status.errno))
        return f"{status.step} failed with {name}: {known}"
    if status.exit_signal is not None:
        return f"ended by {_signal_name(status.exit_signal)}"
    if status.exit_code is not None:
        return f"ended with status {status.exit_code}"
    return ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
