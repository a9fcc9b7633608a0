"""Adds a root file system to the store: brings it, unpacks it, measures it, and then lets it count."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from trimaran.errors import TrimaranError
from trimaran.rootfs import bringing, measure, store
from trimaran.rootfs.bounds import Bounds
from trimaran.rootfs.model import Root
from trimaran.rootfs.tree import Tree


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be added.

    Args:
        name: what it is called; the id of a distribution where it is one.
        source: `oci:REF`, `debian:SUITE`, `wheel:REQUIREMENT`, a tar file or a folder.
        today: the day, as `2026-11-23`.
        machine: the one that an image is wanted for, as `uname -m` says it; empty for this one's.
        bounds: the most that is unpacked.
    """

    name: str
    source: str
    today: str
    machine: str = ""
    bounds: Bounds = field(default_factory=Bounds)


def _silent(_: str) -> None:
    pass


def add(where: Path, wanted: Request, tell: Callable[[str], None] = _silent) -> Root:
    """Add a root file system to the store at `where`.

    Args:
        tell: told what is being done, one line at a time.

    Raises TRM1120, TRM1123 and TRM1124 as `store.fresh`; what `bringing.bring` and `measure.measure` raise.
    """
    with store.fresh(where, wanted.name) as folder:
        tree = folder / store.TREE
        tree.mkdir(mode=0o755)
        with Tree(tree, wanted.bounds) as target:
            work = folder / "work"
            work.mkdir()
            machine = wanted.machine or os.uname().machine
            brought = bringing.bring(wanted.source, machine, target, work, tell)
            store.remove_tree(work)
            skipped = tuple(target.skipped)
        tell(f"measuring {wanted.name}")
        try:
            machine, fact, contents = measure.measure(tree, wanted.name, wanted.today)
        except TrimaranError as error:
            raise measure.named(error, wanted.source) from None
        root = Root(
            wanted.name, tree, brought.origin, brought.digest, wanted.today, machine, fact, contents, skipped
        )
        store.write_record(folder, root)
    return replace(root, folder=where / wanted.name / store.TREE)


def measure_again(where: Path, name: str, today: str) -> Root:
    """Measure a root file system of the store anew, and keep what was found in its record."""
    root = store.find(where, name)
    machine, fact, contents = measure.measure(root.folder, name, today)
    found = replace(root, machine=machine, distribution=fact, contents=contents)
    with store.explained(where):
        store.write_record(where / name, found)
    return found
