"""Takes over a root file system that is a folder of this machine: a copy, so that nobody changes it later."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from trimaran.errors import Where, fail
from trimaran.rootfs.tree import Tree

_PIECE = 1 << 20
# What another file system shows in a running system is no part of the distribution.
_LIVE = ("dev", "proc", "sys", "run", "tmp")


def copy(source: Path, tree: Tree) -> None:
    """Copy a folder's tree, without what `/proc` and its like show of a running system.

    Raises TRM1130 when something cannot be read, and as `Tree`.
    """
    try:
        _copy(source, tree)
    except OSError as error:
        where = Where(str(error.filename or source))
        what = f"it cannot be read: {error.strerror or error}"
        raise fail(
            "TRM1130", what, "give a folder that you may read, or run it as its owner", where
        ) from None


def _copy(source: Path, tree: Tree) -> None:
    seen: dict[tuple[int, int], str] = {}
    for path, folders, files in os.walk(source, onerror=_raise):
        inside = os.path.relpath(path, source)
        live = inside == "."
        for name in (*folders, *files):
            full = os.path.join(path, name)  # noqa: PTH118 - a Path for each file of a large tree is slow
            place = os.path.normpath(os.path.join(inside, name))  # noqa: PTH118
            _entry(full, place, tree, seen)
        folders[:] = [
            name
            for name in folders
            if not (live and name in _LIVE) and not os.path.islink(os.path.join(path, name))  # noqa: PTH114, PTH118
        ]


def _raise(error: OSError) -> None:
    raise error


def _entry(full: str, place: str, tree: Tree, seen: dict[tuple[int, int], str]) -> None:
    there = os.lstat(full)
    if stat.S_ISDIR(there.st_mode):
        tree.folder(place, there.st_mode)
    elif stat.S_ISLNK(there.st_mode):
        tree.link(place, os.readlink(full))  # noqa: PTH115
    elif not stat.S_ISREG(there.st_mode):
        tree.skip(place)
    elif (first := seen.get((there.st_dev, there.st_ino))) is not None:
        tree.hard_link(place, first)
    else:
        tree.file(place, there.st_mode, there.st_size, _pieces(full, there.st_size))
        if there.st_nlink > 1:
            seen[there.st_dev, there.st_ino] = place


def _pieces(path: str, size: int) -> Iterator[tuple[int, bytes]]:
    """What the file holds, at most as much as it held when it was looked at."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        at = 0
        while at < size and (piece := os.pread(handle, min(_PIECE, size - at), at)):
            yield at, piece
            at += len(piece)
    finally:
        os.close(handle)
