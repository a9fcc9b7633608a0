"""Bringing one target to what is wanted, through the ledger, and taking it down again. Input and output."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from trimaran.action import Json, Object, Scope, digest
from trimaran.deliver.made import Programs
from trimaran.deliver.planning import Plan, actions, deletion, plan
from trimaran.deliver.rendering import TargetRendering
from trimaran.errors import Exit, Problem, TrimaranError, fail
from trimaran.ledger import (
    Ledger,
    Outcome,
    OutcomeState,
    Performer,
    is_dead,
    open_existing,
    open_ledger,
    perform_all,
    recover,
    this_holder,
)
from trimaran.platform import RENDERED_ONLY, platform
from trimaran.platform.host.session import HostSession
from trimaran.secret import Redactor, SecretRef, resolve

DEADLINE_S = 120.0
_BAD = {OutcomeState.FAILED, OutcomeState.REFUSED, OutcomeState.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Desk:
    """What delivering needs of this machine.

    Args:
        state: the folder of what must not be lost.
        programs: the binaries at hand.
        redactor: knows every secret that was resolved.
    """

    state: Path
    programs: Programs
    redactor: Redactor

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.db"

    def root(self, target: str) -> Path:
        """The folder of a local target."""
        return self.state / "host" / target

    def session(self, target: str) -> HostSession:
        """A session with the local target of that name."""
        artifacts = {program.digest: Path(program.path) for program in self.programs.values()}
        return HostSession(self.root(target), target, artifacts, self._resolve, _now)

    def _resolve(self, reference: Mapping[str, Json]) -> str:
        ref = SecretRef(reference["from"], reference["path"], reference.get("key", ""))
        return resolve(ref, str(ref), self.redactor).reveal()


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was done on one target.

    Args:
        recovered: how actions ended that an earlier run had left open.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    recovered: tuple[Outcome, ...]

    @property
    def changed(self) -> bool:
        return bool(self.outcomes or self.recovered)


def _now() -> datetime:
    return datetime.now(UTC)


def wanted(rendering: TargetRendering) -> tuple[Object, ...]:
    """The objects of a rendering that a session applies."""
    kept = RENDERED_ONLY.get(rendering.settings.platform, frozenset())
    return tuple(item for item in rendering.rendering.objects if item.ref.kind not in kept)


def check_reachable(rendering: TargetRendering) -> None:
    """Raise TRM0706 when this release cannot deliver to the target's hosts."""
    hosts = getattr(rendering.settings, "hosts", ())
    if any(host not in ("localhost", "127.0.0.1") for host in hosts):
        what = f"the target {rendering.target} names {', '.join(hosts)}"
        raise fail("TRM0706", what, "this release delivers to localhost only; other hosts are rendered")


def look(rendering: TargetRendering, desk: Desk) -> Plan:
    """What the target needs, without changing anything."""
    seen = desk.session(rendering.target).observe(Scope(rendering.target, rendering.service.name))
    return plan(rendering.target, wanted(rendering), seen, platform(rendering.settings.platform))


def unfinished(target: str, desk: Desk) -> int:
    """How many actions an earlier run left open on a target; 0 when there is no ledger."""
    if not desk.ledger.exists():
        return 0
    with open_existing(desk.ledger) as ledger:
        return len(ledger.open_steps(target))


def deliver(rendering: TargetRendering, desk: Desk) -> Delivery:
    """Do what the target needs; nothing is written, not even to the ledger, when it needs nothing.

    Raises TrimaranError when an action fails, is refused, or cannot be seen to have happened.
    """
    planned = look(rendering, desk)
    _check_gaps(planned)
    if not planned.pending and not unfinished(rendering.target, desk):
        return Delivery(planned, (), ())
    with _performing(rendering.target, desk) as by:
        recovered = recover(by, _deadline())
        planned = look(rendering, desk)
        body: dict[str, Json] = {
            "event": "ship",
            "service": rendering.service.name,
            "target": rendering.target,
            "declaration": digest(rendering.service.model_dump(mode="json", by_alias=True)),
            "rendering": digest([dict(item.document) for item in rendering.rendering.objects]),
        }
        outcomes = _perform(planned, f"ship {rendering.service.name}", body, by)
    return _checked(Delivery(planned, outcomes, recovered))


def take_down(service: str, target: str, desk: Desk) -> Delivery:
    """Stop and remove what was shipped of a service, and only that.

    Raises TrimaranError when something could not be removed.
    """
    session = desk.session(target)
    if not desk.root(target).exists():
        return Delivery(Plan(target, ()), (), ())
    if not session.observe(Scope(target, service)).objects and not unfinished(target, desk):
        return Delivery(Plan(target, ()), (), ())
    with _performing(target, desk) as by:
        recovered = recover(by, _deadline())
        seen = session.observe(Scope(target, service))
        # Processes end before their files go.
        ordered = sorted(seen.objects, key=lambda item: item.ref.kind != "Process")
        planned = Plan(target, tuple(deletion(item) for item in ordered), seen.gaps)
        _check_gaps(planned)
        body = {"event": "down", "service": service, "target": target}
        outcomes = _perform(planned, f"down {service}", body, by)
    return _checked(Delivery(planned, outcomes, recovered))


@contextmanager
def _performing(target: str, desk: Desk) -> Iterator[Performer]:
    with open_ledger(desk.ledger, desk.redactor) as ledger:
        lease = ledger.acquire(target, this_holder(), _now(), is_dead)
        try:
            yield Performer(desk.session(target), ledger, lease, _now)
        finally:
            ledger.release(lease)


def _perform(planned: Plan, cause: str, body: Mapping[str, Json], by: Performer) -> tuple[Outcome, ...]:
    if not planned.pending:
        return ()
    assert isinstance(by.ledger, Ledger)  # noqa: S101 - the only kind that _performing gives
    run = by.ledger.tail().hash
    by.ledger.note(by.lease.holder.actor, body, _now())
    return perform_all(actions(planned, cause, run), by, _deadline())


def _deadline() -> float:
    return time.monotonic() + DEADLINE_S


def _check_gaps(planned: Plan) -> None:
    if planned.gaps:
        fix = "make it readable and run again; what cannot be seen is not touched"
        problems = [Problem("TRM0707", f"cannot see {gap.what}: {gap.reason}", fix) for gap in planned.gaps]
        raise TrimaranError(*problems, status=Exit.PARTIAL)


def _checked(done: Delivery) -> Delivery:
    problems: list[Problem] = []
    for outcome in (*done.recovered, *done.outcomes):
        if outcome.state in _BAD:
            problems += [p for p in outcome.problems if p not in problems]
    if problems:
        # What was left alone because of another's failure says nothing new.
        told = [each for each in problems if each.code != "TRM0425"] or problems
        raise TrimaranError(*told)
    return done
