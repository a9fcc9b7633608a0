"""What the API server refuses to change of an object that exists. Pure.

Read from the validation of kube-apiserver 1.35 (`ValidateStatefulSetUpdate` and its like); a test asks the
real server about each.
"""

from trimaran.action import Json, Object
from trimaran.platform.kubernetes.amounts import larger

_FIXED: dict[str, tuple[tuple[str, ...], ...]] = {
    "Deployment": (("spec", "selector"),),
    "DaemonSet": (("spec", "selector"),),
    "Job": tuple(
        ("spec", field)
        for field in (
            "completions",
            "selector",
            "template",
            "completionMode",
            "podFailurePolicy",
            "managedBy",
        )
    ),
}
_STATEFUL_SET_OPEN = frozenset(
    [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ]
)
_CLAIM_OPEN = frozenset(["volumeAttributesClassName"])
_SIZE = ("spec", "resources", "requests", "storage")


def is_immutable(seen: Object, place: tuple[str, ...], before: Json, after: Json) -> bool:
    """Whether only a new object can have this change.

    Args:
        place: the labels of the field's place.
    """
    match seen.ref.kind:
        case "StatefulSet":
            return len(place) > 1 and place[0] == "spec" and place[1] not in _STATEFUL_SET_OPEN
        case "PersistentVolumeClaim":
            if place[: len(_SIZE)] == _SIZE:
                # A claim may grow; it never shrinks.
                return not larger(after, before)
            return len(place) > 1 and place[0] == "spec" and place[1] not in _CLAIM_OPEN
        case "ConfigMap":
            return bool(seen.document.get("immutable")) and place[0] in ("data", "binaryData", "immutable")
        case "Service":
            return place[:2] == ("spec", "clusterIP") and before is not None
        case kind:
            return any(place[: len(fixed)] == fixed for fixed in _FIXED.get(kind, ()))
