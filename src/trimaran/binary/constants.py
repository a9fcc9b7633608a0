"""Looks for texts in a program's constants: what was linked in shows by what only it says. Pure.

The segments that are mapped read-only are read in pieces, and at most `SEARCH` bytes of them; a text that
stands behind that is not found.
"""

from collections import Counter
from collections.abc import Collection

from trimaran.binary.elf import PF_EXEC, PF_WRITE, PT_LOAD, Elf

SEARCH = 96 << 20
_PIECE = 8 << 20
# A segment that is no larger holds headers and notes.
_HEADERS = 16_384


def count(elf: Elf, texts: Collection[bytes]) -> Counter[bytes]:
    """How often each of the texts stands in the program."""
    found = Counter[bytes]()
    longest = max((len(text) for text in texts), default=0)
    left = SEARCH
    mapped = [each for each in elf.segments if each.kind == PT_LOAD and not each.flags & PF_WRITE]
    # Older linkers put constants and code into one segment; where they are apart, code has no texts.
    apart = [each for each in mapped if not each.flags & PF_EXEC and each.size > _HEADERS]
    for segment in apart or mapped:
        end = min(segment.offset + min(segment.size, left), elf.source.size)
        left -= max(0, end - segment.offset)
        for at in range(segment.offset, end, _PIECE):
            # The pieces overlap, so that no text is cut in two; one that starts in the next counts there.
            body = elf.source.at(at, min(_PIECE + longest, end - at))
            for text in texts:
                found[text] += body.count(text, 0, _PIECE + len(text) - 1)
    return found
