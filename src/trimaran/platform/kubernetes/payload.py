"""What is sent to the API server for an action: never a status, nor what the server hands out. Pure."""

import copy
from collections.abc import Mapping
from typing import Any

from trimaran.action import Json, Object, ObjectRef
from trimaran.platform.kubernetes import owners, paths
from trimaran.platform.kubernetes.owners import Entry, Fields
from trimaran.platform.kubernetes.paths import Place

RESTARTED = "trimaran.dev/restarted"
_MISSING: Json = object()

_POD_LABELS = ("spec", "template", "metadata", "labels")

# What the server hands out when an object is made, and refuses or misunderstands when it is given back to it.
_HANDED_OUT: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "Service": (("spec", "clusterIPs"), ("spec", "healthCheckNodePort")),
    "PersistentVolumeClaim": (("spec", "volumeName"),),
    "Job": (
        ("spec", "selector"),
        (*_POD_LABELS, "controller-uid"),
        (*_POD_LABELS, "job-name"),
        (*_POD_LABELS, "batch.kubernetes.io/controller-uid"),
        (*_POD_LABELS, "batch.kubernetes.io/job-name"),
    ),
    "ServiceAccount": (("secrets",),),
}


def was_seen(payload: Mapping[str, Json]) -> bool:
    """Whether a payload is a document that `observe` has shown, with all that the server and others added."""
    return "status" in payload


def comparable(payload: Mapping[str, Json]) -> Mapping[str, Json]:
    """A payload as `diff` wants it."""
    document = _stateless(payload)
    return _without_handed_out(document) if was_seen(payload) else document


def _stateless(payload: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in payload.items() if key != "status"}


def sent(payload: Mapping[str, Json], live: Object | None) -> dict[str, Json]:
    """The document to apply.

    A document that was seen is sent without what is not ours to say: of an object that is still there, only
    what we own and what has changed without belonging to anybody else; of one that is gone, all but what the
    server hands out.
    """
    document = _stateless(payload)
    if not was_seen(payload):
        return document
    if live is None:
        return _without_handed_out(document)
    known = owners.entries(live.live) or []
    narrow = _Narrow([(entry, entry.tree) for entry in owners.others(known)])
    found: dict[str, Json] = narrow.maps(document, live.document, owners.ours(known), ())
    metadata = {"name": live.ref.name, "namespace": live.ref.scope, **found.get("metadata", {})}
    return {"apiVersion": document["apiVersion"], "kind": document["kind"], **found, "metadata": metadata}


def with_uid(document: Mapping[str, Json], uid: str) -> dict[str, Json]:
    """The document of exactly one object: the server refuses it when another one, or none, has the name."""
    return {**document, "metadata": {**document["metadata"], "uid": uid}} if uid else dict(document)


def restart(ref: ObjectRef, version: str, key: str) -> dict[str, Json]:
    """A document that only replaces the pods."""
    template = {"metadata": {"annotations": {RESTARTED: key}}}
    metadata = {"name": ref.name, "namespace": ref.scope}
    return {"apiVersion": version, "kind": ref.kind, "metadata": metadata, "spec": {"template": template}}


def restarted(seen: Object) -> str:
    """The key of the last restart; empty without one."""
    template = seen.document.get("spec", {}).get("template", {})
    return str((template.get("metadata", {}).get("annotations") or {}).get(RESTARTED, ""))


def _without_handed_out(document: dict[str, Json]) -> dict[str, Json]:
    document = copy.deepcopy(document)
    for place in _HANDED_OUT.get(document["kind"], ()):
        _remove(document, place)
    metadata = document["metadata"]
    # Finalizers and owners were set for the object that is gone, by those who do so again.
    for field in ("finalizers", "ownerReferences"):
        metadata.pop(field, None)
    notes = metadata.get("annotations", {})
    for key in [key for key in notes if key.startswith(("pv.kubernetes.io/", "volume.kubernetes.io/"))]:
        del notes[key]
    if document["kind"] == "Service":
        spec = document["spec"]
        if spec.get("clusterIP") != "None":
            spec.pop("clusterIP", None)
        for port in spec.get("ports", ()):
            port.pop("nodePort", None)
    return document


def _remove(document: Any, place: tuple[str, ...]) -> None:
    """Take a field out, and what is empty without it: an empty map would be ours, and keep others out."""
    key, rest = place[0], place[1:]
    if not isinstance(document, dict) or key not in document:
        return
    if rest:
        _remove(document[key], rest)
    if not rest or document[key] == {}:
        del document[key]


class _Narrow:
    """Leaves out of a seen document what is as it was, or now belongs to others."""

    def __init__(self, others: list[tuple[Entry, Fields]]) -> None:
        self.others = [tree for _, tree in others]

    def maps(
        self, document: Mapping[str, Json], live: Mapping[str, Json], ours: Fields, at: Place
    ) -> dict[str, Json]:
        found = {}
        for key, value in document.items():
            inner = owners.within(ours, "f:" + key)
            kept = self._value(value, live.get(key, _MISSING), inner, (*at, paths.named(key)))
            if kept is not _MISSING:
                found[key] = kept
        return found

    def _value(self, value: Json, live: Json, ours: Fields | None, at: Place) -> Json:
        """What is kept of a value; `ours` is a tree, NOTHING, or None for all of it."""
        if ours is None:
            return value
        is_ours = ours is not owners.NOTHING
        if isinstance(value, Mapping) and isinstance(live, Mapping):
            return self.maps(value, live, ours, at) or (value if is_ours else _MISSING)
        if isinstance(value, list) and isinstance(live, list):
            return self._list(value, live, ours, at)
        return value if is_ours or self._is_free(value, live, at) else _MISSING

    def _is_free(self, value: Json, live: Json, at: Place) -> bool:
        """Whether a value is not as it was, and belongs to nobody now."""
        return bool(value != live) and not any(owners.holds(tree, paths.fields(at)) for tree in self.others)

    def _list(self, value: list[Json], live: list[Json], ours: Fields, at: Place) -> Json:
        names = paths.merge_keys(at[-1].label, value, live)
        left = paths.by_key(value, names) if names else None
        right = paths.by_key(live, names) if names else None
        if names is None or left is None or right is None:
            is_ours = ours is not owners.NOTHING
            return value if is_ours or self._is_free(value, live, at) else _MISSING
        found = []
        for key, item in left.items():
            step = paths.keyed(names, key)
            kept = self._value(item, right.get(key, _MISSING), owners.within(ours, step.field), (*at, step))
            if kept is not _MISSING:
                # Every item names its key, but for what the server knows by itself.
                found.append({name: item[name] for name in names if name not in paths.DEFAULTS} | kept)
        return found or _MISSING
