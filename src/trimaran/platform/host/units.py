"""A Process document as a unit for the supervisor, and a unit's status as a document. Pure."""

from collections.abc import Mapping
from pathlib import PurePath

from trimaran.action import Json, digest
from trimaran.errors import printable
from trimaran.supervise.state import Restart, Status, Unit, reason

PROCESS = "Process"
FILE = "File"

# A change of these is no reason to start the program again.
_OUTSIDE = ("ready", "ports", "service")


def as_applied(document: Mapping[str, Json]) -> dict[str, Json]:
    """A document without the live facts that `observe` adds under `status`."""
    return {name: value for name, value in document.items() if name != "status"}


def with_restart(revision: str, key: str) -> str:
    """A revision that differs from `revision` because the action with this key asked for a restart."""
    return f"{revision.partition('+')[0]}+{key}"


def unit_of(document: Mapping[str, Json], program: PurePath, known: str, restart: str | None = None) -> Unit:
    """What the supervisor runs for a Process document.

    Args:
        program: where the document's program is installed.
        known: the revision that runs now; a restart that it remembers is not repeated.
        restart: the key of the action that wants the program started anew.
    """
    revision = digest({name: value for name, value in as_applied(document).items() if name not in _OUTSIDE})
    asked = restart or known.partition("+")[2]
    return Unit(
        argv=(str(program), *(str(word) for word in document["args"])),
        env={str(name): str(value) for name, value in document["env"].items()},
        secret_names=tuple(sorted(document["secrets"])),
        restart=Restart(document["restart"]),
        grace_s=float(document["grace_s"]),
        revision=with_restart(revision, asked) if asked else revision,
    )


def status_document(status: Status, program_exists: bool, ready: tuple[bool, str] | None) -> dict[str, Json]:
    """The live facts of a Process.

    `state` is a word of `trimaran.supervise.state.State`; `pid` 0 without a program; `since` seconds
    since 1970; `reason` why it does not run, or why it ended last; `ready` what the ready probe said
    just now, null without a probe or a program; `answer` its answer in words.
    """
    return {
        "state": str(status.state),
        "pid": status.child.pid if status.child else 0,
        "since": status.since,
        "restarts": status.restarts,
        "exit_code": status.exit_code,
        "exit_signal": status.exit_signal,
        "reason": printable(reason(status, program_exists)),
        "ready": None if ready is None else ready[0],
        "answer": "" if ready is None else ready[1],
    }
