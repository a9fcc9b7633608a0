"""Who set which field of an object, as the API server keeps it in `managedFields`. Pure.

A set of fields is a tree in the server's own form (FieldsV1): `f:NAME` is a field, `k:{...}` the item of a
list with these key fields, `v:VALUE` a member of a set, `.` the node itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from trimaran.action import Json

MANAGER = "trimaran"
RESTARTER = "trimaran-restart"
"""Owns the one field that a restart sets, so that an apply of the whole object does not take it away."""

Fields = dict[str, Any]
"""A set of fields; an empty tree is a leaf."""


NOTHING: Fields = {}


class Entry(msgspec.Struct, frozen=True):
    """What one manager owns.

    Args:
        operation: `Apply` for server-side apply, else `Update`.
        subresource: `status` or `scale` when it was set through one; else empty.
    """

    manager: str = ""
    operation: str = ""
    subresource: str = ""
    fields: msgspec.Raw = msgspec.field(name="fieldsV1", default=msgspec.Raw(b"{}"))

    @property
    def tree(self) -> Fields:
        try:
            return _tree.decode(self.fields)
        except (msgspec.MsgspecError, RecursionError):
            return {}  # no tree: it tells of no field

    @property
    def name(self) -> str:
        """For people: the manager, and the subresource it came through."""
        return f"{self.manager} ({self.subresource})" if self.subresource else self.manager


_entries = msgspec.json.Decoder(list[Entry])
_tree = msgspec.json.Decoder(dict[str, Any])


def within(tree: Fields, step: str) -> Fields | None:
    """What a set has below a step: a tree; None for all of it (a leaf); NOTHING when it has nothing there."""
    found: Fields | None = tree.get(step, NOTHING)
    if found is NOTHING or (isinstance(found, dict) and found):
        return found
    return None


def entries(live: Mapping[str, Json]) -> list[Entry] | None:
    """The managers of an observed object; None when it is not known who set its fields."""
    text = live.get("managedFields")
    if text is None:
        return None
    try:
        return _entries.decode(text)
    except msgspec.MsgspecError:
        return None


def ours(found: list[Entry]) -> Fields:
    """What we own by server-side apply; empty when we never applied the object."""
    for entry in found:
        if entry.manager == MANAGER and entry.operation == "Apply" and not entry.subresource:
            return entry.tree
    return {}


def others(found: list[Entry]) -> Iterator[Entry]:
    """The entries of everybody else, without what is written to `status`."""
    for entry in found:
        if entry.manager not in (MANAGER, RESTARTER) and entry.subresource != "status":
            yield entry


def holds(tree: Fields, path: tuple[str, ...]) -> bool:
    """Whether a set has a field, or an atomic node above it, or anything below it."""
    for step in path:
        inner = within(tree, step)
        if inner is None:
            return True  # a leaf, perhaps above the field: the whole of it is owned
        if inner is NOTHING:
            return False
        tree = inner
    return True


def owner(path: tuple[str, ...], found: list[Entry]) -> str:
    """Who besides us owns a field, for people; empty when nobody does."""
    names = [entry.name for entry in others(found) if holds(entry.tree, path)]
    return ", ".join(dict.fromkeys(names))
