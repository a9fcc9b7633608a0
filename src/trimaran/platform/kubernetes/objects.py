"""The objects around the pod: workload, Service, Ingress, ConfigMap, ServiceAccount, autoscaler. Pure."""

from typing import Any

from trimaran.action import Json, digest
from trimaran.platform.kubernetes.pod import file_key, labels, selector
from trimaran.platform.protocol import Loss
from trimaran.spec.service import Route, Scaling, Service, Tls, WorkloadType

_KINDS = {
    WorkloadType.SERVICE: ("apps/v1", "Deployment"),
    WorkloadType.WORKER: ("apps/v1", "Deployment"),
    WorkloadType.STATEFUL: ("apps/v1", "StatefulSet"),
    WorkloadType.DAEMON: ("apps/v1", "DaemonSet"),
    WorkloadType.JOB: ("batch/v1", "Job"),
    WorkloadType.CRON: ("batch/v1", "CronJob"),
}


def head(service: Service, api_version: str, kind: str, name: str, namespace: str) -> dict[str, Any]:
    """The first fields of an object, without its spec."""
    metadata = {"name": name, "namespace": namespace, "labels": labels(service)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


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


def workload(service: Service, namespace: str, template: dict[str, Any]) -> dict[str, Any]:
    """The object that keeps the pods: the kind follows the declaration's workload type."""
    spec = service.spec
    api_version, kind = _KINDS[spec.workload.type]
    document = head(service, api_version, kind, service.name, namespace)
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
    if spec.workload.type is WorkloadType.STATEFUL:
        body["serviceName"] = service.name
    return {**document, "spec": {**body, "template": template}}


def _parallel(service: Service) -> dict[str, int]:
    count = service.spec.workload.replicas
    return {"parallelism": count, "completions": count}


def scales(service: Service) -> bool:
    """Whether an autoscaler can work on the workload: on a set of replicas, not on daemons or jobs."""
    return service.spec.scaling is not None and service.spec.workload.type in (
        WorkloadType.SERVICE,
        WorkloadType.WORKER,
        WorkloadType.STATEFUL,
    )


def autoscaler(service: Service, namespace: str) -> dict[str, Any] | None:
    """The HorizontalPodAutoscaler; None without scaling."""
    scaling = service.spec.scaling
    if scaling is None or not scales(service):
        return None
    api_version, kind = _KINDS[service.spec.workload.type]
    share = {"type": "Utilization", "averageUtilization": _whole_percent(scaling)}
    document = head(service, "autoscaling/v2", "HorizontalPodAutoscaler", service.name, namespace)
    return {
        **document,
        "spec": {
            "scaleTargetRef": {"apiVersion": api_version, "kind": kind, "name": service.name},
            "minReplicas": scaling.min,
            "maxReplicas": scaling.max,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": share}}],
        },
    }


def _whole_percent(scaling: Scaling) -> int:
    # An autoscaler takes whole percents from 1 (autoscaling/v2, MetricTarget.averageUtilization).
    return max(1, round(scaling.cpu.percent))


def cluster_service(service: Service, namespace: str) -> dict[str, Any] | None:
    """The Service in front of the pods; None when no port is declared."""
    if not service.spec.ports:
        return None
    ports: Json = [
        {"name": name, "port": port, "targetPort": name, "protocol": "TCP"}
        for name, port in service.spec.ports.items()
    ]
    document = head(service, "v1", "Service", service.name, namespace)
    body: dict[str, Any] = {"selector": selector(service), "ports": ports}
    if service.spec.workload.type is WorkloadType.STATEFUL:
        body = {"clusterIP": "None", **body}
    return {**document, "spec": body}


def ingress(service: Service, namespace: str, name: str, route: Route) -> dict[str, Any]:
    """An Ingress for one route; TLS at the edge with the Secret `SERVICE-ROUTE-tls`."""
    full = f"{service.name}-{name}"
    backend = {"service": {"name": service.name, "port": {"name": route.port}}}
    rule = {
        "host": route.host,
        "http": {"paths": [{"path": route.path, "pathType": "Prefix", "backend": backend}]},
    }
    body: dict[str, Any] = {"rules": [rule]}
    if route.tls is Tls.EDGE:
        body = {"tls": [{"hosts": [route.host], "secretName": f"{full}-tls"}], **body}
    return {**head(service, "networking.k8s.io/v1", "Ingress", full, namespace), "spec": body}


def ingress_losses(service: Service, target: str) -> list[Loss]:
    """What an Ingress does not express of the routes."""
    found = []
    for name, route in service.spec.routes.items():
        if route.tls is Tls.EDGE:
            reason = f"nothing here makes the Secret {service.name}-{name}-tls that the Ingress names"
            # It is the default, too: then the route as a whole was declared without what it needs.
            field = "tls" if "tls" in route.model_fields_set else ""
            found.append(Loss(target, f"routes.{name}.{field}".rstrip("."), reason))
        elif route.tls is Tls.PASSTHROUGH:
            found.append(
                Loss(target, f"routes.{name}.tls", "an Ingress cannot pass TLS through; served as plain HTTP")
            )
    return found


def scaling_losses(service: Service, target: str) -> list[Loss]:
    """What the workload and its autoscaler do not express of replicas and scaling."""
    spec = service.spec
    found = []
    if spec.scaling is not None and not scales(service):
        found.append(Loss(target, "scaling", f"a {spec.workload.type} is not scaled"))
    if spec.scaling is not None and scales(service):
        reason = f"the autoscaler decides, between {spec.scaling.min} and {spec.scaling.max}"
        found.append(Loss(target, "workload.replicas", reason))
        if spec.scaling.cpu.percent.denominator != 1:
            found.append(Loss(target, "scaling.cpu", f"rounded to {_whole_percent(spec.scaling)}%"))
    if spec.workload.type is WorkloadType.DAEMON and spec.workload.replicas != 1:
        found.append(Loss(target, "workload.replicas", "a daemon runs once on every node"))
    return found
