"""Places inside an object: as people read them, and as `managedFields` names them. Pure."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from trimaran.action import Json


class Step(NamedTuple):
    """One step into a document.

    Args:
        label: `image`, `[name=web]` or `[0]`.
        field: the same in a set of fields: `f:image`, `k:{"name":"web"}` or `i:0`.
    """

    label: str
    field: str


Place = tuple[Step, ...]

# By which fields the API server merges the items of a list (x-kubernetes-list-map-keys in the OpenAPI of
# Kubernetes 1.35, and of the Prometheus operator's rules). Every other list is replaced as a whole.
_KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "containers": (("name",),),
    "initContainers": (("name",),),
    "volumes": (("name",),),
    "env": (("name",),),
    "imagePullSecrets": (("name",),),
    "volumeMounts": (("mountPath",),),
    "volumeDevices": (("devicePath",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "hostAliases": (("ip",),),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "groups": (("name",),),
}
DEFAULTS = {"protocol": "TCP"}

Key = tuple[Any, ...]


def named(key: str) -> Step:
    """The step to a field."""
    return Step(key, "f:" + key)


def placed(index: int) -> Step:
    """The step to the item of a list that is one value."""
    return Step(f"[{index}]", f"i:{index}")


def keyed(names: tuple[str, ...], key: Key) -> Step:
    """The step to the item of a list that has these key fields."""
    told = dict(zip(names, key, strict=True))
    label = ",".join(f"{name}={each}" for name, each in told.items() if each != DEFAULTS.get(name))
    return Step(
        f"[{label}]", "k:" + json.dumps(told, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    )


def merge_keys(field: str, *lists: list[Json]) -> tuple[str, ...] | None:
    """By which fields the items of these lists are merged; None when the list is one value."""
    for names in _KEYS.get(field, ()):
        if all(isinstance(item, Mapping) and names[0] in item for each in lists for item in each):
            return names
    return None


def by_key(items: list[Json], names: tuple[str, ...]) -> dict[Key, Mapping[str, Json]] | None:
    """Items by their key fields; None when two have the same or one cannot be a key."""
    try:
        found = {tuple(item.get(name, DEFAULTS.get(name)) for name in names): item for item in items}
    except TypeError:
        return None
    return found if len(found) == len(items) else None


def text(place: Place) -> str:
    """As a user would write it: `spec.template.spec.containers[name=web].image`."""
    found = ""
    for label, field in place:
        if field.startswith("f:") and not label.replace("-", "").replace("_", "").isalnum():
            found += f"[{label}]"
        elif found and not label.startswith("["):
            found += f".{label}"
        else:
            found += label
    return found


def fields(place: Place) -> tuple[str, ...]:
    """As `managedFields` names it."""
    return tuple(step.field for step in place)
