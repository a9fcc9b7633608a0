"""The workload of a service and what it stands on: account, files, shared claims, secrets. Pure."""

from typing import Any

from trimaran.action import digest
from trimaran.platform.kubernetes import secrets, storage
from trimaran.platform.kubernetes.head import head, selector
from trimaran.platform.kubernetes.pod import file_key
from trimaran.platform.kubernetes.replicas import KINDS
from trimaran.spec.fleet import ClusterTarget
from trimaran.spec.service import Service, WorkloadType


def service_account(service: Service, namespace: str) -> dict[str, Any]:
    """An account of its own, so that no other service's rights reach this one."""
    document = head(service, "v1", "ServiceAccount", service.name, namespace)
    return {**document, "automountServiceAccountToken": False}


def config_map(service: Service, namespace: str) -> dict[str, Any] | None:
    """The files, in a ConfigMap that is named by its content; None without files.

    A changed file makes a new name, so that the pods that need it roll out and the old ones keep theirs.
    """
    if not service.spec.files:
        return None
    content = {file_key(path): file.content or "" for path, file in sorted(service.spec.files.items())}
    name = f"{service.name}-files-{digest(content).removeprefix('sha256:')[:10]}"
    document = head(service, "v1", "ConfigMap", name, namespace)
    return {**document, "immutable": True, "data": content}


def claims(service: Service, settings: ClusterTarget) -> list[dict[str, Any]]:
    """A PersistentVolumeClaim for each volume that all pods share."""
    kind = "PersistentVolumeClaim"
    return [
        {
            **head(service, "v1", kind, storage.claim_name(service, name), settings.namespace),
            "spec": storage.shared_claim(service, name, settings),
        }
        for name in storage.shared(service)
    ]


def external_secret(service: Service, settings: ClusterTarget) -> dict[str, Any] | None:
    """What External Secrets makes the service's Secret from; None where the store has nothing to give."""
    body = secrets.external_secret(service, settings)
    name, version = secrets.secret_name(service), "external-secrets.io/v1"
    return (
        {**head(service, version, "ExternalSecret", name, settings.namespace), "spec": body} if body else None
    )


def workload(service: Service, settings: ClusterTarget, template: dict[str, Any]) -> dict[str, Any]:
    """The object that keeps the pods: the kind follows the declaration's workload type."""
    spec = service.spec
    api_version, kind = KINDS[spec.workload.type]
    document = head(service, api_version, kind, service.name, settings.namespace)
    if spec.workload.type in (WorkloadType.JOB, WorkloadType.CRON):
        job = {"template": {**template, "spec": {**template["spec"], "restartPolicy": "OnFailure"}}}
        if spec.workload.cron is None:
            return {**document, "spec": {**_parallel(service), **job}}
        cron = {"schedule": spec.workload.cron.schedule, "concurrencyPolicy": "Forbid"}
        return {**document, "spec": {**cron, "jobTemplate": {"spec": {**_parallel(service), **job}}}}
    body: dict[str, Any] = {}
    if spec.scaling is None and spec.workload.type is not WorkloadType.DAEMON:
        body["replicas"] = spec.workload.replicas
    body["selector"] = {"matchLabels": selector(service)}
    if kind == "Deployment" and storage.keeps_one_writer(service):
        # A new pod on another node could never mount the volume that the old one still holds.
        body["strategy"] = {"type": "Recreate"}
    if spec.workload.type is WorkloadType.STATEFUL:
        body["serviceName"] = service.name
    body["template"] = template
    own = storage.claim_templates(service, settings)
    if own:
        body["volumeClaimTemplates"] = own
    return {**document, "spec": body}


def _parallel(service: Service) -> dict[str, int]:
    count = service.spec.workload.replicas
    return {"parallelism": count, "completions": count}
