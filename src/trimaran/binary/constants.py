"""Looks for texts in a program's constants: what was linked in shows by what only it says. Pure.

The segments that are mapped read-only are read in pieces, and at most `SEARCH` bytes of them; a text that
stands behind that is not found.
"""

from collections.abc import Iterator

from trimaran.binary.elf import PF_EXEC, PF_WRITE, PT_LOAD, Elf

SEARCH = 96 << 20
_PIECE = 1 << 20
# The pieces at the end are looked through for every text, and kept.
_KEPT = 8
# Pieces overlap by as much, so that no text is cut in two.
_LONGEST = 4096
# A segment that is no larger holds headers and notes.
_HEADERS = 16_384


class Constants:
    """The constants of one program. Those of a small one are read once, whatever is looked for."""

    def __init__(self, elf: Elf) -> None:
        self._source = elf.source
        self._places = tuple(_places(elf))
        self._kept: list[bytes] = []

    def has(self, text: bytes, times: int = 1) -> bool:
        """Whether `text` stands there, at least so many times.

        Looked for from the end: libraries stand behind the program, and the C library behind them.
        """
        for body in self._pieces():
            end = min(len(body), _PIECE + len(text) - 1)
            while (end := body.rfind(text, 0, end)) >= 0:
                times -= 1
                if not times:
                    return True
        return False

    def lacks(self, text: bytes) -> bool:
        """The opposite of `has`; quicker where the text is most likely not there."""
        return all(body.find(text, 0, _PIECE + len(text) - 1) < 0 for body in self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        for index, (at, size) in enumerate(reversed(self._places)):
            if index < len(self._kept):
                yield self._kept[index]
                continue
            body = self._source.at(at, size)
            if index < _KEPT:
                self._kept.append(body)
            yield body


def _places(elf: Elf) -> Iterator[tuple[int, int]]:
    left = SEARCH
    mapped = [each for each in elf.segments if each.kind == PT_LOAD and not each.flags & PF_WRITE]
    # Older linkers put constants and code into one segment; where they are apart, code has no texts.
    apart = [each for each in mapped if not each.flags & PF_EXEC and each.size > _HEADERS]
    for segment in apart or mapped:
        end = min(segment.offset + min(segment.size, left), elf.source.size)
        left -= max(0, end - segment.offset)
        for at in range(segment.offset, end, _PIECE):
            yield at, min(_PIECE + _LONGEST, end - at)
