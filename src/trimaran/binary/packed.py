"""Tells a program that a packer has compressed, whose headers are those of the packer's own loader. Pure."""

from trimaran.binary.elf import Source
from trimaran.errors import Where, fail

# UPX writes its header, which begins with this in every byte order, into the last bytes of a file
# (its own test for "already packed" looks through the last 256), and leaves no section headers.
_MAGIC = b"UPX!"
_LAST = 256


def refuse_packed(name: str, source: Source) -> None:
    """Raise TRM0240 for a program that was packed: what it really needs cannot be read."""
    if source.size <= _LAST:
        return
    head = source.at(0, 64)
    has_sections = any(head[40:48]) if head[4] == 2 else any(head[32:36])
    if not has_sections and _MAGIC in source.at(source.size - _LAST, _LAST):
        what = "was packed with UPX, which hides what the program needs"
        raise fail("TRM0240", what, "unpack it with `upx -d`, and inspect what comes out", Where(name))
