"""How large a tree may be, and which names may stand in it. Pure, but for how this system encodes names."""

import os
from dataclasses import dataclass

from trimaran.errors import TrimaranError, fail, printable

DEEPEST = 120
NAME_BYTES = 4096
_PART_BYTES = 255


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that a root file system may be; no distribution's is near it.

    Args:
        size_bytes: of all files together, holes counted.
        entries: files, folders and links, those that were written over counted too.
    """

    size_bytes: int = 8 << 30
    entries: int = 1_000_000


def split(name: str) -> tuple[str, ...]:
    """The parts of a name below the folder. Raises TRM1128 for one that climbs or that no system can have."""
    parts = tuple(part for part in name.split("/") if part not in {"", "."})
    if ".." in parts:
        raise hostile(name, "climbs out of its folder")
    encoded = os.fsencode(name)
    if "\0" in name or len(encoded) >= NAME_BYTES or len(parts) > DEEPEST:
        raise hostile(name, "is a name that no system can have")
    if any(len(os.fsencode(part)) > _PART_BYTES for part in parts):
        raise hostile(name, f"has a part of more than {_PART_BYTES} bytes")
    return parts


def hostile(name: str, what: str) -> TrimaranError:
    """An entry that no honest archive has."""
    return fail(
        "TRM1128", f"{printable(name)[:200]} {what}", "do not use it: an honest one has no such entry"
    )


def dangling(name: str, target: str) -> TrimaranError:
    """A hard link to nothing."""
    return hostile(name, f"is a hard link to {printable(target)[:200]}, which is no file before it")
