"""A Go tree on disk: its files, their digests, and a fingerprint that changes when any of them does."""

import hashlib
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from trimaran.toolchain.archive import member_name, uncovered

_CHUNK = 1 << 20


def files(root: Path) -> tuple[str, ...]:
    """Everything in the tree that is not a folder, relative, in order; links are not followed."""
    return tuple(sorted(name for name, _ in _walk(root)))


def _walk(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        with os.scandir(os.path.join(root, prefix)) as entries:  # noqa: PTH118 - 11,000 files in 0.1 s
            for entry in entries:
                name = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{name}/")
                else:
                    yield name, entry.stat(follow_symlinks=False)


def fingerprint(root: Path) -> str:
    """A digest over what `stat` tells of every file; any write, replacement or new file changes it."""
    whole = hashlib.sha256()
    for name, seen in sorted(_walk(root), key=lambda pair: pair[0]):
        told = (seen.st_mode, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
        whole.update(f"{name}\n{told}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def covered(root: Path, from_wheel: bool) -> tuple[str, ...]:
    """The files that the module's hash states something about."""
    names = files(root)
    known = frozenset(names)
    return tuple(name for name in names if not uncovered(name, known, from_wheel))


def digests(root: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each file, under its name in the module's zip."""
    found = {}
    for name in names:
        whole = hashlib.sha256()
        for chunk in _content(root / name):
            whole.update(chunk)
        found[member_name(name)] = whole.hexdigest()
    return found


def checksums(root: Path, names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Size and CRC-32 of each file, under its name in the module's zip."""
    found = {}
    for name in names:
        size = crc = 0
        for chunk in _content(root / name):
            size += len(chunk)
            crc = zlib.crc32(chunk, crc)
        found[member_name(name)] = (size, crc)
    return found


def _content(path: Path) -> Iterator[bytes]:
    seen = path.lstat()
    if not stat.S_ISREG(seen.st_mode):
        # A link or a device has no content of its own; this makes it differ from every published file.
        yield f"not a plain file: {stat.filemode(seen.st_mode)} {seen.st_rdev}".encode()
        return
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            yield chunk
