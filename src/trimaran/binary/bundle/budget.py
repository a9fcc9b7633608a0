"""How much one archive may cost, whatever it says about itself. Pure."""

from trimaran.archive.tar import Extended
from trimaran.binary.bundle.stream import beyond
from trimaran.errors import fail

MEMBERS = 500_000
"""Names in one archive."""
NAME_BYTES = 4096
"""Of one name: PATH_MAX."""
MEMBER_BYTES = 1 << 30
"""Of one program that has to be kept while it is read."""
EXPANDED_BYTES = 8 << 30
"""Of everything in one archive, expanded."""
RATIO = 200
"""Bytes that may come out of each byte; programs seldom give more than 10."""
RATIO_FROM = 128 << 20
"""Expanded bytes before the ratio counts."""
WINDOW_LOG = 26
"""The most that a compressor may make its reader remember: 64 MiB, as xz -9 and zstd --ultra -21 do."""


class Budget:
    """What is left for one archive."""

    def __init__(self) -> None:
        self._members = 0
        self.extended = Extended(4 * MEMBERS)
        self._expanded = 0

    def member(self) -> None:
        """Count one more name."""
        self._members += 1
        if self._members > MEMBERS:
            raise beyond(f"has more than {MEMBERS:,} members")

    def expanded(self, size: int, taken: int, given: int) -> None:
        """Count `size` more bytes of a compressed stream that took `taken` bytes and gave `given` so far."""
        self._expanded += size
        if given > RATIO_FROM and given > RATIO * taken:
            raise fail(
                "TRM0215",
                f"expands more than {RATIO} times ({given >> 20} MiB from {taken >> 10} KiB so far)",
                "this looks made to fill memory or disk; if it is honest, unpack it and inspect the folder",
            )
        if self._expanded > EXPANDED_BYTES:
            raise fail(
                "TRM0215",
                f"expands to more than {EXPANDED_BYTES >> 30} GiB",
                "unpack it where there is room, and inspect the folder",
            )


def checked_name(raw: bytes, size: int | None = None) -> bytes:
    """`raw` when it is no longer than a path can be."""
    if (len(raw) if size is None else size) > NAME_BYTES:
        raise beyond(
            f"has a member's name of {len(raw) if size is None else size} bytes; {NAME_BYTES} are possible"
        )
    return raw
