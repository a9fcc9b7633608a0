"""Small things on disk that several files here need: locks, JSON records."""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trimaran.errors import fail, printable
from trimaran.toolchain.model import Progress

_RECORD_LIMIT = 16 << 20


@contextmanager
def explained(cache: Path) -> Iterator[None]:
    """Turn what the disk refuses into a problem: TRM0316 when it is full, else TRM0332."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            fix = f"free some space; {cache} may be deleted, it is made again"
            raise fail("TRM0316", "the disk is full", fix) from None
        what = f"{printable(str(error.filename or cache))} cannot be used: {error.strerror or error}"
        raise fail("TRM0332", what, "check the folder's owner and permissions") from None


@contextmanager
def lock(path: Path, progress: Progress, waiting_for: str) -> Iterator[None]:
    """Hold `path` against every other process; the system lets go of it even after kill -9."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for another trimaran that is busy with {waiting_for}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def read_json(path: Path) -> dict[str, object]:
    """A record; empty when it is absent or damaged, as everything in the cache can be made again."""
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_RECORD_LIMIT))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
