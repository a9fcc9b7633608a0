"""Bringing a large file from a proxy to disk, in as many tries as it takes."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from trimaran.errors import TrimaranError
from trimaran.toolchain import proxy
from trimaran.toolchain.goproxy import Source
from trimaran.toolchain.proxy import Patience, RangeError
from trimaran.toolchain.proxyfaults import BusyError, broke_off, too_large

Told = Callable[[int, int], None]
"""Called with the bytes at hand and the size of the whole, 0 while that is unknown."""


def download(source: Source, path: str, part: Path, limit: int, patience: Patience, told: Told) -> bool:
    """Bring a file to `part`, going on where an earlier try, or an earlier run, ended.

    What is resumed may have changed on the other side; the caller compares the content's hash, and starts
    anew when this returned True and the hash is wrong.

    Returns whether something of an earlier try was used. Raises as `proxy.get`.
    """
    if source.url.startswith("file:"):
        content, _ = proxy.read_file(source, path, 0, limit)
        part.write_bytes(content)
        return False
    used = part.exists() and part.stat().st_size > 0
    deadline = time.monotonic() + patience.download_s
    fruitless = 0
    while True:
        before = _size(part)
        try:
            if _attempt(f"{source.url}/{path}", part, limit, patience, told):
                return used
            error: TrimaranError = broke_off(source.url, f"after {_size(part)} bytes")
        except BusyError as caught:
            error = caught
        fruitless = 0 if _size(part) > before else fruitless + 1
        if fruitless >= patience.tries or time.monotonic() > deadline:
            raise error
        used = True
        proxy.pause(fruitless, patience)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _attempt(url: str, part: Path, limit: int, patience: Patience, told: Told) -> bool:
    """One try; False when it ended early. What it brought stays in `part`."""
    have = _size(part)
    try:
        answer = proxy.open_answer(url, {"Range": f"bytes={have}-"} if have else {}, patience)
    except RangeError as end:
        if end.size == have:
            return True
        part.unlink(missing_ok=True)
        return False
    placed = answer.placed
    resumed = answer.status == 206 and placed is not None and placed[0] == have
    size = placed[1] if resumed and placed else answer.size
    if size > limit:
        answer.body.close()
        raise too_large(url, limit)
    with part.open("ab" if resumed else "wb") as file:
        for chunk in proxy.chunks(answer, patience.idle_s, patience.download_s):
            file.write(chunk)
            file.flush()  # what has arrived is not lost when we are killed
            at = file.tell()
            if at > limit:
                raise too_large(url, limit)
            told(at, size)
        return size in {0, file.tell()}


def room_for(folder: Path, wanted: int) -> bool:
    """Whether the disk has `wanted` bytes left; an early word is better than a late one."""
    return shutil.disk_usage(folder).free >= wanted
