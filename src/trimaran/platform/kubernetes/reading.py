"""What an API server answers, as objects: the state in `document`, what changes by itself in `live`. Pure."""

from typing import Any

import msgspec

from trimaran.action import Json, Object, ObjectRef
from trimaran.errors import TrimaranError, fail, printable
from trimaran.facts import ClusterKind

_VOLATILE_NOTES = frozenset(
    ["deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"]
)


class _Metadata(msgspec.Struct, omit_defaults=True):
    """Of ObjectMeta, which every kind has, all that describes state; and, apart, what does not."""

    name: str = ""
    namespace: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    finalizers: list[str] | None = None
    owner_references: list[dict[str, Any]] | None = msgspec.field(name="ownerReferences", default=None)
    uid: str = ""
    resource_version: str = msgspec.field(name="resourceVersion", default="")
    generation: int = 0
    created: str = msgspec.field(name="creationTimestamp", default="")
    deleted: str = msgspec.field(name="deletionTimestamp", default="")
    managed: msgspec.Raw = msgspec.field(name="managedFields", default=msgspec.Raw())


class _ListMetadata(msgspec.Struct):
    go_on: str = msgspec.field(name="continue", default="")
    resource_version: str = msgspec.field(name="resourceVersion", default="")


class _List(msgspec.Struct):
    metadata: _ListMetadata
    items: list[dict[str, msgspec.Raw]] | None = None


_list = msgspec.json.Decoder(_List)
_item = msgspec.json.Decoder(dict[str, msgspec.Raw])
_metadata = msgspec.json.Decoder(_Metadata)
_any = msgspec.json.Decoder()


def page(body: bytes, kind: ClusterKind, target: str) -> tuple[list[Object], str]:
    """The objects of a page of a list, and what asks for the next one; empty after the last.

    Raises TRM0734 for what no API server says.
    """
    try:
        found = _list.decode(body)
        objects = [_object(item, kind, target) for item in found.items or ()]
    except (msgspec.MsgspecError, RecursionError, KeyError) as broken:
        raise malformed(f"the list of {kind.plural}", str(broken)) from None
    return objects, found.metadata.go_on


def one(body: bytes, kind: ClusterKind, target: str) -> Object:
    """The object of an answer. Raises TRM0734 for what no API server says."""
    try:
        return _object(_item.decode(body), kind, target)
    except (msgspec.MsgspecError, RecursionError, KeyError) as broken:
        raise malformed(f"a {kind.name}", str(broken)) from None


def malformed(what: str, why: str) -> TrimaranError:
    """The error for an answer that is not what was asked for."""
    return fail(
        "TRM0734", f"the cluster's answer is not {what}: {printable(why)}", "check the server of the context"
    )


def _object(item: dict[str, msgspec.Raw], kind: ClusterKind, target: str) -> Object:
    metadata = _metadata.decode(item.pop("metadata"))
    document: dict[str, Json] = {
        "apiVersion": kind.version,
        "kind": kind.name,
        "metadata": _state(metadata),
    }
    for key, raw in item.items():
        if key not in document:
            document[key] = _any.decode(raw)
    ref = ObjectRef(target, kind.name, metadata.name, metadata.namespace)
    return Object(ref, document, _live(metadata))


def _state(metadata: _Metadata) -> dict[str, Json]:
    state: dict[str, Json] = {"name": metadata.name}
    if metadata.namespace:
        state["namespace"] = metadata.namespace
    if metadata.labels:
        state["labels"] = metadata.labels
    if metadata.annotations:
        kept = {key: note for key, note in metadata.annotations.items() if key not in _VOLATILE_NOTES}
        if kept:
            state["annotations"] = kept
    if metadata.owner_references:
        state["ownerReferences"] = metadata.owner_references
    if metadata.finalizers:
        state["finalizers"] = metadata.finalizers
    return state


def _live(metadata: _Metadata) -> dict[str, Json]:
    live: dict[str, Json] = {
        "uid": metadata.uid,
        "resourceVersion": metadata.resource_version,
        "creationTimestamp": metadata.created,
    }
    if metadata.generation:
        live["generation"] = metadata.generation
    if metadata.deleted:
        live["deletionTimestamp"] = metadata.deleted
    if metadata.annotations:
        notes = {key: note for key, note in metadata.annotations.items() if key in _VOLATILE_NOTES}
        if notes:
            live["annotations"] = notes
    # As text, detached from the whole answer: few objects differ, and only of those it is asked who set what.
    live["managedFields"] = bytes(metadata.managed).decode() if bytes(metadata.managed) else "[]"
    return live


def uid(seen: Object) -> str:
    """What tells an object from a later one of the same name."""
    return str(seen.live.get("uid", ""))


def is_going(seen: Object) -> bool:
    """Whether an object was deleted and is still there."""
    return "deletionTimestamp" in seen.live


def is_same(one: Object, other: Object) -> bool:
    """Whether nothing was written between two looks at an object but perhaps its status."""
    if uid(one) != uid(other):
        return False
    if one.live.get("resourceVersion") == other.live.get("resourceVersion"):
        return True
    return one.live.get("generation") == other.live.get("generation") and _stateless(one) == _stateless(other)


def _stateless(seen: Object) -> dict[str, Json]:
    return {key: value for key, value in seen.document.items() if key != "status"}


def is_status(body: bytes) -> bool:
    """Whether an answer to a deletion says that the object is gone, rather than shows it on its way out."""
    try:
        return bytes(_item.decode(body).get("kind", msgspec.Raw())) == b'"Status"'
    except msgspec.MsgspecError:
        return False
