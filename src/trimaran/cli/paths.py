"""Where Trimaran keeps things on this machine, by the XDG Base Directory Specification (0.8).

Three lines of our own: the library that knows every system's folders takes a tenth of a small command's time
to be loaded, and this runs on Linux only.
"""

import os
from typing import TYPE_CHECKING

from trimaran.errors import fail

if TYPE_CHECKING:
    from pathlib import Path


def cache() -> "Path":
    """What can be made again: toolchains, builds. Bounded in size, safe to delete."""
    return _folder("XDG_CACHE_HOME", ".cache")


def state() -> "Path":
    """What must not be lost: the ledger, and what runs on this machine."""
    return _folder("XDG_STATE_HOME", ".local/state")


def data() -> "Path":
    """What the user has brought and cannot always bring again: root file systems."""
    return _folder("XDG_DATA_HOME", ".local/share")


def has_data(name: str) -> bool:
    """Whether the user's data has a folder of that name."""
    return os.path.isdir(f"{_named('XDG_DATA_HOME', '.local/share')}/{name}")  # noqa: PTH112 - see `_folder`


def _folder(variable: str, usual: str) -> "Path":
    # What it imports costs a small command a twentieth of its time.
    from pathlib import Path

    place = _named(variable, usual)
    if not place.startswith("/"):
        what = "nothing says where your home is"
        raise fail("TRM0006", what, f"set HOME to a folder of yours, or {variable} for this alone")
    return Path(place)


def _named(variable: str, usual: str) -> str:
    named = os.environ.get(variable, "")
    # A relative path in these variables is invalid by the specification, and to be ignored.
    above = named if named.startswith("/") else f"{os.path.expanduser('~')}/{usual}"  # noqa: PTH111 - as above
    return f"{above}/trimaran"
