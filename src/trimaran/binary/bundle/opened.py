"""Tells archives from other files, and opens them."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from trimaran.binary.bundle import ar, deb, tar
from trimaran.binary.bundle.expand import compression
from trimaran.binary.elf import Source
from trimaran.binary.reader import OpenFile

_LEAD = b"\xed\xab\xee\xdb"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


class Form:
    """Which kind of archive a file is: the names that the readers are chosen by."""

    DEB, RPM, ADB, ZIP, TAR, COMPRESSED, LAYOUT = "deb", "rpm", "adb", "zip", "tar", "compressed", "layout"


def form(start: bytes) -> str | None:
    """The kind of archive that begins with these 512 bytes; None for anything else.

    A static library is an ar archive too; a package is told by its first member.
    """
    if start.startswith(ar.MAGIC):
        return Form.DEB if start[8:24].rstrip(b" ").removesuffix(b"/") == deb.FIRST else None
    if start.startswith(_LEAD):
        return Form.RPM
    if start.startswith(b"ADB") and start[3:4] in {b".", b"d", b"c"}:
        return Form.ADB
    if start.startswith(_ZIP):
        return Form.ZIP
    if compression(start):
        return Form.COMPRESSED
    return Form.TAR if start[257:262] == b"ustar" or tar.is_header(start) else None


def form_of(path: str) -> str | None:
    """The same for a path, by what lies there; None also for what cannot be read."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - as cheap as it can be: every file is asked
        if stat.S_ISDIR(mode):
            marks = (os.path.join(path, name) for name in ("oci-layout", "index.json"))  # noqa: PTH118
            return Form.LAYOUT if all(os.path.isfile(mark) for mark in marks) else None  # noqa: PTH113
        if not stat.S_ISREG(mode):
            return None
        with opened(path) as source:
            return form(source.at(0, min(tar.BLOCK, source.size)))
    except (OSError, ValueError):
        return None


@contextmanager
def opened(path: str) -> Iterator[Source]:
    """The bytes of a regular file while it is open."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        found = os.fstat(descriptor)
        yield OpenFile(descriptor, found.st_size if stat.S_ISREG(found.st_mode) else 0)
    finally:
        os.close(descriptor)
