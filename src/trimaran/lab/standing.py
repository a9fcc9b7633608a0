"""How the lab fares, from what was seen of its processes. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from trimaran.lab.members import Member


class State(StrEnum):
    """How one member fares."""

    UP = "up"
    STARTING = "starting"
    """It runs and does not answer yet, or no longer."""
    STALE = "stale"
    """It runs with other settings than the lab's now; `lab up` starts it anew."""
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Seen:
    """A process of the lab.

    Args:
        member: the name of the member that it was started as.
        started: in clock ticks since boot: with the id, names one process for ever.
        digest: of what it was started with.
        memory: resident bytes; 0 when unknown.
    """

    member: str
    pid: int
    started: int
    digest: str
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One member as it is."""

    member: str
    state: State
    address: str
    version: str
    pid: int = 0
    memory: int = 0


def standing(
    wanted: Sequence[tuple[Member, str, str]], seen: Sequence[Seen], answering: Collection[str]
) -> tuple[Row, ...]:
    """A row for each member.

    Args:
        wanted: each member with its version and digest.
        answering: the members that answer; one that listens nowhere answers by being there.
    """
    found = {each.member: each for each in seen}
    return tuple(_row(*each, found, answering) for each in wanted)


def _row(
    member: Member, version: str, digest: str, found: Mapping[str, Seen], answering: Collection[str]
) -> Row:
    process = found.get(member.name)
    if process is None:
        return Row(member.name, State.DOWN, member.address, version)
    if process.digest != digest:
        state = State.STALE
    elif member.ports and member.name not in answering:
        state = State.STARTING
    else:
        state = State.UP
    return Row(member.name, state, member.address, version, process.pid, process.memory)


def unset(wanted: Sequence[Member], versions: Mapping[str, str], seen: Sequence[Seen]) -> tuple[Row, ...]:
    """A row for each member of a lab whose settings are gone or were never made."""
    found = {each.member: each for each in seen}
    rows = []
    for member in wanted:
        each = found.get(member.name)
        state = State.STALE if each else State.DOWN
        rows.append(
            Row(
                member.name,
                state,
                "",
                versions[member.program],
                each.pid if each else 0,
                each.memory if each else 0,
            )
        )
    return tuple(rows)


def all_up(rows: Sequence[Row]) -> bool:
    """Whether every member is up."""
    return bool(rows) and all(row.state is State.UP for row in rows)
