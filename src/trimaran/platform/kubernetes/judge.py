"""How an object of a cluster does, from its own status. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from trimaran.action import Health, Json, Object

_Status = Mapping[str, Any]


def judge(seen: Object) -> Health:
    """See `Platform.judge`. Unknown for an object whose status nobody has written yet."""
    if "deletionTimestamp" in seen.live:
        return Health.PROGRESSING
    found = _KINDS.get(seen.ref.kind)
    if found is None:
        # An account, a ConfigMap, a Service, an Ingress: it is there, and nothing more becomes of it.
        return Health.READY
    status = seen.document.get("status")
    if not status:
        return _BEFORE_STATUS.get(seen.ref.kind, Health.UNKNOWN)
    return found(seen, status)


def _observed(seen: Object, status: _Status) -> bool:
    """Whether the status is about the newest spec."""
    metadata = seen.document["metadata"]
    generation: int = seen.live.get("generation", metadata.get("generation", 1))
    observed: int = status.get("observedGeneration", 0)
    return observed >= generation


def _conditions(status: _Status) -> dict[str, dict[str, Json]]:
    return {str(each.get("type")): each for each in status.get("conditions") or ()}


def _is(conditions: Mapping[str, Mapping[str, Json]], name: str, value: str = "True") -> bool:
    return conditions.get(name, {}).get("status") == value


def _deployment(seen: Object, status: _Status) -> Health:
    if not _observed(seen, status):
        return Health.PROGRESSING
    conditions = _conditions(status)
    if conditions.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded":
        return Health.FAILED
    wanted = seen.document["spec"].get("replicas", 1)
    updated, all_pods = status.get("updatedReplicas", 0), status.get("replicas", 0)
    # Pods of the revision before still serve while they end.
    done = updated >= wanted and status.get("availableReplicas", 0) >= wanted and all_pods <= updated
    return Health.READY if done else Health.PROGRESSING


def _stateful_set(seen: Object, status: _Status) -> Health:
    if not _observed(seen, status):
        return Health.PROGRESSING
    spec = seen.document["spec"]
    wanted = spec.get("replicas", 1)
    if status.get("readyReplicas", 0) < wanted:
        return Health.PROGRESSING
    if spec.get("updateStrategy", {}).get("type") == "OnDelete":
        return Health.READY
    kept = (spec.get("updateStrategy", {}).get("rollingUpdate") or {}).get("partition", 0)
    if kept:
        return Health.READY if status.get("updatedReplicas", 0) >= wanted - kept else Health.PROGRESSING
    same = status.get("currentRevision") == status.get("updateRevision")
    return Health.READY if same or not wanted else Health.PROGRESSING


def _daemon_set(seen: Object, status: _Status) -> Health:
    wanted = status.get("desiredNumberScheduled", 0)
    done = status.get("updatedNumberScheduled", 0) >= wanted and status.get("numberAvailable", 0) >= wanted
    return Health.READY if done and _observed(seen, status) else Health.PROGRESSING


def _job(_seen: Object, status: _Status) -> Health:
    conditions = _conditions(status)
    if _is(conditions, "Failed") or _is(conditions, "FailureTarget"):
        return Health.FAILED
    return Health.READY if _is(conditions, "Complete") else Health.PROGRESSING


def _claim(_seen: Object, status: _Status) -> Health:
    # A claim may wait for the first pod that uses it, so nothing may wait for the claim: a volume that cannot
    # be had shows in the pods.
    return Health.FAILED if status.get("phase") == "Lost" else Health.READY


def _route(_seen: Object, status: _Status) -> Health:
    told = [_conditions(each).get("Admitted", {}).get("status") for each in status.get("ingress") or ()]
    if "False" in told:
        return Health.FAILED
    return Health.READY if "True" in told else Health.UNKNOWN


def _http_route(_seen: Object, status: _Status) -> Health:
    told = [_conditions(each) for each in status.get("parents") or ()]
    if not told:
        return Health.UNKNOWN
    if any(_is(each, "Accepted", "False") or _is(each, "ResolvedRefs", "False") for each in told):
        return Health.FAILED
    return Health.READY if all(_is(each, "Accepted") for each in told) else Health.PROGRESSING


def _external_secret(_seen: Object, status: _Status) -> Health:
    conditions = _conditions(status)
    if _is(conditions, "Ready"):
        return Health.READY
    return Health.FAILED if _is(conditions, "Ready", "False") else Health.UNKNOWN


_KINDS: Mapping[str, Callable[[Object, _Status], Health]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "PersistentVolumeClaim": _claim,
    "Route": _route,
    "HTTPRoute": _http_route,
    "ExternalSecret": _external_secret,
}
_BEFORE_STATUS = {"PersistentVolumeClaim": Health.READY}
