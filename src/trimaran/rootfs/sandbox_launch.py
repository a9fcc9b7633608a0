# A path is text here, and each call is one of the system's.
# ruff: noqa: PTH102, PTH103, PTH112, PTH120, PTH211
"""Makes a sandbox with the kernel's namespaces and starts a program in it, where bubblewrap is not installed.

A program of its own, started by `sandbox.py` with the number of a descriptor that holds a JSON object; it
imports nothing of ours. It writes lines like bubblewrap's to the descriptor `status`: `{"child-pid": N}`,
then `{"exit-code": N}`, `{"exit-signal": N}` or, when the kernel refused the program, `{"exec-errno": N}`.
"""

import ctypes
import json
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8
_REMOUNT, _BIND, _REC, _PRIVATE, _SLAVE = 32, 4096, 16384, 1 << 18, 1 << 19
_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "i686": 217, "ppc64le": 203, "s390x": 217}
_PDEATHSIG, _CAPBSET_DROP, _NO_NEW_PRIVS = 1, 24, 38
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
# A mount from outside keeps these; a user namespace may not take them away.
_KEPT = {2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}


def main(wanted: dict[str, Any]) -> NoReturn:
    """Make the namespaces, start the sandbox's first process and wait for it."""
    _die_with(wanted["parent"])
    status: int = wanted["ends"]["status"]
    uid, gid = os.getuid(), os.getgid()
    flags = _NEWUSER | _NEWNS | _NEWPID | _NEWIPC | _NEWUTS | _NEWCGROUP
    _check(_LIBC.unshare(flags | (0 if wanted["network"] else _NEWNET)), "unshare")
    Path("/proc/self/setgroups").write_text("deny", "ascii")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1", "ascii")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1", "ascii")
    for kind, most in wanted["limits"].items():
        _, hard = resource.getrlimit(int(kind))
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(int(kind), (bound, bound))
    child = os.fork()
    if child == 0:
        _first(wanted)
    _tell(status, {"child-pid": child})
    os.close(status)
    os.waitpid(child, 0)
    sys.exit(0)


def _first(wanted: dict[str, Any]) -> NoReturn:
    """The first process of the namespace: it starts the program, and all end with it."""
    # In a new process namespace the parent has no number.
    _die_with(0)
    ends = wanted["ends"]
    if not os.read(ends["wait"], 1):
        os._exit(1)  # whoever wanted this has gone
    status: int = ends["status"]
    if not wanted["network"]:
        _loopback()
    socket.sethostname("localhost")
    _tree(wanted["mounts"])
    os.chdir("/root")
    _drop()
    refused, tells = os.pipe()  # closed by a successful exec
    program = os.fork()
    if program == 0:
        _become(wanted, tells)
    os.close(tells)
    number = os.read(refused, 16)
    if number:
        _tell(status, {"exec-errno": int(number)})
        os._exit(1)
    while True:
        ended, result = os.wait()
        if ended == program:
            break
    code = os.waitstatus_to_exitcode(result)
    _tell(status, {"exit-code": code} if code >= 0 else {"exit-signal": -code})
    os._exit(0)


def _become(wanted: dict[str, Any], tells: int) -> NoReturn:
    os.setsid()
    for end in wanted["ends"].values():
        if end != tells:
            _close(end)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(wanted["argv"][0], wanted["argv"], wanted["environment"])  # noqa: S606 - to replace this process is the point
    except OSError as error:
        os.write(tells, str(error.errno).encode())
    os._exit(127)


def _tree(mounts: list[dict[str, Any]]) -> None:
    """Build the file tree in a new tmpfs and make it the root; what is outside goes out of sight."""
    base = "/tmp"  # noqa: S108 - only a place that every machine has; a private mount hides it
    _mount("none", "/", "", _SLAVE | _REC)
    _mount("tmpfs", base, "tmpfs", _NOSUID | _NODEV)
    for name in ("new", "old"):
        os.mkdir(f"{base}/{name}")
    _pivot(base, f"{base}/old")
    os.chdir("/")
    for mount in mounts:
        _STEPS[mount["act"]](mount, "/new" + mount["to"].rstrip("/"))
    _check(_LIBC.umount2(b"/old", _DETACH), "umount")
    os.chdir("/new")
    _pivot(".", ".")
    _check(_LIBC.umount2(b".", _DETACH), "umount")
    os.chdir("/")


def _bind(mount: dict[str, Any], place: str) -> None:
    source = "/old" + mount["source"]
    _place(source, place)
    _mount(source, place, "", _BIND | _REC)
    _remount(place, _RDONLY | _NOSUID | _NODEV)


def _place(source: str, place: str) -> None:
    """Something to mount on."""
    if os.path.isdir(source):
        os.makedirs(place, exist_ok=True)
    elif not os.path.lexists(place):
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_EXCL | os.O_CLOEXEC, 0o644))


def _link(mount: dict[str, Any], place: str) -> None:
    os.symlink(mount["source"], place)


def _tmpfs(mount: dict[str, Any], place: str) -> None:
    os.makedirs(place or "/", exist_ok=True)
    mode = "1777" if mount["to"] in {"/tmp", "/dev/shm"} else "755"  # noqa: S108 - inside
    _mount("tmpfs", place, "tmpfs", _NOSUID | _NODEV, f"size={mount['size_bytes']},mode={mode}")


def _proc(_: dict[str, Any], place: str) -> None:
    os.makedirs(place, exist_ok=True)
    _mount("proc", place, "proc", _NOSUID | _NODEV | _NOEXEC)


def _dev(_: dict[str, Any], place: str) -> None:
    os.makedirs(place, exist_ok=True)
    _mount("tmpfs", place, "tmpfs", _NOSUID, "size=1048576,mode=755")
    for name in _DEVICES:
        _place(f"/old/dev/{name}", f"{place}/{name}")
        _mount(f"/old/dev/{name}", f"{place}/{name}", "", _BIND)
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(f"/proc/self/{target}", f"{place}/{name}")
    os.mkdir(f"{place}/shm")


def _seal(_: dict[str, Any], place: str) -> None:
    _remount(place or "/new", _RDONLY)


_STEPS = {"bind": _bind, "link": _link, "tmpfs": _tmpfs, "proc": _proc, "dev": _dev, "seal": _seal}


def _remount(place: str, flags: int) -> None:
    has = os.statvfs(place).f_flag
    kept = sum(mount for shown, mount in _KEPT.items() if has & shown)
    _mount("none", place, "", _REMOUNT | _BIND | flags | kept)


def _mount(source: str, place: str, kind: str, flags: int, options: str = "") -> None:
    done = _LIBC.mount(
        os.fsencode(source), os.fsencode(place), kind.encode(), ctypes.c_ulong(flags), options.encode()
    )
    _check(done, f"mount {place}")


def _pivot(new: str, old: str) -> None:
    number = _PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        sys.exit(f"trimaran: pivot_root has no number on {os.uname().machine}; install bubblewrap")
    _check(_LIBC.syscall(number, new.encode(), old.encode()), "pivot_root")


def _loopback() -> None:
    """Raise `lo`, which a new network namespace has but does not raise."""
    import fcntl
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:
        up = 0x1 | 0x40
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", up))


def _drop() -> None:
    """Give up every capability, and the ways to get one."""
    for number in range(64):
        _LIBC.prctl(_CAPBSET_DROP, number, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    none = (ctypes.c_uint32 * 6)()
    _check(_LIBC.capset(ctypes.byref(header), ctypes.byref(none)), "capset")
    _check(_LIBC.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def _die_with(parent: int) -> None:
    _check(_LIBC.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    if os.getppid() != parent:
        os._exit(1)  # it has gone before we asked to go with it


def _tell(status: int, entry: dict[str, int]) -> None:
    os.write(status, json.dumps(entry).encode() + b"\n")


def _close(descriptor: int) -> None:
    with suppress(OSError):  # it may be closed already
        os.close(descriptor)


def _check(result: int, what: str) -> None:
    if result < 0:
        sys.exit(f"trimaran: {what}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    try:
        with os.fdopen(int(sys.argv[1]), "rb") as given:
            wanted = json.load(given)
        main(wanted)
    except OSError as error:
        sys.exit(f"trimaran: {error.filename or ''}: {error.strerror}")
