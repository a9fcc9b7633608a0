"""Differences between two documents, field by field, as a person would name the fields. Pure."""

from collections.abc import Iterator, Mapping

from trimaran.action import Change, Json

_KEYS = ("name", "path", "containerPort")
"""Lists whose items all have one of these are compared by it, as Kubernetes merges them, not by position."""


def changes(wanted: Json, seen: Json, path: str = "", *, exact: bool = True) -> Iterator[Change]:
    """Every field in which `seen` is not as `wanted`.

    Args:
        exact: whether a key that only `seen` has is a difference; False where others may add fields.
    """
    if isinstance(wanted, Mapping) and isinstance(seen, Mapping):
        for key in [*wanted, *(key for key in seen if exact and key not in wanted)]:
            yield from changes(wanted.get(key), seen.get(key), _below(path, key), exact=exact)
    elif isinstance(wanted, list | tuple) and isinstance(seen, list | tuple):
        yield from _list_changes(wanted, seen, path, exact=exact)
    elif wanted != seen or isinstance(wanted, bool) != isinstance(seen, bool):
        yield Change(path, seen, wanted)


def _below(path: str, key: str) -> str:
    plain = key.replace("-", "").replace("_", "").isalnum()
    part = key if plain else f"[{key}]"
    return f"{path}.{part}" if path and plain else path + part


def _list_changes(
    wanted: list[Json] | tuple[Json, ...], seen: list[Json] | tuple[Json, ...], path: str, *, exact: bool
) -> Iterator[Change]:
    key = _key_of(wanted, seen)
    if key is None:
        for index in range(max(len(wanted), len(seen))):
            left = wanted[index] if index < len(wanted) else None
            right = seen[index] if index < len(seen) else None
            yield from changes(left, right, f"{path}[{index}]", exact=exact)
        return
    left_by, right_by = {item[key]: item for item in wanted}, {item[key]: item for item in seen}
    for name in [*left_by, *(name for name in right_by if name not in left_by)]:
        yield from changes(left_by.get(name), right_by.get(name), f"{path}[{key}={name}]", exact=exact)


def _key_of(*lists: list[Json] | tuple[Json, ...]) -> str | None:
    for key in _KEYS:
        if all(
            isinstance(item, Mapping) and isinstance(item.get(key), str | int)
            for each in lists
            for item in each
        ) and all(len({item[key] for item in each}) == len(each) for each in lists):
            return key
    return None
