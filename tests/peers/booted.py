"""A real systemd, as the first process of namespaces and control groups of its own.

It runs on a layer over a root file system that stays as it is. When its first process is killed, everything
that it started ends, its mounts go with it, and its groups are removed; those that a killed run left behind
are removed by the next one.
"""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.rootfs import PATH, MissingPeerError

_NAME = "trimaran-tests-"
_NAMESPACES = ("--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup")
# The groups come first, so that the namespace of groups begins there. $1: the root file system, $2: what is
# mounted for groups, then the groups themselves.
_OUTSIDE = r"""
root=$1 mounts=$2; shift 2
for group; do
    for file in cpuset.cpus cpuset.mems; do
        if [ -f "$group/$file" ]; then cat "$group/../$file" > "$group/$file"; fi
    done
    echo $$ > "$group/cgroup.procs"
done
exec setpriv --pdeathsig KILL unshare --cgroup --pid --fork --kill-child --mount --uts --ipc --net \
    /bin/sh -euc "$INSIDE" sh "$root" "$mounts"
"""
# The kernel's settings belong to the machine, so that they are only read there.
_INSIDE = r"""
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o "lowerdir=$1,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root
cd /mnt/root
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
case $2 in *:cgroup:*) mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup ;; esac
for each in $2; do
    place=sys/fs/cgroup${each%%:*} rest=${each#*:}
    mkdir -p "$place"
    mount -t "${rest%%:*}" ${rest#*:} cgroup "$place"
done
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for each in null zero full random urandom tty; do : > "dev/$each"; mount --bind "/dev/$each" "dev/$each"; done
mkdir dev/pts dev/shm old
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
pivot_root . old
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /bin/sh -euc \
    'umount -l /old; rmdir /old; exec /lib/systemd/systemd --system systemd.unit=multi-user.target'
"""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A tree of control groups that this machine has.

    Args:
        place: where it is mounted.
        controllers: what it controls; for the second kind, those that its groups have.
        first_kind: control groups version 1.
    """

    place: Path
    controllers: frozenset[str]
    first_kind: bool

    @property
    def mount(self) -> str:
        """Its place below /sys/fs/cgroup, its type and the options of `mount`, for the script above."""
        name = "" if self.place == Path("/sys/fs/cgroup") else f"/{self.place.name}"
        named = sorted(self.controllers, key=lambda each: each.startswith("name="))
        options = ",".join([*(["none"] if named[0].startswith("name=") else []), *named]) if named else ""
        return f"{name}:cgroup:-o{options}" if self.first_kind else f"{name}:cgroup2:-orw"


@dataclass(frozen=True, slots=True)
class Booted:
    """A systemd that is up. `leader` is its first process, as this machine counts."""

    leader: int
    groups: tuple[Hierarchy, ...]
    name: str

    def run(self, *argv: str, given: str = "", status: int | None = 0) -> str:
        """What a command prints there; `status` is what it must end with."""
        done = subprocess.run(
            ["nsenter", f"--target={self.leader}", *_NAMESPACES, "--", *argv],
            input=given, capture_output=True, text=True, check=False, timeout=30, env={"PATH": PATH},
        )  # fmt: skip
        assert status is None or done.returncode == status, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, name: str, unit: str) -> None:
        """Write a unit there and start it."""
        self.run("/bin/sh", "-c", 'cat > "/run/systemd/system/$0"', name, given=unit)
        self.run("systemctl", "daemon-reload")
        self.run("systemctl", "start", name)

    def shown(self, name: str, setting: str) -> str:
        """What systemd says that it has for one setting of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={setting}", name).strip()

    def first_kind(self, controller: str) -> bool:
        """Whether a controller is in a hierarchy of the first kind on this machine."""
        return any(controller in each.controllers for each in self.groups if each.first_kind)

    def group(self, controller: str, unit: str) -> Path:
        """The control group of a unit in the hierarchy that has a controller, seen from outside."""
        tree = next(
            each
            for each in sorted(self.groups, key=lambda each: not each.first_kind)
            if controller in each.controllers or not each.first_kind
        )
        return tree.place / self.name / self.shown(unit, "ControlGroup").strip("/")


def hierarchies() -> tuple[Hierarchy, ...]:
    """The trees of control groups of this machine, by /proc/self/mountinfo."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        place = Path(before.split()[4])
        if kind == "cgroup":
            known = {"rw", "ro", "xattr", "clone_children", "noprefix", "cpuset_v2_mode"}
            named = {each for each in options.split(",") if each not in known}
            controllers = frozenset(each for each in named if not each.startswith("release_agent="))
            found.append(Hierarchy(place, controllers, first_kind=True))
        elif kind == "cgroup2":
            given = (place / "cgroup.subtree_control").read_text("utf-8").split()
            found.append(Hierarchy(place, frozenset(given), first_kind=False))
    return tuple(found)


@contextmanager
def booted(root: Path) -> Iterator[Booted]:
    """A systemd over a root file system, for as long as a block runs."""
    if os.geteuid() != 0:
        raise MissingPeerError("a systemd of its own needs root: it makes control groups and namespaces")
    trees = hierarchies()
    if not any("memory" in each.controllers for each in trees):
        raise MissingPeerError("no control groups below this one may limit memory")
    _remove_those_left_behind(trees)
    name = f"{_NAME}{os.getpid()}"
    places = [each.place / name for each in trees]
    process = None
    try:
        for place in places:
            place.mkdir()
        mounts = " ".join(each.mount for each in trees)
        process = _start([str(root), mounts, *map(str, places)])
        machine = Booted(_leader(process), trees, name)
        _wait(machine, process)
        yield machine
    finally:
        if process is not None:
            # The first process of the namespace is told to die with this one, and all others with it.
            process.kill()
            process.communicate(timeout=30)
        for place in places:
            _remove(place)


def _start(arguments: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["/bin/sh", "-euc", _OUTSIDE, "sh", *arguments], env={"PATH": PATH, "INSIDE": _INSIDE},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _leader(process: "subprocess.Popen[str]") -> int:
    """The process that became systemd; before that, a command there could reach this machine's own."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for _ in range(400):
        if process.poll() is not None:
            break
        with suppress(OSError):
            for each in children.read_text("utf-8").split():
                if Path(f"/proc/{each}/comm").read_text("utf-8") == "systemd\n":
                    return int(each)
        time.sleep(0.05)
    process.kill()
    raise AssertionError(f"systemd did not start: {process.communicate(timeout=30)[1]}")


def _wait(machine: Booted, process: "subprocess.Popen[str]") -> None:
    for _ in range(200):
        assert process.poll() is None, process.communicate(timeout=30)[1]
        if machine.run("systemctl", "is-system-running", status=None).strip() in {"running", "degraded"}:
            return
        time.sleep(0.1)
    raise AssertionError(machine.run("systemctl", "list-jobs", status=None))


def _remove_those_left_behind(trees: tuple[Hierarchy, ...]) -> None:
    for tree in trees:
        for place in tree.place.glob(f"{_NAME}*"):
            if not Path("/proc", place.name.removeprefix(_NAME)).exists():
                _remove(place)


def _remove(place: Path) -> None:
    """Remove a control group and those below it, once the kernel has let go of their processes."""
    for _ in range(200):
        below = [Path(folder) for folder, _, _ in os.walk(place, topdown=False)]
        if not below:
            return
        for each in below:
            with suppress(OSError):
                each.rmdir()
        time.sleep(0.05)
    raise AssertionError(f"control groups stay: {place}")


def kernel_limits(group: Path, names: tuple[str, ...]) -> Mapping[str, str]:
    """Those of a control group's files that the kernel has, and what stands in them."""
    return {name: (group / name).read_text("utf-8").strip() for name in names if (group / name).is_file()}
