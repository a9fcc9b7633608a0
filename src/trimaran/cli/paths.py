"""Where Trimaran keeps things on this machine, by the conventions of the system it runs on."""

from pathlib import Path

import platformdirs


def cache() -> Path:
    """What can be made again: toolchains, builds. Bounded in size, safe to delete."""
    return platformdirs.user_cache_path("trimaran")


def state() -> Path:
    """What must not be lost: the ledger, and what runs on this machine."""
    return platformdirs.user_state_path("trimaran")


def data() -> Path:
    """What the user has brought and cannot always bring again: root file systems."""
    return platformdirs.user_data_path("trimaran")
