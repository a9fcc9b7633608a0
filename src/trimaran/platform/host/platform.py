"""The host platform: its four pure answers."""

import posixpath
from typing import Any

from trimaran.action import Change, Health, Object, ObjectRef, digest
from trimaran.platform.compare import changes
from trimaran.platform.losses import told
from trimaran.platform.protocol import Edge, Loss, Made, Rendering
from trimaran.platform.unit import is_made, restart, unit_losses, unit_text
from trimaran.spec.fleet import HostTarget, Target
from trimaran.spec.rules import default_port
from trimaran.spec.service import Probe, Service, ServiceSpec, WorkloadType
from trimaran.supervise.state import State

GRACE_S = 30
"""Seconds from SIGTERM to SIGKILL, as Kubernetes has it by default."""

_UP = {State.STARTING, State.RUNNING, State.BACKOFF, State.STOPPING}


class HostPlatform:
    """Renders files, a systemd unit and, for our own supervisor, a Process."""

    def render(self, service: Service, target: str, settings: Target, made: Made) -> Rendering:
        assert isinstance(settings, HostTarget)  # noqa: S101 - the table's choice
        found = [
            _object(target, "File", path, _file(service, path, file.content or "", file.mode))
            for path, file in sorted(service.spec.files.items())
        ]
        if made.binary:
            unit = f"/etc/systemd/system/{service.name}.service"
            document = _file(service, unit, unit_text(service, made), "0644")
            found.append(_object(target, "Unit", unit, document))
            found.append(_object(target, "Process", service.name, process(service, made)))
        return Rendering(tuple(found), told(service, _losses(service, target, settings)))

    def diff(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        document = {key: value for key, value in seen.document.items() if key != "status"}
        found = list(changes(wanted.document, document))
        status = seen.document.get("status")
        if status is not None and not _is_up(status, wanted):
            found.append(Change("status.state", status["state"], str(State.RUNNING)))
        return tuple(found)

    def judge(self, seen: Object) -> Health:
        status = seen.document.get("status")
        if status is None:
            return Health.READY
        match State(status["state"]):
            case State.RUNNING:
                return Health.PROGRESSING if status["ready"] is False else Health.READY
            case State.STARTING | State.STOPPING:
                return Health.PROGRESSING
            case State.STOPPED if status["exit_code"] == 0 and seen.document["restart"] != "always":
                return Health.READY
            case State.LOST:
                # It answers, but nobody would start it again.
                return Health.PROGRESSING
            case _:
                return Health.FAILED

    def wave(self, ref: ObjectRef) -> int:
        return 1 if ref.kind == "Process" else 0

    def service_of(self, item: Object) -> str | None:
        service: str | None = item.document.get("service")
        return service

    def left_alone(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        return ()

    def edges(self, seen: tuple[Object, ...]) -> tuple[Edge, ...]:
        files = {item.ref.name: item.ref for item in seen if item.ref.kind == "File"}
        return tuple(
            Edge(item.ref, files[path], f"files[{path}]")
            for item in seen
            if item.ref.kind == "Process"
            for path in item.document.get("files", {})
            if path in files
        )


def _is_up(status: dict[str, Any], wanted: Object) -> bool:
    finished = status["state"] == State.STOPPED and status["exit_code"] == 0
    return status["state"] in _UP or (finished and wanted.document["restart"] != "always")


def _object(target: str, kind: str, name: str, document: dict[str, Any]) -> Object:
    return Object(ObjectRef(target, kind, name), document)


def _file(service: Service, path: str, content: str, mode: str) -> dict[str, Any]:
    return {"service": service.name, "path": path, "content": content, "mode": mode}


def process(service: Service, made: Made) -> dict[str, Any]:
    """What our supervisor runs: the program by its digest, its environment, and how it is probed."""
    spec = service.spec
    return {
        "service": service.name,
        "binary": made.binary,
        "program": made.program,
        "args": list(spec.command.args),
        "env": dict(sorted(spec.env.items())),
        "secrets": {
            name: {"from": str(ref.source), "path": ref.path, "key": ref.key, "as": ref.given}
            for name, ref in sorted(spec.secrets.items())
            if ref.given == "env"
        },
        # A program reads its files when it starts: another content is another process.
        "files": {path: digest([file.content, file.mode]) for path, file in sorted(spec.files.items())},
        "ports": dict(spec.ports),
        "ready": _probe(spec, spec.probes.ready),
        "restart": str(restart(service)),
        "grace_s": GRACE_S,
    }


def _probe(spec: ServiceSpec, probe: Probe | None) -> dict[str, Any] | None:
    if probe is None:
        return None
    return {"port": spec.ports[probe.port or default_port(spec) or ""], "path": probe.http}


def _losses(service: Service, target: str, settings: HostTarget) -> list[Loss]:
    spec = service.spec
    found = _shape_losses(spec, target, len(settings.hosts))
    if settings.via == "local":
        return found + _local_losses(spec, target)
    found += unit_losses(service, target)
    for name, volume in spec.volumes.items():
        found.append(Loss(target, f"volumes.{name}.size", "a directory has no size limit"))
        found.append(Loss(target, f"volumes.{name}.encrypted", "the disk is the administrator's"))
        if volume.per == "service":
            found.append(Loss(target, f"volumes.{name}.per", "each host has its own"))
        if not is_made(volume.mount):
            reason = "systemd makes what lies below /var/lib and /var/cache; this must be there"
            found.append(Loss(target, f"volumes.{name}.mount", reason))
    found.append(Loss(target, "resources.requests", "systemd promises nothing; limits are kept"))
    return found


def _shape_losses(spec: ServiceSpec, target: str, hosts: int) -> list[Loss]:
    found = [Loss(target, f"routes.{name}", "a host has no ingress") for name in spec.routes]
    if spec.workload.type is WorkloadType.DAEMON:
        if spec.workload.replicas != 1:
            found.append(Loss(target, "workload.replicas", "a daemon runs once on every host"))
    elif spec.workload.replicas != hosts:
        found.append(Loss(target, "workload.replicas", "one runs on each host"))
    if spec.scaling:
        found.append(Loss(target, "scaling", "a host runs one, whatever the load"))
    if spec.workload.type in (WorkloadType.STATEFUL, WorkloadType.CRON):
        found.append(Loss(target, "workload.type", f"a {spec.workload.type} runs as a service"))
    if spec.workload.cron:
        found.append(Loss(target, "workload.cron", "the schedule is not rendered; it runs once"))
    if spec.image:
        found.append(Loss(target, "image", "a host runs a program, not an image: nothing is delivered"))
    if spec.metrics:
        found.append(Loss(target, "metrics", "read by trimaran ship; no scrape configuration is rendered"))
    return found


def _local_losses(spec: ServiceSpec, target: str) -> list[Loss]:
    """What our supervisor without root does not express, though the unit beside it may."""
    found = [
        Loss(
            target,
            f"files.{path}",
            f"stands below the target's own folder, as files{path}; /{_top(path)} needs root",
        )
        for path in spec.files
    ]
    found += [Loss(target, f"volumes.{name}", "not made; it needs root") for name in spec.volumes]
    found += [
        Loss(target, f"secrets.{name}", "given as a variable or not at all: no file is written")
        for name, secret in spec.secrets.items()
        if secret.given == "file"
    ]
    found += [
        Loss(target, f"objectives.{name}", "counted by trimaran ship; no Prometheus rules are rendered")
        for name in spec.objectives
    ]
    if spec.probes.live:
        found.append(Loss(target, "probes.live", "not asked; the process is restarted when it ends"))
    if spec.probes.ready:
        for name in ("every", "timeout", "failures"):
            found.append(Loss(target, f"probes.ready.{name}", "asked while shipping only"))
    found.append(Loss(target, "resources", "without root nothing limits it"))
    found.append(Loss(target, "security", "it runs as you, with what you may do"))
    return found


def _top(path: str) -> str:
    return posixpath.normpath(path).lstrip("/").split("/")[0]
