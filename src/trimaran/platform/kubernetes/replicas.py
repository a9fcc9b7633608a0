"""How many pods run, and how many may be missing: the autoscaler and the disruption budget. Pure."""

from typing import Any

from trimaran.platform.kubernetes.head import head, selector
from trimaran.platform.protocol import Loss
from trimaran.spec.service import Scaling, Service, WorkloadType

KINDS = {
    WorkloadType.SERVICE: ("apps/v1", "Deployment"),
    WorkloadType.WORKER: ("apps/v1", "Deployment"),
    WorkloadType.STATEFUL: ("apps/v1", "StatefulSet"),
    WorkloadType.DAEMON: ("apps/v1", "DaemonSet"),
    WorkloadType.JOB: ("batch/v1", "Job"),
    WorkloadType.CRON: ("batch/v1", "CronJob"),
}
"""Workload type → version and kind of the object that keeps the pods."""

_SETS = (WorkloadType.SERVICE, WorkloadType.WORKER, WorkloadType.STATEFUL)


def scales(service: Service) -> bool:
    """Whether an autoscaler can work on the workload: on a set of replicas, not on daemons or jobs."""
    return service.spec.scaling is not None and service.spec.workload.type in _SETS


def autoscaler(service: Service, namespace: str) -> dict[str, Any] | None:
    """The HorizontalPodAutoscaler; None without scaling."""
    scaling = service.spec.scaling
    if scaling is None or not scales(service):
        return None
    api_version, kind = KINDS[service.spec.workload.type]
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


def disruption_budget(service: Service, namespace: str) -> dict[str, Any] | None:
    """At most one pod is evicted at a time; None where there is only one, which nothing could move then."""
    spec = service.spec
    least = spec.scaling.min if spec.scaling else spec.workload.replicas
    if spec.workload.type not in _SETS or least <= 1:
        return None
    document = head(service, "policy/v1", "PodDisruptionBudget", service.name, namespace)
    return {**document, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": selector(service)}}}


def losses(service: Service, target: str) -> list[Loss]:
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
