"""How objects of a cluster do, by their status."""

from typing import Any

import pytest

from trimaran.action import Health, Object, ObjectRef
from trimaran.facts import cluster_kinds
from trimaran.platform.kubernetes import KubernetesPlatform

PLATFORM = KubernetesPlatform()
R, P, F, U = Health.READY, Health.PROGRESSING, Health.FAILED, Health.UNKNOWN


def condition(name: str, status: str = "True", reason: str = "") -> dict[str, str]:
    return {"type": name, "status": status, "reason": reason}


def judged(kind: str, spec: Any, status: Any, **live: Any) -> Health:
    document = {"kind": kind, "metadata": {"name": "web"}, "spec": spec}
    if status is not None:
        document["status"] = status
    return PLATFORM.judge(Object(ObjectRef("east", kind, "web", "web"), document, {"generation": 2, **live}))


NOW = {"observedGeneration": 2}
DONE = {**NOW, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}
EXCEEDED = [condition("Progressing", "False", "ProgressDeadlineExceeded")]
SAME = {"currentRevision": "b", "updateRevision": "b"}
ROLLING = {"currentRevision": "a", "updateRevision": "b"}
DAEMON = {**NOW, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}


@pytest.mark.parametrize(
    ("kind", "spec", "status", "health"),
    [
        ("Deployment", {"replicas": 3}, None, U),
        ("Deployment", {"replicas": 3}, DONE, R),
        ("Deployment", {"replicas": 3}, {**DONE, "observedGeneration": 1}, P),
        ("Deployment", {"replicas": 3}, {**DONE, "updatedReplicas": 2}, P),
        ("Deployment", {"replicas": 3}, {**DONE, "availableReplicas": 2}, P),
        ("Deployment", {"replicas": 3}, {**DONE, "replicas": 4}, P),
        ("Deployment", {"replicas": 3}, {**DONE, "availableReplicas": 0, "conditions": EXCEEDED}, F),
        ("Deployment", {"replicas": 0}, NOW, R),
        ("StatefulSet", {"replicas": 2}, {**NOW, **SAME, "readyReplicas": 2}, R),
        ("StatefulSet", {"replicas": 2}, {**NOW, **SAME, "readyReplicas": 1}, P),
        ("StatefulSet", {"replicas": 2}, {**NOW, **ROLLING, "readyReplicas": 2}, P),
        ("StatefulSet", {"replicas": 0}, {**NOW, **ROLLING}, R),
        ("DaemonSet", {}, DAEMON, R),
        ("DaemonSet", {}, {**DAEMON, "numberAvailable": 1}, P),
        ("DaemonSet", {}, {**DAEMON, "observedGeneration": 1}, P),
        ("Job", {}, {"conditions": [condition("Complete")]}, R),
        ("Job", {}, {"conditions": [condition("Failed")]}, F),
        ("Job", {}, {"active": 1}, P),
        ("CronJob", {}, {}, R),
        ("PersistentVolumeClaim", {}, {"phase": "Bound"}, R),
        ("PersistentVolumeClaim", {}, {"phase": "Pending"}, R),
        ("PersistentVolumeClaim", {}, {"phase": "Lost"}, F),
        ("Route", {}, None, U),
        ("Route", {}, {"ingress": [{"conditions": [condition("Admitted")]}]}, R),
        ("Route", {}, {"ingress": [{"conditions": [condition("Admitted", "False")]}]}, F),
        ("HTTPRoute", {}, {"parents": []}, U),
        ("HTTPRoute", {}, {"parents": [{"conditions": [condition("Accepted")]}]}, R),
        ("HTTPRoute", {}, {"parents": [{"conditions": [condition("Accepted", "False")]}]}, F),
        ("HTTPRoute", {}, {"parents": [{"conditions": []}]}, P),
        ("ExternalSecret", {}, None, U),
        ("ExternalSecret", {}, {"conditions": [condition("Ready")]}, R),
        ("ExternalSecret", {}, {"conditions": [condition("Ready", "False")]}, F),
        ("HorizontalPodAutoscaler", {}, {"conditions": [condition("ScalingActive", "False")]}, R),
        ("Service", {}, {"loadBalancer": {}}, R),
        ("ConfigMap", {}, None, R),
    ],
)
def test_health(kind: str, spec: Any, status: Any, health: Health) -> None:
    assert judged(kind, spec, status) is health


def test_what_is_being_deleted_is_on_its_way() -> None:
    assert judged("ConfigMap", {}, None, deletionTimestamp="2026-11-23T00:00:00Z") is P


def test_what_others_need_is_applied_first() -> None:
    order = [name for name, kind in cluster_kinds().items()]
    waves = [PLATFORM.wave(ObjectRef("east", name, "web")) for name in order]
    assert waves == sorted(waves)
    assert min(waves) > 0
    for first, second in (
        ("ConfigMap", "Deployment"),
        ("Deployment", "HorizontalPodAutoscaler"),
        ("Service", "Route"),
    ):
        assert order.index(first) < order.index(second)
