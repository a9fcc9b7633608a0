"""Paths inside a root file system: links lead where they would lead there, never to this machine's files."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_LINKS = 40  # as many as Linux follows


def resolve(root: Path, name: str) -> Path | None:
    """Where the file is that `name` means inside `root`; None when it is not there, or its links go round.

    An absolute link starts again at `root`, and `..` at `root` stays there, as in a chroot.
    """
    ahead, done, links = _parts(name)[::-1], list[str](), 0
    while ahead:
        part = ahead.pop()
        if part == "..":
            done = done[:-1]
            continue
        path = root.joinpath(*done, part)
        try:
            if not stat.S_ISLNK(path.lstat().st_mode):
                done.append(part)
                continue
            target = os.readlink(path)  # noqa: PTH115 - as text, not as a path
        except (OSError, ValueError):
            return None
        links += 1
        if links > _LINKS:
            return None
        done = [] if target.startswith("/") else done
        ahead += _parts(target)[::-1]
    return root.joinpath(*done)


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in {"", "."}]


def read(root: Path, name: str, limit: int) -> bytes:
    """At most `limit` bytes of a regular file; nothing when there is no such file or it cannot be read."""
    path = resolve(root, name)
    try:
        if path is None or not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(limit)
    except OSError:
        return b""


def text(root: Path, name: str, limit: int = 1 << 20) -> str:
    """The same as text, whatever its bytes are."""
    return read(root, name, limit).decode("utf-8", "replace")


def names(root: Path, folder: str, most: int = 20_000) -> Iterator[str]:
    """The names in a folder, sorted; none when it is not there. At most `most` are looked at."""
    path = resolve(root, folder)
    try:
        found = sorted(os.listdir(path))[:most] if path is not None else []  # noqa: PTH208
    except OSError:
        return
    yield from found
