"""Reads one data file of this package, once, and leaves out what nobody can check."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

from trimaran.facts.model import Refused

# An entry as TOML gives it; who reads it gives it types.
Entry = Mapping[str, Any]
Facts = tuple[dict[str, Entry], tuple[Refused, ...]]


class UnsourcedFactError(ValueError):
    """An entry of a data file has no source or no day, so nobody can check it."""


@cache
def read(name: str) -> Facts:
    """The entries of `name`.toml that say where they come from, and those that do not."""
    file = f"{name}.toml"
    # Not importlib.resources: what it imports costs more than all the reading.
    found = pkgutil.get_data("trimaran.facts", file) or b""
    return select(file, found.decode("utf-8"))


def listed(name: str, kind: str) -> list[Entry]:
    """The tables of the list `kind` of a data file, in their order."""
    entries, _ = read(name)
    return [entry for key, entry in entries.items() if key.partition("[")[0] == kind]


def select(file: str, text: str) -> Facts:
    """The entries of one data file that say where they come from, and those that do not.

    Raises:
        UnsourcedFactError: an entry has no `source` or no `checked` at all.
    """
    import tomllib

    taken: dict[str, Entry] = {}
    left: list[Refused] = []
    for name, entry in _entries(tomllib.loads(text)):
        source = entry.get("source", "")
        if not source or "checked" not in entry:
            raise UnsourcedFactError(f"{file}: {name} needs `source` and `checked`")
        if _remembered(source):
            left.append(Refused(file, name, source))
            continue
        # A key may have a source of its own; it stands or falls with that, not with the entry's.
        loose = [key for key in entry if key.endswith("_source") and _remembered(entry[key])]
        dropped = {key for each in loose for key in entry if key.startswith(each.removesuffix("_source"))}
        left.extend(Refused(file, f"{name}.{key.removesuffix('_source')}", entry[key]) for key in loose)
        taken[name] = {key: value for key, value in entry.items() if key not in dropped}
    return taken, tuple(left)


def _remembered(source: str) -> bool:
    return source.strip().lower().startswith("remembered")


def _entries(found: Mapping[str, Any]) -> list[tuple[str, Entry]]:
    entries: list[tuple[str, Entry]] = []
    for name, value in found.items():
        if isinstance(value, list):
            entries.extend((f"{name}[{place}]", entry) for place, entry in enumerate(value))
        else:
            entries.append((name, value))
    return entries
