"""Who listens on a TCP port of this machine. Reads /proc."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from trimaran.errors import printable

_LISTEN = "0A"


@dataclass(frozen=True, slots=True)
class Listener:
    """Someone who listens on a port; `pid` is 0 and `program` empty when they cannot be seen."""

    port: int
    pid: int
    program: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.program})" if self.pid else "a process of another user"


def parse_listening(text: str) -> frozenset[tuple[int, int]]:
    """Port and socket inode of every listening socket in /proc/net/tcp or tcp6 (proc_net_tcp(5))."""
    found = set()
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) > 9 and words[3] == _LISTEN:
            found.add((int(words[1].rpartition(":")[2], 16), int(words[9])))
    return frozenset(found)


def listeners(ports: Iterable[int]) -> tuple[Listener, ...]:
    """Everybody who listens on one of `ports`, on any address of this network namespace."""
    wanted = set(ports)
    sockets = {inode: port for port, inode in _listening() if port in wanted}
    if not sockets:
        return ()
    owners = _owners(set(sockets))
    found = {Listener(port, *owners.get(inode, (0, ""))) for inode, port in sockets.items()}
    return tuple(sorted(found, key=lambda each: (each.port, each.pid)))


def _listening() -> frozenset[tuple[int, int]]:
    found: frozenset[tuple[int, int]] = frozenset()
    for name in ("tcp", "tcp6"):
        try:
            found |= parse_listening(Path("/proc/self/net", name).read_text("ascii"))
        except OSError:
            continue  # A kernel without IPv6 has no tcp6.
    return found


def _owners(inodes: set[int]) -> dict[int, tuple[int, str]]:
    links = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            for fd in (folder / "fd").iterdir():
                inode = links.get(str(fd.readlink()))
                if inode is not None:
                    found[inode] = (int(folder.name), printable((folder / "comm").read_text().strip()))
        except OSError:
            continue  # It ended meanwhile, or belongs to another user.
    return found
