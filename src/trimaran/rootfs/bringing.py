"""Brings a root file system from where the user says, into a tree that is being filled."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trimaran.errors import Where, fail, printable
from trimaran.rootfs import folder
from trimaran.rootfs.tree import Tree


@dataclass(frozen=True, slots=True)
class Brought:
    """Where a root file system came from; `digest` is of what was brought, empty for a folder."""

    origin: str
    digest: str = ""


def bring(source: str, tree: Tree, work: Path, tell: Callable[[str], None]) -> Brought:
    """Fill a tree.

    Args:
        work: a folder for what is only needed until then; removed by the caller.
    """
    path = Path(source)
    if path.is_dir():
        tell(f"copying {printable(source)}")
        folder.copy(path, tree)
        return Brought(os.path.abspath(source))  # noqa: PTH100 - a Path would follow links
    raise fail("TRM1131", "this is no folder", "give a folder", Where(source))
