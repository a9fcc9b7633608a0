"""Semantic versions of modules: their order, and which are near one that does not exist. Pure.

The order is that of https://semver.org, section 11, with the `v` that Go puts in front.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable

_VERSION = re.compile(
    r"v([0-9]{1,18})\.([0-9]{1,18})\.([0-9]{1,18})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
)
_LOOSE = re.compile(r"v?([0-9]{1,18})(?:\.([0-9]{1,18}))?(?:\.([0-9]{1,18}))?")

Order = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]


def order(version: str) -> Order | None:
    """What to sort by; None for what is no version."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    early = match[4]
    # A version with a pre-release comes before the one without; numbers come before words.
    parts = tuple(
        (0, int(part), "") if part.isdigit() and part.isascii() else (1, 0, part)
        for part in (early or "").split(".")
    )
    return int(match[1]), int(match[2]), int(match[3]), 0 if early else 1, parts


def nearest(wanted: str, known: Iterable[str], most: int = 4) -> tuple[str, ...]:
    """Those of `known` next to where `wanted` would stand, oldest first; always with the newest."""
    pairs = sorted((place, version) for version in set(known) if (place := order(version)) is not None)
    if not pairs:
        return ()
    ordered = [version for _, version in pairs]
    loose = _LOOSE.match(wanted)
    place = order(wanted)
    if place is None and loose is not None:
        place = int(loose[1]), int(loose[2] or 0), int(loose[3] or 0), 0, ()
    middle = bisect_left([key for key, _ in pairs], place) if place else len(ordered)
    low = max(0, min(middle - most // 2, len(ordered) - most))
    chosen = ordered[low : low + most]
    return tuple(chosen if ordered[-1] in chosen else [*chosen[1:], ordered[-1]])
