"""What a sandbox is made of, as values: mounts, limits, the command that starts it. Pure.

Both ways to make one, bubblewrap and our own launcher, follow the same list of mounts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

PROGRAMS = "/tmp/program/bin"  # noqa: S108 - a folder inside the sandbox, in its own tmpfs
STARTER = "/tmp/program/start"  # noqa: S108
HOME = "/root"
_MB = 1 << 20
# Of a root, these are never the distribution's own while something runs.
OWN = frozenset({"dev", "proc", "run", "sys", "tmp", "root", "home", "lost+found"})


class Isolation(StrEnum):
    """What makes the sandbox."""

    BUBBLEWRAP = "bubblewrap"
    NAMESPACES = "namespaces"


class Stop(StrEnum):
    """Why we ended a program that had not ended itself."""

    TIME = "time"
    MEMORY = "memory"
    TASKS = "tasks"
    CANCELLED = "cancelled"


class Act(StrEnum):
    """A step in making the sandbox's file tree."""

    BIND = "bind"
    LINK = "link"
    TMPFS = "tmpfs"
    PROC = "proc"
    DEV = "dev"
    SEAL = "seal"


@dataclass(frozen=True, slots=True)
class Mount:
    """One step.

    Args:
        to: the path inside.
        source: BIND: the path on this machine, shown read-only; LINK: where it points.
        size_bytes: TMPFS: the most that can be kept there.
    """

    act: Act
    to: str
    source: str = ""
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use; they hold for root too.

    Args:
        seconds: of wall time; a program that is still there then is ended.
        memory_bytes: of all its processes together, not counting shared pages of files.
        tasks: processes and threads.
        output_bytes: how much of its output is kept: half from the start, half from the end.
    """

    seconds: float = 10.0
    memory_bytes: int = 1024 * _MB
    tasks: int = 512
    output_bytes: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class Cell:
    """A sandbox for one run.

    Args:
        mounts: its file tree, in order.
        argv: the program and its arguments, as paths inside.
        network: whether it shares this machine's network.
        environment: all that the program sees.
    """

    mounts: tuple[Mount, ...]
    argv: tuple[str, ...]
    network: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """What a program sees of an environment; nothing of the caller's own is in it."""
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "HOME": HOME, "USER": "root", "LANG": "C.UTF-8", "TERM": "dumb"} | dict(more)


def tree(entries: Sequence[Mount], binds: Sequence[tuple[str, str]]) -> tuple[Mount, ...]:
    """The mounts of a sandbox.

    Args:
        entries: what shows the distribution's own folders and files.
        binds: further files of this machine, each with its path inside.
    """
    return (
        Mount(Act.TMPFS, "/", size_bytes=16 * _MB),
        *entries,
        Mount(Act.PROC, "/proc"),
        Mount(Act.DEV, "/dev"),
        Mount(Act.TMPFS, "/dev/shm", size_bytes=64 * _MB),  # noqa: S108 - inside
        Mount(Act.TMPFS, "/tmp", size_bytes=256 * _MB),  # noqa: S108 - inside
        Mount(Act.TMPFS, HOME, size_bytes=64 * _MB),
        Mount(Act.TMPFS, "/home", size_bytes=64 * _MB),
        Mount(Act.TMPFS, "/run", size_bytes=16 * _MB),
        *(Mount(Act.BIND, inside, outside) for outside, inside in binds),
        Mount(Act.SEAL, "/dev"),
        Mount(Act.SEAL, "/"),
    )


@dataclass(frozen=True, slots=True)
class Ends:
    """The descriptors by which a sandbox and we tell each other.

    Args:
        status: its maker writes what happened to it.
        wait: its maker waits for it before it goes on.
        starter: the file that starts the program inside; bubblewrap only.
        tells, gate: the starter's own: it writes to the one, and waits for the other.
        given: the options of the maker, in a file: the program can see its command.
    """

    status: int
    wait: int
    starter: int
    tells: int
    gate: int
    given: int


def bubblewrap(cell: Cell, ends: Ends) -> list[str]:
    """The options of bubblewrap that make the cell."""
    argv = ["--unshare-all", "--unshare-user", "--uid", "0", "--gid", "0"]
    argv += ["--share-net"] if cell.network else []
    argv += ["--hostname", "localhost", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    argv += ["--json-status-fd", str(ends.status), "--block-fd", str(ends.wait), "--clearenv"]
    for name, value in cell.environment.items():
        argv += ["--setenv", name, value]
    for mount in cell.mounts:
        argv += _option(mount)
    return [*argv, "--perms", "0555", "--file", str(ends.starter), STARTER, "--chdir", HOME]


def _option(mount: Mount) -> list[str]:
    match mount.act:
        case Act.BIND:
            return ["--ro-bind", mount.source, mount.to]
        case Act.LINK:
            return ["--symlink", mount.source, mount.to]
        case Act.TMPFS:
            return ["--size", str(mount.size_bytes), "--tmpfs", mount.to]
        case Act.PROC:
            return ["--proc", mount.to]
        case Act.DEV:
            return ["--dev", mount.to]
        case Act.SEAL:
            return ["--remount-ro", mount.to]


def by_hand(root: str, cell: Cell, binds: Sequence[tuple[str, str]]) -> list[str]:
    """The same run as a short command of bubblewrap, for people: the program meets the same files."""
    argv = ["bwrap", "--ro-bind", root, "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]  # noqa: S108
    for outside, inside in binds:
        argv += ["--ro-bind", outside, inside]
    argv += ["--unshare-all", *(["--share-net"] if cell.network else []), "--die-with-parent", "--clearenv"]
    for name, value in cell.environment.items():
        argv += ["--setenv", name, value]
    return [*argv, "--", *cell.argv]
