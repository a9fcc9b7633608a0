"""Members of tar archives that leave out their holes: only how they begin is looked at. Pure."""

from trimaran.binary.bundle.stream import Limited, upto
from trimaran.errors import TrimaranError, fail

_MAP = 1 << 16


def beginning(said: dict[bytes, bytes], body: Limited) -> TrimaranError | None:
    """The error of a sparse member that begins like a program; None for any other.

    Args:
        said: the extended header's sparse keys; the newest form has its map in front of the bytes.
    """
    if said.get(b"major") == b"1":
        # Numbers, each on a line: how many pieces, then each one's place and size; filled up to a block.
        front = upto(body, 512)
        while body.left and len(front) < _MAP and not _whole(front):
            front += upto(body, 512)
    start = upto(body, min(4, body.left))
    if start != b"\x7fELF":
        return None
    return fail(
        "TRM0218",
        "a program that is stored as a sparse member is not read",
        "pack it again without --sparse",
    )


def _whole(front: bytes) -> bool:
    count, _, rest = front.partition(b"\n")
    return not count.isdigit() or len(count) > 9 or rest.count(b"\n") >= 2 * int(count)
