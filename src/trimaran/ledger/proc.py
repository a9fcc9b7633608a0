"""Which process this is and whether another still lives, from `/proc`; see proc(5)."""

import getpass
import os
import secrets
import socket
from pathlib import Path

from trimaran.ledger.model import Holder

_PROC = Path("/proc")


def this_host() -> str:
    """Names this boot and this process namespace, where process ids have one meaning.

    Two containers of one machine share the boot but not the ids. Empty where `/proc` cannot tell.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def started(pid: int) -> int | None:
    """The start time of a living process in ticks since boot; None when there is none, or only its corpse."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The second field is the command's name in brackets and may itself hold brackets and spaces.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])


def is_dead(holder: Holder) -> bool:
    """True only when it is certain: the holder ran in this very process namespace and is gone."""
    here = this_host()
    return bool(here) and holder.host == here and started(holder.pid) != holder.started


def this_holder(actor: str | None = None) -> Holder:
    """A holder that is the running process, for a lease about to be asked for; a new id every time."""
    pid = os.getpid()
    return Holder(secrets.token_hex(8), this_host(), pid, started(pid) or 0, actor or this_actor())


def this_actor() -> str:
    """`user@machine`, for people."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a user id without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
