"""Start, find, stop and read services that our supervisor keeps. Talks to the kernel and the disk."""

import contextlib
import fcntl
import json
import os
import secrets as chance
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from trimaran.errors import Problem, TrimaranError, fail, printable
from trimaran.supervise import supervisor
from trimaran.supervise.ending import last_lines
from trimaran.supervise.state import Alive, State, Status, Unit, faults, parse_status, settle

ANSWER_S = 15.0
"""How long a new supervisor may take until its child has become the program, or could not."""
LOCK_S = 60.0
"""How long to wait for another command that starts or stops the same service."""


def start(state_dir: Path, unit: Unit, secrets: Mapping[str, str]) -> Status:
    """Have `unit` run under a supervisor; nothing happens when it already does.

    A service that runs another unit is stopped first. One whose supervisor died is adopted. Two calls
    at once start it once. Returns when the program runs, or could not be executed: then the status
    says why.

    Args:
        secrets: values for `unit.secret_names`; handed over in memory, never written. Changed values
            alone are no reason for a restart: stop first.
    """
    wrong = faults(unit, secrets)
    if wrong:
        fix = "mend the service's command, environment or secrets"
        raise TrimaranError(*(Problem("TRM0502", printable(text), fix) for text in wrong))
    if not Path("/proc/self/stat").exists():
        raise fail("TRM0507", "/proc is not there", "run services on Linux, with /proc mounted")
    _make(state_dir)
    with _control(state_dir):
        unit_id = _unit_id(state_dir)
        wanted = json.dumps(unit.document(unit_id), indent=1).encode()
        now = _look(state_dir)
        same = _read(state_dir / "unit.json") == wanted
        if same and now.supervisor and now.state in (State.STARTING, State.RUNNING, State.BACKOFF):
            return now
        if now.supervisor or not same:
            _end(state_dir, None)
        supervisor.write_whole(str(state_dir / "unit.json"), wanted)
        _launch(state_dir, unit_id, {name: secrets[name] for name in unit.secret_names})
        return _look(state_dir)


def status(state_dir: Path) -> Status:
    """How the service fares now; `gone` when nothing was ever started there.

    Raises TRM0503 when the record cannot be read.
    """
    return _look(state_dir)


def revision(state_dir: Path) -> str:
    """The `Unit.revision` that was started last; empty when none was."""
    try:
        return str(json.loads(_read(state_dir / "unit.json") or b"")["revision"])
    except (ValueError, KeyError, TypeError):
        return ""


def stop(state_dir: Path, grace_s: float | None = None, remove: bool = False) -> None:
    """End the supervisor, its program and all they started; nothing is left, and nothing else touched.

    Args:
        grace_s: seconds from SIGTERM to SIGKILL; None for what the unit says. Never longer than that.
        remove: also remove the state directory with its logs.
    """
    if not state_dir.is_dir():
        return
    with _control(state_dir):
        _end(state_dir, grace_s)
        if remove:
            shutil.rmtree(state_dir)


def tail(state_dir: Path, lines: int) -> tuple[str, ...]:
    """The last `lines` lines of the log over all rotated files, oldest first, fit to be printed."""
    found: list[bytes] = []
    numbered = sorted(state_dir.glob("log.[0-9]*"), key=lambda path: int(path.name[4:]))
    for path in (state_dir / "log", *numbered):
        if len(found) >= lines:
            break
        found = last_lines(path, lines - len(found)) + found
    return tuple(printable(line.decode("utf-8", "replace")) for line in found)


def processes(state_dir: Path) -> tuple[Alive, ...]:
    """Every living process of the service, the supervisor apart."""
    unit_id = (_read(state_dir / "id") or b"").decode()
    now = _look(state_dir)
    found = set(supervisor.marked(supervisor.MARK, unit_id)) if unit_id else set()
    if now.child:
        found |= {(now.child.pid, now.child.start)}
        found |= set(supervisor.in_session(now.child.pid, now.child.start))
    return tuple(Alive(pid, begun) for pid, begun in sorted(found))


def _make(state_dir: Path) -> None:
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as broken:
        raise fail("TRM0506", f"{state_dir}: {broken.strerror}", "choose another state directory") from None


@contextlib.contextmanager
def _control(state_dir: Path) -> Iterator[None]:
    """Only one command at a time starts or stops a service."""
    until = time.monotonic() + LOCK_S
    while True:
        fd = os.open(state_dir / "control.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it may have removed the directory meanwhile.
            if (state_dir / "control.lock").stat().st_ino == os.fstat(fd).st_ino:
                break
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(fd)
        _make(state_dir)
        if time.monotonic() > until:
            raise fail("TRM0505", f"another command holds {state_dir}", "wait for it, then run this again")
        time.sleep(0.02)
    try:
        yield
    finally:
        os.close(fd)


def _unit_id(state_dir: Path) -> str:
    """The id that marks this service's processes; made once, so that any later command finds them."""
    known = _read(state_dir / "id")
    if known:
        return known.decode()
    supervisor.write_whole(str(state_dir / "id"), chance.token_hex(12).encode())
    return _unit_id(state_dir)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as broken:
        raise fail("TRM0503", f"{path}: {broken.strerror}", "run as the user who started it") from None


def _look(state_dir: Path) -> Status:
    text = _read(state_dir / "status.json")
    if text is None:
        return Status(State.GONE)
    try:
        recorded = parse_status(text)
    except ValueError as broken:
        fix = f"remove {state_dir}: its supervisor then ends the service; ship it again"
        raise fail("TRM0503", f"{state_dir}/status.json is damaged: {broken}", fix) from None
    if recorded.boot != supervisor.boot_id():
        return settle(recorded.status, supervisor_lives=False, child_lives=False)
    return settle(recorded.status, _lives(recorded.status.supervisor), _lives(recorded.status.child))


def _lives(recorded: Alive | None) -> bool:
    return recorded is not None and supervisor.alive(recorded.pid, recorded.start)


def _launch(state_dir: Path, unit_id: str, secrets: Mapping[str, str]) -> None:
    """Run the supervisor and wait until it says how the first start went."""
    argv = [sys.executable, "-I", "-S", supervisor.__file__, str(state_dir.resolve())]
    env = {supervisor.KEEPER: unit_id, "LC_ALL": "C.UTF-8"}
    until = time.monotonic() + ANSWER_S
    while True:
        word = _run(argv, env, json.dumps(dict(secrets)).encode() + b"\n", until)
        if word == "ready":
            return
        # A supervisor that was killed may leave the lock for an instant to a child that never became
        # the program.
        if word != "locked" or time.monotonic() > until:
            break
        time.sleep(0.05)
    fix = f"see {state_dir}/log"
    raise TrimaranError(
        Problem("TRM0501" if word == "locked" else "TRM0500", f"the supervisor did not start: {word}", fix)
    )


def _run(argv: list[str], env: Mapping[str, str], line: bytes, until: float) -> str:
    """Hand `line` to a new supervisor and return its answer, or why there is none."""
    try:
        # The supervisor lets go of its standard output once it has answered, which ends `communicate`.
        done = subprocess.run(
            argv,
            input=line,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=env,
            start_new_session=True,
            timeout=max(0.1, until - time.monotonic()),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "no answer in time"
    except OSError as broken:
        return f"{argv[0]}: {broken.strerror}"
    return done.stdout.decode("utf-8", "replace").strip() or "it ended without a word"


def _end(state_dir: Path, grace_s: float | None) -> None:
    """Ask the supervisor to stop; then end whatever of the service is still there."""
    unit_id = (_read(state_dir / "id") or b"").decode()
    known = _grace(state_dir)
    grace = known if grace_s is None else min(grace_s, known)
    with contextlib.suppress(TrimaranError):
        keeper = _look(state_dir).supervisor
        if keeper:
            _ask(keeper, grace + 2.0)
    if not unit_id:
        return
    _sweep(lambda: supervisor.marked(supervisor.KEEPER, unit_id), 0.0, state_dir)
    _sweep(lambda: [(each.pid, each.start) for each in _remaining(state_dir)], grace, state_dir)
    _record_stop(state_dir)


def _remaining(state_dir: Path) -> tuple[Alive, ...]:
    try:
        return processes(state_dir)
    except TrimaranError:
        unit_id = (_read(state_dir / "id") or b"").decode()
        return tuple(Alive(*each) for each in supervisor.marked(supervisor.MARK, unit_id))


def _grace(state_dir: Path) -> float:
    try:
        return float(json.loads(_read(state_dir / "unit.json") or b"")["stop"]["grace_s"])
    except (ValueError, KeyError, TypeError):
        return 10.0


def _ask(keeper: Alive, patience_s: float) -> None:
    """SIGTERM to the supervisor, SIGKILL when it has not ended in time."""
    supervisor.send(keeper.pid, keeper.start, signal.SIGTERM)
    until = time.monotonic() + patience_s
    while supervisor.alive(keeper.pid, keeper.start) and time.monotonic() < until:
        time.sleep(0.02)
    supervisor.send(keeper.pid, keeper.start, signal.SIGKILL)


def _sweep(find: Callable[[], list[tuple[int, int]]], grace_s: float, state_dir: Path) -> None:
    """SIGTERM to all, SIGKILL to those that stay; raises TRM0504 when some cannot be ended."""
    left = find()
    if grace_s > 0:
        for pid, begun in left:
            supervisor.send(pid, begun, signal.SIGTERM)
    polite, until = time.monotonic() + grace_s, time.monotonic() + grace_s + 5.0
    while left and time.monotonic() < until:
        if time.monotonic() >= polite:
            for pid, begun in left:
                supervisor.send(pid, begun, signal.SIGKILL)
        time.sleep(0.02)
        left = find()
    if left:
        numbers = ", ".join(str(pid) for pid, _ in left)
        raise fail("TRM0504", f"processes {numbers} of {state_dir} do not end", "they may hang in the kernel")


def _record_stop(state_dir: Path) -> None:
    """After a supervisor that could not say so itself, the record says stopped."""
    with contextlib.suppress(TrimaranError):
        if _look(state_dir).state not in (State.GONE, State.LOST):
            return
    content = {
        "boot": supervisor.boot_id(),
        "supervisor": None,
        "child": None,
        "state": "stopped",
        "restarts": 0,
        "exit": None,
        "error": None,
        "since": time.time(),
    }
    with contextlib.suppress(OSError):
        supervisor.write_whole(str(state_dir / "status.json"), json.dumps(content).encode())
