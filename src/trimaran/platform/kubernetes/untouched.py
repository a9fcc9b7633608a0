"""What others have set of an object and a declaration leaves to them. Pure."""

from collections.abc import Iterator, Mapping

from trimaran.action import Change, Json, Object
from trimaran.platform.kubernetes import owners, paths
from trimaran.platform.kubernetes.owners import Fields
from trimaran.platform.kubernetes.paths import Key, Place

_PARTS = ("spec", "data")
_MISSING: Json = object()
_UNSCALED = 1  # replicas that the server gives where nobody says


def left_alone(wanted: Object, seen: Object) -> tuple[Change, ...]:
    """See `Platform.left_alone`: what only others set of `spec` and `data`, each at its highest place."""
    found: dict[str, Change] = {}
    known = owners.entries(seen.live) or []
    for entry in owners.others(known):
        for part in _PARTS:
            tree = entry.tree.get(f"f:{part}")
            if not isinstance(tree, dict) or part not in seen.document:
                continue
            at = (paths.named(part),)
            for place, value in _below(tree, wanted.document.get(part), seen.document[part], at):
                name = paths.text(place)
                before = found.get(name)
                owner = entry.name if before is None else f"{before.owner}, {entry.name}"
                found[name] = Change(name, value, None, owner=owner)
    found |= _scaled(wanted, seen, known, found)
    return tuple(found[name] for name in sorted(found))


def _scaled(
    wanted: Object, seen: Object, known: list[owners.Entry], found: Mapping[str, Change]
) -> dict[str, Change]:
    """The replicas that somebody set through the scale subresource when nobody owned them.

    Measured with kube-apiserver 1.35.4: then no manager is recorded. Every other way to change them leaves
    one.
    """
    path = ("f:spec", "f:replicas")
    spec, declared = seen.document.get("spec"), wanted.document.get("spec")
    if not isinstance(spec, Mapping) or (isinstance(declared, Mapping) and "replicas" in declared):
        return {}
    now = spec.get("replicas", _UNSCALED)
    if now == _UNSCALED or not known or "spec.replicas" in found:
        return {}
    if owners.holds(owners.ours(known), path):
        return {}
    return {"spec.replicas": Change("spec.replicas", now, None, owner="the scale subresource")}


def _below(tree: Fields, wanted: Json, seen: Json, at: Place) -> Iterator[tuple[Place, Json]]:
    for step, inner in tree.items():
        place, value, other = _entered(step, wanted, seen, at)
        if value is _MISSING:
            continue
        if other is _MISSING:
            yield place, value
        elif isinstance(inner, dict) and inner:
            yield from _below(inner, other, value, place)


def _entered(step: str, wanted: Json, seen: Json, at: Place) -> tuple[Place, Json, Json]:
    """The place one step further, and what is seen and wanted there."""
    if step.startswith("f:") and isinstance(seen, Mapping):
        key = step[2:]
        other = wanted.get(key, _MISSING) if isinstance(wanted, Mapping) else _MISSING
        return (*at, paths.named(key)), seen.get(key, _MISSING), other
    if step.startswith("k:") and isinstance(seen, list):
        names = paths.merge_keys(at[-1].label, seen)
        for found, item in _items(seen, names):
            if names is not None and paths.keyed(names, found).field == step:
                mine = dict(_items(wanted, names)).get(found, _MISSING)
                return (*at, paths.keyed(names, found)), item, mine
    return at, _MISSING, _MISSING


def _items(value: Json, names: tuple[str, ...] | None) -> list[tuple[Key, Json]]:
    if not isinstance(value, list) or names is None:
        return []
    return list((paths.by_key(value, names) or {}).items())
