"""Reads the generated tables of this package: lines of words, under a head that says where they come from."""

import pkgutil
from functools import cache
from typing import NamedTuple


class Table(NamedTuple):
    """A generated table.

    Args:
        rows: the words of each line.
        source: where it was read or measured.
        checked: the day, as `2026-11-23`.
    """

    rows: tuple[tuple[str, ...], ...]
    source: str
    checked: str


@cache
def table(name: str) -> Table:
    """The table `name`.txt, read once, when it is first asked for."""
    return read_table((pkgutil.get_data("trimaran.facts", f"{name}.txt") or b"").decode("ascii"))


def read_table(text: str) -> Table:
    """A table out of its text.

    Raises:
        KeyError: its head does not say where it comes from, or when it was read.
    """
    head: dict[str, str] = {}
    rows: list[tuple[str, ...]] = []
    for line in text.splitlines():
        if line.startswith("#"):
            key, _, value = line[1:].partition(": ")
            head[key.strip()] = value
        elif line:
            rows.append(tuple(line.split(" ")))
    return Table(tuple(rows), head["source"], head["checked"])
