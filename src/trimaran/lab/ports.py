"""The ports of one lab: free when they are chosen, then remembered. Input and output."""

import json
import secrets
import socket
from collections.abc import Collection
from pathlib import Path

from trimaran.errors import fail
from trimaran.lab.credentials import write_private
from trimaran.lab.members import PORTS

# Below the ports that the kernel gives to connections, so that none of those is in the way after a pause.
_FIRST, _LAST = 20_000, 31_999
_TRIES = 1_000
_FILE = "ports.json"


def known(root: Path) -> dict[str, int] | None:
    """The remembered ports; None unless all are there."""
    try:
        document = json.loads((root / _FILE).read_bytes())
        return {name: int(document[name]) for name in PORTS}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def ensure(root: Path, held: Collection[str]) -> dict[str, int]:
    """The lab's ports by name; one that somebody else has taken meanwhile is replaced.

    Args:
        held: the names of those on which the lab itself listens now.

    Raises TRM1008 when no port is free.
    """
    before = known(root) or {}
    chosen: dict[str, int] = {}
    for name in PORTS:
        port = before.get(name, 0)
        if not port or not (name in held or _is_free(port)):
            port = _free({*before.values(), *chosen.values()})
        chosen[name] = port
    if chosen != before:
        write_private(root / _FILE, json.dumps(chosen, indent=1).encode())
    return chosen


def _free(taken: Collection[int]) -> int:
    for _ in range(_TRIES):
        port = _FIRST + secrets.randbelow(_LAST - _FIRST + 1)
        if port not in taken and _is_free(port):
            return port
    what = f"no port between {_FIRST} and {_LAST} is free on 127.0.0.1"
    raise fail("TRM1008", what, "end some of the programs that listen there: `ss -ltnp` names them")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
