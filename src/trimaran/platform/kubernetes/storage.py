"""The volumes of a service as claims: of each pod, or one that all pods share. Pure."""

import hashlib
from typing import Any

from trimaran.errors import Problem, TrimaranError
from trimaran.platform.protocol import Loss
from trimaran.spec import rules
from trimaran.spec.fleet import ClusterTarget, Storage
from trimaran.spec.service import Encrypted, Service, Volume, WorkloadType

_LABEL = 63  # characters of a DNS label, such as a volume's name


def volume_name(name: str) -> str:
    """A declared volume's name in the pod; short enough for a label, and never another's."""
    full = f"data-{name}"
    return full if len(full) <= _LABEL else f"{full[:50]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def claim_name(service: Service, name: str) -> str:
    """The PersistentVolumeClaim that all pods of the service share for a volume.

    Names hold no dot, so that `a.b-c` and `a-b.c` stay two claims of two services.
    """
    return f"{service.name}.{name}"


def most_pods(service: Service) -> int:
    """How many pods may run at the same time; two stand for "one on every node"."""
    spec = service.spec
    if spec.workload.type is WorkloadType.DAEMON:
        return 2
    return max(spec.workload.replicas, spec.scaling.max if spec.scaling else 0)


def shared(service: Service) -> dict[str, Volume]:
    """The volumes that all pods share."""
    return {name: each for name, each in sorted(service.spec.volumes.items()) if each.per == "service"}


def keeps_one_writer(service: Service) -> bool:
    """Whether only one node can mount a shared volume: then a new pod waits for the old one to end."""
    return bool(shared(service)) and most_pods(service) <= 1


def shared_claim(service: Service, name: str, settings: ClusterTarget) -> dict[str, Any]:
    """The body of the claim that all pods share: ReadWriteMany once there may be several of them."""
    mode = "ReadWriteMany" if most_pods(service) > 1 else "ReadWriteOnce"
    return _claim(service.spec.volumes[name], mode, settings.storage)


def claim_templates(service: Service, settings: ClusterTarget) -> list[dict[str, Any]]:
    """A StatefulSet's `volumeClaimTemplates`: a claim for each replica, kept when its pod is replaced."""
    if service.spec.workload.type is not WorkloadType.STATEFUL:
        return []
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": volume_name(name)},
            "spec": _claim(volume, "ReadWriteOnce", settings.storage),
        }
        for name, volume in _own(service).items()
    ]


def pod_volumes(service: Service, settings: ClusterTarget) -> list[dict[str, Any]]:
    """The volumes that the pod itself has to name."""
    found: list[dict[str, Any]] = []
    if service.spec.workload.type is not WorkloadType.STATEFUL:
        found = [_ephemeral(name, volume, settings) for name, volume in _own(service).items()]
    for name in shared(service):
        claim = {"claimName": claim_name(service, name)}
        found.append({"name": volume_name(name), "persistentVolumeClaim": claim})
    return found


def mounts(service: Service) -> list[dict[str, Any]]:
    """Where the container finds its volumes."""
    return [
        {"name": volume_name(name), "mountPath": volume.mount}
        for name, volume in sorted(service.spec.volumes.items())
    ]


def _own(service: Service) -> dict[str, Volume]:
    return {name: each for name, each in sorted(service.spec.volumes.items()) if each.per == "replica"}


def _ephemeral(name: str, volume: Volume, settings: ClusterTarget) -> dict[str, Any]:
    # "Generic ephemeral volumes" (Kubernetes, Ephemeral Volumes): the claim is made and removed with its pod.
    spec = _claim(volume, "ReadWriteOnce", settings.storage)
    return {"name": volume_name(name), "ephemeral": {"volumeClaimTemplate": {"spec": spec}}}


def _claim(volume: Volume, mode: str, storage: Storage) -> dict[str, Any]:
    body: dict[str, Any] = {"accessModes": [mode]}
    chosen = _class(volume, storage)
    if chosen is not None:
        body["storageClassName"] = chosen
    return {**body, "resources": {"requests": {"storage": str(volume.size)}}}


def _class(volume: Volume, storage: Storage) -> str | None:
    """The class by name; None for the cluster's default. Where encryption is required there is no default."""
    if volume.encrypted is Encrypted.NO:
        return storage.plain
    return storage.encrypted or storage.plain


def check(service: Service, target: str, settings: ClusterTarget) -> None:
    """Raise TrimaranError where a volume requires encryption and the target names no class that encrypts.

    Loading the fleet tells the same with its place; this holds it for whatever is rendered.
    """
    found = rules.unencrypted(service, target, settings)
    problems = [Problem(code, what, fix) for _, code, what, fix in found]
    if problems:
        raise TrimaranError(*problems)


def losses(service: Service, target: str, settings: ClusterTarget) -> list[Loss]:
    """What the claims do not express of the volumes."""
    found = []
    for name, volume in service.spec.volumes.items():
        if volume.encrypted is Encrypted.PREFERRED and settings.storage.encrypted is None:
            reason = "preferred is taken as no: the target names no class under storage.encrypted"
            found.append(Loss(target, f"volumes.{name}.encrypted", reason))
        if volume.per == "replica" and service.spec.workload.type is not WorkloadType.STATEFUL:
            # It is the default, too: then the volume as a whole was declared without what it needs.
            field = f"volumes.{name}.per" if "per" in volume.model_fields_set else f"volumes.{name}"
            reason = "the claim goes with its pod; only a stateful workload keeps it when the pod is replaced"
            found.append(Loss(target, field, reason))
    return found
