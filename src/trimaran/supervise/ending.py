"""The end of a text file, without reading the rest."""

import contextlib
import os
from pathlib import Path


def last_lines(path: Path, lines: int) -> list[bytes]:
    """At most `lines` last lines without their ends; none when the file is absent."""
    content = b""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        at = file.seek(0, os.SEEK_END)
        while at > 0 and content.count(b"\n") <= lines:
            step = min(at, 1 << 16)
            at = file.seek(at - step)
            content = file.read(step) + content
    return content.removesuffix(b"\n").split(b"\n")[-lines:] if content and lines > 0 else []
