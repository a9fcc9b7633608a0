"""The lab's processes: starting them, finding them again, ending them. Talks to the kernel.

A process carries in its environment which lab it is of, as what, and with which settings. So the kernel
alone knows what runs: a command that was killed between starting a process and writing that down has lost
nothing. One is only ever signalled under its id and start time, which no other process can have.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from trimaran.errors import fail
from trimaran.lab.members import Member
from trimaran.lab.standing import Seen
from trimaran.supervise import supervisor

LAB = "TRIMARAN_LAB"
_MEMBER = "TRIMARAN_LAB_MEMBER"
_DIGEST = "TRIMARAN_LAB_DIGEST"
_LOG_LIMIT = 16 << 20
_KILLED_S = 5.0
# Python ignores these, and what it starts would inherit that.
_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM)
# In its own folder, so that no folder of the user stays in use; what it writes is the user's alone.
_WRAP = ("/bin/sh", "-c", 'umask 077; cd "$0" && exec "$@"')


def start(root: Path, member: Member, digest: str) -> Seen:
    """Run a member in a session of its own, its log begun anew. Raises TRM1004 when it cannot be run."""
    log = log_file(root, member.name)
    for folder in (log.parent, root / "home"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(root / "home"),
        "LC_ALL": "C.UTF-8",
        LAB: str(root),
        _MEMBER: member.name,
        _DIGEST: digest,
    }
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        pid = os.posix_spawn(
            _WRAP[0],
            [*_WRAP, str(root), *member.argv],
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, handle, 1),
                (os.POSIX_SPAWN_DUP2, handle, 2),
            ],
            setsid=True,
            setsigdef=_SIGNALS,
        )
    except OSError as error:
        fix = "a shell is needed at /bin/sh"
        raise fail("TRM1004", f"{member.name} cannot be started: {error.strerror}", fix) from None
    finally:
        os.close(handle)
    seen = supervisor.stat_of(pid)
    return Seen(member.name, pid, seen["start"] if seen else 0, digest)


def found(root: Path) -> tuple[Seen, ...]:
    """Every living process of the lab whose folder is `root`, by member and age."""
    seen = [_seen(pid, begun) for pid, begun in supervisor.marked(LAB, str(root))]
    return tuple(sorted((each for each in seen if each), key=lambda each: (each.member, each.started)))


def _seen(pid: int, begun: int) -> Seen | None:
    variables = _variables(pid)
    if not variables:
        return None
    return Seen(variables.get(_MEMBER, ""), pid, begun, variables.get(_DIGEST, ""), _memory(pid))


def _variables(pid: int) -> dict[str, str] | None:
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    pairs = (line.partition("=") for line in os.fsdecode(text).split("\0"))
    return {name: value for name, _, value in pairs if name}


def _memory(pid: int) -> int:
    """Resident bytes; 0 when the kernel does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def alive(each: Seen) -> bool:
    """Whether that very process still runs."""
    return supervisor.alive(each.pid, each.started)


def end(those: Iterable[Seen], grace_s: float) -> None:
    """SIGTERM, and SIGKILL to what stays; raises TRM1009 when some cannot be ended."""
    left = list(those)
    for each in left:
        supervisor.send(each.pid, each.started, signal.SIGTERM)
    polite = time.monotonic() + grace_s
    killed = False
    while left and time.monotonic() < polite + _KILLED_S:
        time.sleep(0.05)
        left = [each for each in left if _lives(each)]
        if left and not killed and time.monotonic() >= polite:
            killed = True
            for each in left:
                supervisor.send(each.pid, each.started, signal.SIGKILL)
    if left:
        names = ", ".join(f"{each.member} ({each.pid})" for each in left)
        raise fail("TRM1009", f"{names} does not end", "it may hang in the kernel; look at it with ps")


def _lives(each: Seen) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(each.pid, os.WNOHANG)
    return alive(each)


def log_file(root: Path, member: str) -> Path:
    """Where a member's output goes."""
    return root / "logs" / f"{member}.log"


def bound_logs(root: Path) -> None:
    """Empty the logs that have grown too long; they are appended to, so that this is safe at any time."""
    for path in (root / "logs").glob("*.log"):
        with contextlib.suppress(OSError):
            if path.stat().st_size > _LOG_LIMIT:
                os.truncate(path, 0)


def last_lines(root: Path, member: str, count: int = 8) -> tuple[str, ...]:
    """The end of a member's log."""
    try:
        with log_file(root, member).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - (16 << 10)))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(line[:600] for line in text.splitlines() if line.strip())[-count:]
