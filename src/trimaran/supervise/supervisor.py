# ruff: noqa: PTH105, PTH108, PTH110, PTH116, PTH120, PTH123, PTH208, SIM105
# Standard library only and one file, because it runs as `python -I -S supervisor.py STATE_DIR`, outlives
# the command, and must not break when Trimaran is upgraded or removed; pathlib, typing and subprocess
# would triple what it needs above the bare interpreter. One file is also why it is longer than others.
"""Keep one service running: start it, drain its log, restart it with back-off, stop it.

Everything is in STATE_DIR: `unit.json` (what to run), `status.json` (what runs), `lock` (held for the
supervisor's life), `log.pipe` (the child's standard output and error), `log` and `log.1` … (drained).

Two promises hold at every instruction, also under kill -9. There is never a child that is not recorded:
it waits behind a pipe until its process id and start time are in `status.json`, and ends by itself when
the supervisor dies first. There are never two: a recorded child that lives is adopted.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import signal
import stat
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # only for the type checker: each import is memory of every service

MARK = "TRIMARAN_UNIT"
"""Set in the environment of the child, and so of what it starts, to the id of the unit."""
KEEPER = "TRIMARAN_SUPERVISOR"
"""Set in the environment of the supervisor to the id of the unit."""

CHUNK = 1 << 16
LINE_MAX = 1 << 16
# No later attempt mends these without somebody changing a file.
LASTING = (
    errno.ENOENT,
    errno.EACCES,
    errno.EPERM,
    errno.ENOEXEC,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,
    errno.ELIBBAD,
    errno.EINVAL,
    errno.E2BIG,
    errno.ENAMETOOLONG,
)


def backoff_s(failures: int, first_s: float, max_s: float, chance: float) -> float:
    """Seconds to wait before the next start.

    Args:
        failures: ends in a row before this one, 0 or more.
        chance: 0 to 1; spreads restarts of many services over the upper half of the wait.
    """
    whole = min(max_s, first_s * 2 ** min(failures, 60))
    return float(whole * (0.5 + 0.5 * chance))


def boot_id() -> str:
    """Differs after each boot of the kernel; process ids and start times mean nothing across it."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def stat_of(pid: int) -> dict[str, int] | None:
    """State (a character's code), group, session, threads and start of a process; None when gone.

    `start` is in clock ticks since boot (field 22, proc_pid_stat(5)).
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    # The second field is the program's name, which may hold spaces and brackets.
    rest = text[text.rindex(b")") + 2 :].split()
    return {
        "state": rest[0][0],
        "group": int(rest[2]),
        "session": int(rest[3]),
        "threads": int(rest[17]),
        "start": int(rest[19]),
    }


def alive(pid: int, start: int) -> bool:
    """Whether the process that had this id and start time still runs; a zombie does not."""
    seen = stat_of(pid)
    if seen is None or seen["start"] != start:
        return False
    # A leader that ended before its other threads shows as a zombie too.
    return seen["state"] not in b"ZX" or seen["threads"] > 1


def marked(mark: str, value: str) -> list[tuple[int, int]]:
    """Process id and start time of every other living process whose environment has `mark=value`.

    Another user's processes are unreadable unless root asks, and so never among them.
    """
    wanted = f"{mark}={value}".encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        seen = stat_of(int(name))
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                ours = wanted in file.read().split(b"\0")
        except OSError:
            continue
        if ours and seen is not None and alive(int(name), seen["start"]):
            found.append((int(name), seen["start"]))
    return found


def in_session(leader: int, start: int) -> list[tuple[int, int]]:
    """The living processes of the session that this process leads.

    Some programs overwrite their environment, but few leave their session. While the leader is there,
    be it as a zombie, the number of its session cannot belong to anyone else.
    """
    first = stat_of(leader)
    if first is None or first["start"] != start or first["session"] != leader:
        return []
    found = []
    for name in os.listdir("/proc"):
        seen = stat_of(int(name)) if name.isdigit() else None
        if seen is not None and seen["session"] == leader and alive(int(name), seen["start"]):
            found.append((int(name), seen["start"]))
    return found


def watch(pid: int) -> int:
    """A descriptor that becomes readable when the process ends; -1 when the kernel has none (< 5.3)."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return -1


def send(pid: int, start: int, number: int) -> None:
    """Signal the process with this id and start time and no other; nothing when it is gone."""
    fd = watch(pid)
    try:
        if not alive(pid, start):
            return
        # The descriptor was opened before the look, so that it cannot mean a later process.
        if fd >= 0:
            signal.pidfd_send_signal(fd, number)
        else:
            os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass
    finally:
        if fd >= 0:
            os.close(fd)


def write_whole(path: str, content: bytes) -> None:
    """Write a file so that a reader sees the old or the new content, also after a power cut."""
    folder = os.path.dirname(path)
    temporary = f"{path}.{os.getpid()}.new"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        # A disk that is almost full takes a part and says so only at the next write.
        while content:
            content = content[os.write(fd, content) :]
        os.fsync(fd)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
    finally:
        os.close(fd)
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Log:
    """A file that is rotated between lines and never stops the service.

    A line longer than `LINE_MAX` becomes several. What cannot be written (a full disk) is counted and
    the count is written once there is room again.
    """

    def __init__(self, path: str, max_bytes: int, keep: int) -> None:
        self.path, self.max_bytes, self.keep = path, max_bytes, keep
        self.fd, self.size, self.line = -1, 0, 0
        self.dropped, self.why = 0, ""

    def write(self, chunk: bytes) -> None:
        """Append at most `CHUNK` bytes, rotating where a line begins."""
        self._look()
        begun = at = 0
        while at < len(chunk):
            end = chunk.find(b"\n", at) + 1 or len(chunk)
            if self.line and self.line + end - at > LINE_MAX:
                self._append(chunk[begun:at] + b"\n")
                begun, self.line = at, 0
            if self.line == 0 and self.size + end - begun > self.max_bytes:
                self._append(chunk[begun:at])
                begun = at
                self._rotate()
            self.line = 0 if chunk[end - 1 : end] == b"\n" else self.line + end - at
            at = end
        self._append(chunk[begun:])

    def note(self, text: str) -> None:
        """A line of the supervisor's own."""
        self._look()
        start = b"\n" if self.line else b""
        self.line = 0
        self._append(start + f"trimaran: {text}\n".encode())

    def _look(self) -> None:
        """Learn where an earlier supervisor stopped, before deciding where a line begins."""
        try:
            if self.fd < 0:
                self._open()
        except OSError:
            pass  # `_append` tries again and counts what is lost.

    def _append(self, part: bytes) -> None:
        if not part:
            return
        try:
            if self.fd < 0:
                self._open()
            if self.dropped:
                self._put(f"\ntrimaran: {self.dropped} lines were dropped here: {self.why}\n".encode())
                self.dropped = 0
            self._put(part)
        except OSError as full:
            self.dropped += part.count(b"\n") or 1
            self.why = os.strerror(full.errno or 0)

    def _put(self, part: bytes) -> None:
        while part:
            count = os.write(self.fd, part)
            self.size += count
            part = part[count:]

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        self.fd = os.open(self.path, flags, 0o600)
        self.size = os.fstat(self.fd).st_size
        ended = not self.size or os.pread(self.fd, 1, self.size - 1) == b"\n"
        self.line = self.line or (0 if ended else 1)

    def _rotate(self) -> None:
        if self.size == 0:
            return
        try:
            # From the oldest on, so that a kill in between leaves a gap in the numbers and no loss.
            for number in range(self.keep - 1, 0, -1):
                if os.path.exists(f"{self.path}.{number}"):
                    os.replace(f"{self.path}.{number}", f"{self.path}.{number + 1}")
            if self.keep:
                os.replace(self.path, f"{self.path}.1")
            else:
                os.unlink(self.path)
        except OSError as broken:
            # Growing without end would be worse than losing lines.
            os.ftruncate(self.fd, 0)
            self.dropped, self.why = self.dropped + 1, os.strerror(broken.errno or 0)
            self.size = 0
            return
        os.close(self.fd)
        self.fd, self.size = -1, 0


class Supervisor:
    """The state machine around one child: starting, running, backoff, stopping, stopped, failed."""

    def __init__(self, folder: str, unit: dict[str, Any], secrets: dict[str, str], lock: int) -> None:
        self.folder, self.unit, self.lock = folder, unit, lock
        named = {name: secrets[name] for name in unit["secret_names"]}
        self.env = {"PATH": "/usr/local/bin:/usr/bin:/bin"} | unit["env"] | named | {MARK: unit["id"]}
        self.log = Log(f"{folder}/log", unit["log"]["max_bytes"], unit["log"]["keep"])
        self.me = {"pid": os.getpid(), "start": (stat_of(os.getpid()) or {})["start"]}
        self.state, self.since = "starting", time.time()
        self.child: dict[str, int] | None = None
        self.adopted, self.told, self.watched = False, -1, -1
        self.restarts = self.failures = 0
        self.exit: dict[str, int] | None = None
        self.error: dict[str, int | str] | None = None
        self.began = self.due = 0.0
        self.term = False
        self.answer_fd = 1
        self.pipe = self.wake = -1
        self.poller = select.poll()

    # -- what is known outside

    def record(self, state: str) -> None:
        """Write `status.json`; raises OSError when even the reserve gives no room."""
        if state != self.state:
            self.state, self.since = state, time.time()
        content = {
            "boot": boot_id(),
            "supervisor": self.me,
            "child": self.child,
            "state": state,
            "restarts": self.restarts,
            "exit": self.exit,
            "error": self.error,
            "since": self.since,
        }
        reserve = f"{self.folder}/reserve"
        path, text = f"{self.folder}/status.json", json.dumps(content).encode()
        try:
            write_whole(path, text)
        except OSError as full:
            if full.errno not in (errno.ENOSPC, errno.EDQUOT) or not os.path.exists(reserve):
                raise
            os.unlink(reserve)
            write_whole(path, text)
        try:
            if not os.path.exists(reserve):
                write_whole(reserve, bytes(1 << 13))
        except OSError:
            pass

    def tell(self, state: str) -> None:
        """`record` where a full disk must not stop the service."""
        if not self.in_place():
            self.state = state
            return  # Whoever removes the state directory must not find new files in it.
        try:
            self.record(state)
        except OSError as full:
            self.log.note(f"state {state} could not be recorded: {full.strerror}")

    def answer(self, word: str) -> None:
        """Tell whoever started us how it went, once, and let go of its descriptors."""
        if self.answer_fd < 0:
            return
        self.answer_fd = -1
        say(word)
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.close(null)

    # -- the child

    def adopt(self) -> bool:
        """Take over the child of a supervisor that died, if it lives."""
        try:
            with open(f"{self.folder}/status.json", "rb") as file:
                seen = json.loads(file.read())
            child = {"pid": int(seen["child"]["pid"]), "start": int(seen["child"]["start"])}
            if seen["boot"] != boot_id() or not alive(child["pid"], child["start"]):
                return False
            self.restarts = int(seen["restarts"])
        except (OSError, ValueError, KeyError, TypeError):
            return False
        self.child, self.adopted, self.began = child, True, time.monotonic()
        self.watched = watch(child["pid"])
        if self.watched >= 0:
            self.poller.register(self.watched, select.POLLIN)
        self.log.note(f"a new supervisor takes over process {child['pid']}")
        self.tell("running")
        return True

    def start(self) -> None:
        """Fork, record, and only then let the child become the program."""
        self.end_leftovers()
        self.began = time.monotonic()
        gate, opener = os.pipe()
        told, teller = os.pipe()
        try:
            pid = os.fork()
        except OSError as busy:
            for fd in (gate, opener, told, teller):
                os.close(fd)
            self.lapse({"step": "fork", "errno": busy.errno or 0})
            return
        if pid == 0:
            self.become(gate, opener, teller)
        os.close(gate)
        os.close(teller)
        self.child, self.adopted, self.told = {"pid": pid, "start": 0}, False, told
        self.exit = self.error = None
        try:
            self.child["start"] = (stat_of(pid) or {})["start"]
            self.record("starting")
            os.write(opener, b"1")
        except (OSError, KeyError) as broken:
            self.error = {"step": "record", "errno": getattr(broken, "errno", None) or 0}
        finally:
            os.close(opener)
        self.poller.register(told, select.POLLIN)

    def become(self, gate: int, opener: int, teller: int) -> None:
        """In the child: wait for the gate, then exec; never returns."""
        step = "gate"
        try:
            signal.set_wakeup_fd(-1)
            os.close(opener)
            os.close(self.lock)
            if os.read(gate, 1) != b"1":
                os._exit(0)
            os.setsid()
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            os.umask(0o022)
            step = "log"
            # Opened for reading too, so that the death of the supervisor is no SIGPIPE for the child.
            output = os.open(f"{self.folder}/log.pipe", os.O_RDWR)
            for fd in (1, 2):
                os.dup2(output, fd)
            step = "cwd"
            os.chdir(self.unit["cwd"])
            step = "exec"
            env = {coded(name): coded(value) for name, value in self.env.items()}
            os.execve(coded(self.unit["argv"][0]), [coded(word) for word in self.unit["argv"]], env)  # noqa: S606  # the program is what the user asked for
        except OSError as broken:
            os.write(teller, f"{step} {broken.errno}".encode())
        finally:
            os._exit(127)

    def heard(self) -> None:
        """The child has become the program (end of file) or says why it could not."""
        words = os.read(self.told, 100).decode().split()
        self.poller.unregister(self.told)
        os.close(self.told)
        self.told = -1
        if words:
            self.error = {"step": words[0], "errno": int(words[1])}
        elif self.error is None and not self.term:
            self.tell("running")
            self.answer("ready")

    def ended(self) -> bool:
        """Whether the child is gone; a child of ours is left as a zombie to hold its number."""
        if self.child is None:
            return True
        if self.adopted:
            return not alive(self.child["pid"], self.child["start"])
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.child["pid"], flags) is not None

    def bury(self) -> None:
        """End what the child left behind, reap it, and decide what comes next."""
        if self.told >= 0:
            self.heard()
        self.end_leftovers()
        if self.child is not None and not self.adopted:
            _, status = os.waitpid(self.child["pid"], 0)
            code = os.waitstatus_to_exitcode(status)
            if self.error is None:
                self.exit = {"code": code} if code >= 0 else {"signal": -code}
        elif self.child is not None:
            self.exit = None  # Only a parent learns how its child ended.
        if self.watched >= 0:
            self.poller.unregister(self.watched)
            os.close(self.watched)
            self.watched = -1
        self.child = None
        self.drain(whole=True)
        self.lapse(self.error)

    def lapse(self, error: dict[str, int | str] | None) -> None:
        """There is no child now: stop, give up, or wait for the next start."""
        self.error = error
        clean = error is None and self.exit == {"code": 0}
        if self.term:
            self.finish("stopped")
        elif error is not None and error["errno"] in LASTING:
            self.finish("failed")
        elif self.unit["restart"] == "never" or (self.unit["restart"] == "on-failure" and clean):
            self.finish("stopped" if clean else "failed")
        else:
            limits = self.unit["backoff"]
            if time.monotonic() - self.began >= limits["reset_after_s"]:
                self.failures = 0
            wait = backoff_s(self.failures, limits["first_s"], limits["max_s"], os.urandom(1)[0] / 255)
            self.failures += 1
            self.restarts += 1
            self.due = time.monotonic() + wait
            self.log.note(f"the program ended ({ending(self.exit, error)}); next start in {wait:.1f} s")
            self.tell("backoff")
            self.answer("ready")

    def finish(self, state: str) -> None:
        self.log.note(f"{state} ({ending(self.exit, self.error)})")
        self.tell(state)
        self.answer("ready")

    def end_leftovers(self) -> None:
        """Kill what an ended child started and left; only what carries our mark or its session."""
        for _ in range(100):
            left = self.ours()
            if not left:
                return
            for pid, start in left:
                send(pid, start, signal.SIGKILL)
            time.sleep(0.02)
        self.log.note("some processes could not be ended: " + ", ".join(str(pid) for pid, _ in left))

    def ours(self) -> list[tuple[int, int]]:
        session = in_session(self.child["pid"], self.child["start"]) if self.child else []
        return sorted({*session, *marked(MARK, self.unit["id"])})

    # -- the loop

    def run(self) -> None:
        self.prepare()
        if self.adopt():
            self.answer("ready")
        else:
            self.start()
        while self.state not in ("stopped", "failed"):
            self.poller.poll(self.wait_s() * 1000)
            if self.state == "stopping":
                time.sleep(0.02)  # Some descriptors stay readable until the end.
            try:
                os.read(self.wake, 512)
            except BlockingIOError:
                pass
            self.drain()
            self.step()
        self.drain(whole=True)

    def prepare(self) -> None:
        """Signals and the pipe for the log."""
        self.wake, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.on_term)
        path = f"{self.folder}/log.pipe"
        try:
            if not stat.S_ISFIFO(os.lstat(path).st_mode):
                os.unlink(path)
                os.mkfifo(path, 0o600)
        except FileNotFoundError:
            os.mkfifo(path, 0o600)
        self.pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.fcntl(self.pipe, fcntl.F_SETPIPE_SZ, 1 << 20)
        except OSError:
            pass  # The system's limit for pipes of one user is reached: the default size serves.
        self.poller.register(self.wake, select.POLLIN)
        self.poller.register(self.pipe, select.POLLIN)

    def on_term(self, *_: object) -> None:
        self.term = True

    def wait_s(self) -> float:
        """Until the next thing that no descriptor tells us."""
        if self.state == "stopping":
            return 0.05
        if self.child is None:
            return max(0.0, min(10.0, self.due - time.monotonic())) + 0.001
        return 0.5 if self.adopted and self.watched < 0 else 10.0

    def step(self) -> None:
        """One turn of the state machine."""
        if self.told >= 0 and select.select([self.told], [], [], 0)[0]:
            self.heard()
        if not self.in_place():
            self.term = True
        if self.term and self.state != "stopping":
            self.begin_stop()
        elif self.state == "stopping":
            self.go_on_stopping()
        elif self.child is not None and self.ended():
            self.bury()
        elif self.child is None and time.monotonic() >= self.due:
            self.start()

    def in_place(self) -> bool:
        """False when the state directory was removed: then nobody could find the service again."""
        try:
            return os.stat(f"{self.folder}/lock").st_ino == os.fstat(self.lock).st_ino
        except OSError:
            return False

    def begin_stop(self) -> None:
        self.due = time.monotonic() + self.unit["stop"]["grace_s"]
        self.tell("stopping")
        self.answer("ready")
        group = self.child["pid"] if self.child and not self.ended() else 0
        if group:
            try:
                os.killpg(group, signal.SIGTERM)
            except ProcessLookupError:
                # It waits behind the gate or has no session of its own yet.
                send(group, (self.child or {})["start"], signal.SIGTERM)
        for pid, start in self.ours():
            if (stat_of(pid) or {}).get("group") != group:
                send(pid, start, signal.SIGTERM)

    def go_on_stopping(self) -> None:
        if not self.ours() or time.monotonic() >= self.due:
            if self.child is not None and not self.ended():
                send(self.child["pid"], self.child["start"], signal.SIGKILL)
                return
            self.bury()

    def drain(self, whole: bool = False) -> None:
        """Move what the child wrote into the log; a turn is bounded unless `whole`."""
        turns = 0
        while turns < (1024 if whole else 64):
            turns += 1
            try:
                self.log.write(os.read(self.pipe, CHUNK))
            except BlockingIOError:
                return


def coded(text: str) -> bytes:
    """Text that came through JSON, as the bytes that it stands for."""
    return text.encode("utf-8", "surrogateescape")


def ending(exit_: dict[str, int] | None, error: dict[str, int | str] | None) -> str:
    """How the child ended, for the log."""
    if error is not None:
        return f"{error['step']}: {os.strerror(int(error['errno']))}"
    return " ".join(f"{word} {number}" for word, number in (exit_ or {}).items()) or "exit unknown"


def say(word: str) -> None:
    """One line to whoever started us."""
    try:
        os.write(1, word.encode() + b"\n")
    except OSError:
        pass  # Whoever started us is gone, which is no reason not to serve.


def read_secrets() -> dict[str, str]:
    """One line of JSON from standard input; ends the program when it breaks off."""
    text = b""
    while not text.endswith(b"\n"):
        part = os.read(0, CHUNK)
        if not part:
            say("secrets broke off")
            os._exit(1)
        text += part
    secrets: dict[str, str] = json.loads(text)
    return secrets


def detach() -> None:
    """Leave the session, terminal, folder and descriptors of whoever started us."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    os.umask(0o077)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                os.close(int(name))
            except OSError:
                pass  # The descriptor of the listing itself.


def main(folder: str) -> None:
    """Take the secrets, detach, take the lock, and keep the service until it is stopped."""
    secrets = read_secrets()
    detach()
    lock = os.open(f"{folder}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("locked")
        os._exit(3)
    try:
        with open(f"{folder}/unit.json", "rb") as file:
            unit = json.loads(file.read())
        keeper = Supervisor(folder, unit, secrets, lock)
    except (OSError, ValueError, KeyError) as broken:
        say(f"unit: {broken!r}")
        os._exit(2)
    try:
        keeper.run()
    except Exception as bug:  # noqa: BLE001  # the log is the only place where anybody can read it
        at = bug.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        keeper.log.note(f"the supervisor met a bug at line {at.tb_lineno if at else 0}: {bug!r}")
        say(f"bug: {bug!r}")
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
