"""Where Trimaran keeps things on this machine, by the XDG Base Directory Specification (0.8).

Three lines of our own: the library that knows every system's folders takes a tenth of a small command's time
to be loaded, and this runs on Linux only.
"""

import os
from pathlib import Path


def cache() -> Path:
    """What can be made again: toolchains, builds. Bounded in size, safe to delete."""
    return _folder("XDG_CACHE_HOME", ".cache")


def state() -> Path:
    """What must not be lost: the ledger, and what runs on this machine."""
    return _folder("XDG_STATE_HOME", ".local/state")


def data() -> Path:
    """What the user has brought and cannot always bring again: root file systems."""
    return _folder("XDG_DATA_HOME", ".local/share")


def _folder(variable: str, usual: str) -> Path:
    named = os.environ.get(variable, "")
    # A relative path in these variables is invalid by the specification, and to be ignored.
    return (Path(named) if named.startswith("/") else Path.home() / usual) / "trimaran"
