"""Live values that a person decided to keep: putting them into what is rendered. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from trimaran.action import Change, Json, Object
from trimaran.ledger import Adoption

_ABSENT = None
"""As in `Change`: the value of a field that is not there."""


def with_adoptions(objects: Iterable[Object], adoptions: Iterable[Adoption]) -> tuple[Object, ...]:
    """`objects` with the adopted values.

    An adoption holds where what is rendered is still what was declared when it was adopted; where the
    declaration has changed since, the declaration wins.
    """
    by_ref: dict[object, list[Adoption]] = {}
    for each in adoptions:
        by_ref.setdefault(each.ref, []).append(each)
    return tuple(_with(item, by_ref.get(item.ref, ())) for item in objects)


def _with(item: Object, adoptions: Iterable[Adoption]) -> Object:
    document: Json = item.document
    # A list grows from its end and shrinks from its end, whatever order the values were adopted in.
    ordered = sorted(adoptions, key=lambda each: _natural(each.path))
    grown = [each for each in ordered if each.value is not _ABSENT]
    shrunk = [each for each in reversed(ordered) if each.value is _ABSENT]
    for each in (*grown, *shrunk):
        if value_at(document, each.path) == each.declared:
            document = put(document, each.path, each.value)
    return item if document is item.document else Object(item.ref, document, item.live)


def _natural(path: str) -> tuple[tuple[int, int, str], ...]:
    """`[10]` behind `[9]`."""
    parts = re.split(r"\[(\d+)\]", path)
    return tuple((1, int(part), "") if odd % 2 else (0, 0, part) for odd, part in enumerate(parts))


def to_adopt(
    item: Object, changes: Iterable[Change], earlier: Iterable[Adoption], at: datetime, actor: str
) -> tuple[Adoption, ...]:
    """Adoptions of the seen values.

    Args:
        changes: from what was wanted (`after`) to what was seen (`before`).
        earlier: what is adopted already; a value that is adopted again stays bound to its declaration.
    """
    known = {each.path: each for each in earlier if each.ref == item.ref}
    found = []
    for change in changes:
        old = known.get(change.path)
        declared = old.declared if old is not None and old.value == change.after else change.after
        found.append(Adoption(item.ref, change.path, change.before, declared, at, actor))
    return tuple(found)


def without_adoptions(objects: Iterable[Object], adoptions: Iterable[Adoption]) -> tuple[Object, ...]:
    """`objects` with what was declared where they hold an adopted value."""
    turned = [replace(each, value=each.declared, declared=each.value) for each in adoptions]
    return with_adoptions(objects, turned)


def taken_over(
    item: Object, changes: Iterable[Change], service_of: Callable[[Object], str | None]
) -> tuple[Object, tuple[Change, ...]]:
    """`item` with the values that stand there, except for what says whose it is; and those changes.

    Args:
        changes: from `item` (`after`) to what stands there (`before`).
        service_of: tells from a document whose it is.
    """
    kept = []
    for change in changes:
        fresh = Object(item.ref, put(item.document, change.path, change.before), item.live)
        if service_of(fresh) == service_of(item):
            item = fresh
            kept.append(change)
    return item, tuple(kept)


_CONTAINER = r"(?:.*\.)?containers\[name=[^\]]+\]\."
_DECLARED = (
    # a path on a target, and the field of a declaration that makes it
    (r"spec\.replicas", "spec.workload.replicas"),
    (_CONTAINER + r"image", "spec.image"),
    (_CONTAINER + r"args(\[\d+\])?", r"spec.command.args\1"),
    (_CONTAINER + r"env\[name=([^\]]+)\]\.value", r"spec.env.\1"),
    (
        r"(?:.*\.)?containers\[name=[^\]]+\]\.resources\.(requests|limits)\.(cpu|memory)",
        r"spec.resources.\1.\2",
    ),
    (r"spec\.(minReplicas)", "spec.scaling.min"),
    (r"spec\.(maxReplicas)", "spec.scaling.max"),
    (r"env\.(.+)", r"spec.env.\1"),
    (r"args(\[\d+\])?", r"spec.command.args\1"),
    (r"ports\.(.+)", r"spec.ports.\1"),
)


def declared_as(adoption: Adoption) -> str:
    """The field of a declaration that makes an adopted value; empty where none is known."""
    if adoption.ref.kind == "File" and adoption.path in ("content", "mode"):
        return f"spec.files[{adoption.ref.name}].{adoption.path}"
    for pattern, field in _DECLARED:
        match = re.fullmatch(pattern, adoption.path)
        if match is not None:
            return match.expand(field)
    return ""


def value_at(document: Json, path: str) -> Json:
    """The value at a path that `platform.compare` made; None where there is none."""
    node, rest = document, path
    while rest and node is not None:
        step, rest = _split(node, rest)
        node = _get(node, step)
    return node


def put(document: Json, path: str, value: Json) -> Json:
    """A copy of `document` with another value at `path`; None takes the field away.

    What `path` passes through is made where it is missing, as mappings. The document itself where a list
    has no such place.
    """
    if not path:
        return value
    step, rest = _split(document, path)
    old = _get(document, step)
    fresh = put({} if old is None and rest else old, rest, value)
    if isinstance(document, list | tuple):
        return _put_item(list(document), step, fresh)
    found = {name: each for name, each in document.items() if name != step or fresh is not None}
    return found if fresh is None else found | {step: fresh}


def _put_item(items: list[Json], step: str, value: Json) -> list[Json]:
    place = _place(items, step)
    if place is None:
        return items if value is None else [*items, value]
    return items[:place] + ([] if value is None else [value]) + items[place + 1 :]


def _get(node: Json, step: str) -> Json:
    if isinstance(node, Mapping):
        return node.get(step)
    if isinstance(node, list | tuple):
        place = _place(node, step)
        return None if place is None else node[place]
    return None


def _place(items: list[Json] | tuple[Json, ...], step: str) -> int | None:
    """Where the item is that `[name=web]` or `[0]` names."""
    key, equals, value = step.partition("=")
    if equals:
        fits = (index for index, item in enumerate(items) if _named(item, key) == value)
        return next(fits, None)
    return int(step) if step.isdecimal() and int(step) < len(items) else None


def _named(item: Json, key: str) -> str | None:
    return str(item[key]) if isinstance(item, Mapping) and key in item else None


_PLAIN = re.compile(r"\.?([^.\[]+)")


def _split(node: Json, path: str) -> tuple[str, str]:
    """The first step of `path`, and what remains.

    A name in brackets may itself hold brackets: the document knows which names there are.
    """
    if isinstance(node, Mapping):
        inside = [name for name in node if path.startswith(f"[{name}]")]
        if inside:
            name = max(inside, key=len)
            return name, path[len(name) + 2 :]
    if path.startswith("["):
        end = _closing(node, path)
        return path[1:end], path[end + 1 :]
    match = _PLAIN.match(path)
    if match is None:
        return path, ""
    return match[1], path[match.end() :]


def _closing(node: Json, path: str) -> int:
    if isinstance(node, list | tuple):
        key, equals, rest = path[1:].partition("=")
        names = [_named(item, key) for item in node] if equals else []
        fits = [name for name in names if name is not None and rest.startswith(f"{name}]")]
        if fits:
            return len(key) + 2 + len(max(fits, key=len))
    # What is not there has nothing below it that could differ: the name is all that remains.
    return len(path) - 1 if path.endswith("]") else max(path.find("]"), 0) or len(path)
