"""Does it work? Wait for the ready probe, ask a bounded number of requests, and count. Input and output."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from trimaran.action import Health, Json, Object, ObjectRef, Scope
from trimaran.deliver.desk import Desk
from trimaran.deliver.rendering import TargetRendering
from trimaran.deliver.works import delivered
from trimaran.errors import Problem, TrimaranError
from trimaran.platform.host.platform import HostPlatform
from trimaran.platform.host.session import HostSession
from trimaran.slo import http
from trimaran.slo.objective import Objective, Tally, Unmeasurable, difference, tally
from trimaran.spec.service import ServiceSpec
from trimaran.supervise.state import State

HOST = "127.0.0.1"
_LOG_LINES = 10
_ENDED = {State.FAILED, State.GONE, State.STOPPED}
_GIVE_UP_AFTER = 3  # restarts: a program that ends again and again will not become ready by waiting


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a number of requests.

    Args:
        address: where they were sent.
        tallies: good and total for each objective, as the service counted them meanwhile.
    """

    address: str
    sent: http.Sent
    tallies: tuple[tuple[Objective, Tally | Unmeasurable], ...]


def process_of(rendering: TargetRendering) -> Object | None:
    """The process that was delivered; None when the target has none."""
    return next((item for item in delivered(rendering) if item.ref.kind == "Process"), None)


def wait_ready(rendering: TargetRendering, process: Object, desk: Desk, wait_s: float) -> tuple[int, str]:
    """The process id and the address that answered.

    Raises TRM0710 with the last lines of its log when it is not ready within `wait_s` seconds.
    """
    session = desk.session(rendering.target, rendering.settings)
    assert isinstance(session, HostSession)  # noqa: S101 - only a host has a Process
    deadline = time.monotonic() + wait_s
    ready = process.document["ready"]
    if ready is None:
        last = _wait_running(session, process, deadline)
        address = ""
    else:
        address = f"http://{HOST}:{ready['port']}{ready['path']}"
        answer = http.wait_ready(
            HOST, ready["port"], ready["path"], deadline, lambda: _lives(session, process.ref)
        )
        last = answer.last if isinstance(answer, http.NotReady) else ""
    status = _status(session, process.ref)
    if last or (status["state"] in _ENDED and not _finished(status, process)):
        raise _not_ready(rendering, session, status, last, wait_s, desk)
    return int(status["pid"]), address


def _finished(status: dict[str, Json], process: Object) -> bool:
    """Whether a job has done its work: it ended well and is not meant to be started again."""
    seen = Object(process.ref, {**process.document, "status": status})
    return status["state"] == State.STOPPED and HostPlatform().judge(seen) is Health.READY


def _wait_running(session: HostSession, process: Object, deadline: float) -> str:
    """Empty once the program has run for a second or done its job, else what was seen last."""
    steady_since: float | None = None
    pid = 0
    while time.monotonic() < deadline:
        status = _status(session, process.ref)
        if _finished(status, process):
            return ""
        if not _lives(session, process.ref):
            break
        if status["state"] != State.RUNNING or status["pid"] != pid:
            steady_since, pid = time.monotonic(), status["pid"]
        elif steady_since is not None and time.monotonic() - steady_since >= 1:
            return ""
        time.sleep(0.05)
    return "it does not keep running"


def _status(session: HostSession, ref: ObjectRef) -> dict[str, Json]:
    seen = session.observe(Scope(ref.target, refs=(ref,)))
    for item in seen.objects:
        status: dict[str, Json] = item.document["status"]
        return status
    return {"state": State.GONE, "pid": 0, "restarts": 0, "reason": "it is gone"}


def _lives(session: HostSession, ref: ObjectRef) -> bool:
    status = _status(session, ref)
    looping = status["state"] == State.BACKOFF and status["restarts"] >= _GIVE_UP_AFTER
    return status["state"] not in _ENDED and not looping


def _not_ready(
    rendering: TargetRendering,
    session: HostSession,
    status: dict[str, Json],
    last: str,
    wait_s: float,
    desk: Desk,
) -> TrimaranError:
    name = rendering.service.name
    reason = str(status["reason"]) or last
    what = f"{name} did not become ready within {wait_s:g}s: {reason}"
    lines = tuple(desk.redactor.redact(line) for line in session.log(name, _LOG_LINES))
    detail = lines or ("(its log is empty)",)
    fix = f"its last log lines follow; mend it and ship again, or `trimaran down {name}`"
    return TrimaranError(Problem("TRM0710", what, fix, detail=detail))


def ask(
    spec: ServiceSpec, objectives: Sequence[Objective], count: int, deadline_s: float = 30
) -> Asked | None:
    """Send `count` requests to the service's public path and count good and total by its own metrics.

    None when the service has no port to ask.
    """
    port, path = _question(spec)
    if port is None or not count:
        return None
    metrics = (spec.ports[spec.metrics.port], spec.metrics.path) if spec.metrics else None
    before = http.scrape(HOST, *metrics) if metrics and objectives else ()
    sent = http.send(HOST, port, path, count, time.monotonic() + deadline_s)
    after = http.scrape(HOST, *metrics) if metrics and objectives else ()
    counted = difference(before, after)
    address = f"http://{HOST}:{port}{path}"
    return Asked(address, sent, tuple((each, tally(counted, each)) for each in objectives))


def _question(spec: ServiceSpec) -> tuple[int | None, str]:
    """The port and path that clients are told of, or else the ready probe's, or else the root."""
    for route in spec.routes.values():
        return spec.ports[route.port], route.path
    from trimaran.spec.rules import default_port

    name = default_port(spec)
    if spec.probes.ready:
        name = spec.probes.ready.port or name
        return spec.ports[name or ""], spec.probes.ready.http
    return (spec.ports[name], "/") if name else (None, "/")
