"""The pod that every kind of workload runs. Pure."""

import hashlib
import re
from dataclasses import dataclass
from math import ceil
from typing import Any

from trimaran.platform.kubernetes import storage
from trimaran.platform.kubernetes.head import labels
from trimaran.platform.kubernetes.secrets import secret_name
from trimaran.platform.protocol import Loss, Made
from trimaran.spec.fleet import ClusterTarget
from trimaran.spec.rules import default_port
from trimaran.spec.service import Amounts, Probe, Secret, Service, ServiceSpec
from trimaran.units import Duration

NONROOT = 65532
"""The user that our images run as; the same number that distroless images use."""


@dataclass(frozen=True, slots=True)
class Flavour:
    """In what Kubernetes and OpenShift differ inside a pod.

    Args:
        fixed_user: whether the pod names its user; OpenShift's restricted SCC assigns one.
    """

    fixed_user: bool


_LONGEST_SLUG = 200


def literal(text: str) -> str:
    """Text that reaches the program as it is: Kubernetes expands `$(NAME)` in arguments and variables.

    `$$` stands for one dollar (Kubernetes API, Container.args and EnvVar.value).
    """
    return text.replace("$", "$$") if "$(" in text or "$$" in text else text


def file_key(path: str) -> str:
    """A ConfigMap key for a file's path; different paths never share one."""
    slug = re.sub(r"[^A-Za-z0-9.-]", "_", path.strip("/"))
    plain = slug == path.strip("/").replace("/", "_") and "_" not in path
    # A key has at most 253 characters, and one that begins with two dots cannot be mounted.
    if plain and len(slug) <= _LONGEST_SLUG and not slug.startswith(".."):
        return slug
    return f"{slug[:_LONGEST_SLUG].lstrip('.')}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def template(
    service: Service, made: Made, flavour: Flavour, settings: ClusterTarget, config_map: str | None
) -> dict[str, Any]:
    """The pod template; `config_map` is the name of the one with the files, if there is one."""
    spec = service.spec
    metadata: dict[str, Any] = {"labels": labels(service)}
    notes = _annotations(spec, made, settings)
    if notes:
        metadata["annotations"] = notes
    pod: dict[str, Any] = {
        "serviceAccountName": service.name,
        "automountServiceAccountToken": False,
        "securityContext": _pod_security(spec, flavour),
        "containers": [_container(service, made)],
    }
    volumes = [*_volumes(service, config_map), *storage.pod_volumes(service, settings)]
    if volumes:
        pod["volumes"] = volumes
    return {"metadata": metadata, "spec": pod}


def _annotations(spec: ServiceSpec, made: Made, settings: ClusterTarget) -> dict[str, str]:
    notes: dict[str, str] = {}
    if spec.metrics and settings.monitoring == "none":
        # Where the operator is there, its ServiceMonitor says it: two would count every event twice.
        notes["prometheus.io/path"] = spec.metrics.path
        notes["prometheus.io/port"] = str(spec.ports[spec.metrics.port])
        notes["prometheus.io/scrape"] = "true"
    if made.binary:
        # A new binary under the same image name still has to roll out.
        notes["trimaran.dev/binary"] = made.binary
    return notes


def _pod_security(spec: ServiceSpec, flavour: Flavour) -> dict[str, Any]:
    security: dict[str, Any] = {}
    if spec.security.run_as_non_root:
        security["runAsNonRoot"] = True
        if flavour.fixed_user:
            security |= {"runAsUser": NONROOT, "runAsGroup": NONROOT}
            if spec.volumes:
                security["fsGroup"] = NONROOT
    return {**security, "seccompProfile": {"type": "RuntimeDefault"}}


def _container(service: Service, made: Made) -> dict[str, Any]:
    spec = service.spec
    container: dict[str, Any] = {"name": service.name, "image": made.image}
    if spec.command.args:
        container["args"] = [literal(each) for each in spec.command.args]
    if spec.ports:
        container["ports"] = [{"name": name, "containerPort": port} for name, port in spec.ports.items()]
    env = [{"name": name, "value": literal(value)} for name, value in sorted(spec.env.items())]
    env += [
        _secret_env(service, name) for name, secret in sorted(spec.secrets.items()) if secret.given == "env"
    ]
    if env:
        container["env"] = env
    for kind, probe in (("readinessProbe", spec.probes.ready), ("livenessProbe", spec.probes.live)):
        if probe:
            container[kind] = _probe(spec, probe)
    resources = {"requests": _amounts(spec.resources.requests), "limits": _amounts(spec.resources.limits)}
    container["resources"] = {name: amounts for name, amounts in resources.items() if amounts}
    container["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": spec.security.read_only_root,
    }
    mounts = [*_mounts(spec), *storage.mounts(service)]
    if mounts:
        container["volumeMounts"] = mounts
    return container


def _secret_env(service: Service, name: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret_name(service), "key": name}}}


def whole_seconds(duration: Duration) -> int:
    """A duration in the whole seconds that Kubernetes counts in, rounded up, at least 1."""
    return max(1, ceil(duration.ms / 1000))


def _probe(spec: ServiceSpec, probe: Probe) -> dict[str, Any]:
    return {
        "httpGet": {"path": probe.http, "port": probe.port or default_port(spec)},
        "periodSeconds": whole_seconds(probe.every),
        "timeoutSeconds": whole_seconds(probe.timeout),
        "failureThreshold": probe.failures,
    }


def _amounts(amounts: Amounts) -> dict[str, str]:
    pairs = (("cpu", amounts.cpu), ("memory", amounts.memory))
    return {name: str(amount) for name, amount in pairs if amount is not None}


def _file_secrets(spec: ServiceSpec) -> list[tuple[str, Secret]]:
    return [(name, secret) for name, secret in sorted(spec.secrets.items()) if secret.given == "file"]


def _mounts(spec: ServiceSpec) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = [
        {"name": "files", "mountPath": path, "subPath": file_key(path), "readOnly": True}
        for path in sorted(spec.files)
    ]
    mounts += [
        {"name": "secrets", "mountPath": secret.mount, "subPath": name, "readOnly": True}
        for name, secret in _file_secrets(spec)
    ]
    return mounts


def _volumes(service: Service, config_map: str | None) -> list[dict[str, Any]]:
    spec = service.spec
    volumes: list[dict[str, Any]] = []
    if config_map is not None:
        items = [
            {"key": file_key(path), "path": file_key(path), "mode": int(file.mode, 8)}
            for path, file in sorted(spec.files.items())
        ]
        volumes.append({"name": "files", "configMap": {"name": config_map, "items": items}})
    if _file_secrets(spec):
        keys = [{"key": name, "path": name} for name, _ in _file_secrets(spec)]
        volumes.append({"name": "secrets", "secret": {"secretName": secret_name(service), "items": keys}})
    return volumes


def losses(service: Service, target: str, made: Made) -> list[Loss]:
    """What a pod does not express of the declaration."""
    spec = service.spec
    found = []
    if not made.image_is_pinned:
        field = "build" if spec.build else "binary" if spec.binary else "image"
        found.append(Loss(target, field, f"the image {made.image} is named without a digest"))
    for kind in ("ready", "live"):
        probe = getattr(spec.probes, kind)
        for name in ("every", "timeout"):
            seconds = whole_seconds(getattr(probe, name)) if probe is not None else 0
            if probe is not None and getattr(probe, name).ms != seconds * 1000:
                found.append(Loss(target, f"probes.{kind}.{name}", f"rounded up to {seconds}s"))
    return found
