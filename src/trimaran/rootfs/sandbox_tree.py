"""Looks at a root file system, so that a sandbox can show it without writing into it."""

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from trimaran.errors import Where, fail
from trimaran.rootfs.sandbox_plan import OWN, Act, Mount, tree

_MOST = 512


def mounts(
    folder: Path, over: Mapping[str, Path], binds: Sequence[tuple[str, str]] = ()
) -> tuple[Mount, ...]:
    """The mounts of a sandbox that shows the root file system at `folder`.

    Args:
        over: names in its `/etc` → files of this machine that are shown instead.
        binds: further files of this machine, each with its path inside.

    Raises:
        TrimaranError: the folder cannot be read (TRM1140) or is no root file system (TRM1141).
    """
    top = _listed(folder)
    entries = [
        entry for name, kind in top if name not in OWN for entry in _shown(folder / name, "/" + name, kind)
    ]
    if over:
        entries = _with_over(folder / "etc", dict(top).get("etc", 0), entries, over)
    return tree(entries, binds)


def _listed(folder: Path) -> list[tuple[str, int]]:
    """Names and modes of a folder's entries; links are not followed."""
    try:
        with os.scandir(folder) as found:
            entries = sorted((each.name, each.stat(follow_symlinks=False).st_mode) for each in found)
    except OSError as error:
        what = f"cannot read the root file system: {error.strerror}"
        raise fail("TRM1140", what, "check its rights, or add it again", Where(str(folder))) from None
    if len(entries) > _MOST:
        what = f"has {len(entries)} entries in one folder, which no distribution has"
        raise fail("TRM1141", what, "name the folder that is its `/`", Where(str(folder)))
    return entries


def _shown(path: Path, inside: str, mode: int) -> list[Mount]:
    if stat.S_ISLNK(mode):
        return [Mount(Act.LINK, inside, os.readlink(path))]  # noqa: PTH115 - as text
    if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
        return [Mount(Act.BIND, inside, str(path))]
    return []  # a device or a pipe of a root file system is of no use in a sandbox


def _with_over(etc: Path, mode: int, entries: list[Mount], over: Mapping[str, Path]) -> list[Mount]:
    put = [Mount(Act.BIND, f"/etc/{name}", str(path)) for name, path in over.items()]
    if stat.S_ISDIR(mode) and all(_regular(etc / name) for name in over):
        return [*entries, *put]
    # A file that is not there, or is a link, cannot be mounted over: `/etc` is put together of its parts.
    parts = _listed(etc) if stat.S_ISDIR(mode) else []
    kept = [
        entry
        for name, kind in parts
        if name not in over
        for entry in _shown(etc / name, f"/etc/{name}", kind)
    ]
    others = [entry for entry in entries if entry.to != "/etc"]
    return [*others, Mount(Act.TMPFS, "/etc", size_bytes=1 << 20), *kept, *put, Mount(Act.SEAL, "/etc")]


def _regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
