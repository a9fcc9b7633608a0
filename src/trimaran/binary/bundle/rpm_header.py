"""Reads the headers of rpm packages: tables of tagged values (rpm's manual, "Package format"). Pure.

Nothing is read but the index and the values that are asked for, so a header may announce what it likes.
"""

from dataclasses import dataclass, field

from trimaran.binary.bundle.stream import beyond, contradiction, cut
from trimaran.binary.elf import Source

_MAGIC = b"\x8e\xad\xe8\x01"
_INTRO = 16
_ENTRY = 16
# rpm's own bounds.
_ENTRIES = 65_535
_STORE = 256 << 20
_VALUES = 200_000
_VALUE_BYTES = 16 << 20
_STRINGS = (6, 8, 9)


@dataclass(frozen=True, slots=True)
class Header:
    """One header.

    Args:
        start: where it begins in the file.
        end: where it ends.
        index: tag → type, place in the store, count.
    """

    source: Source = field(repr=False)
    start: int
    store: int
    end: int
    index: dict[int, tuple[int, int, int]] = field(repr=False)

    def texts(self, tag: int) -> list[bytes]:
        """The strings of a tag; none when it is not there."""
        kind, at, count = self._entry(tag)
        if not count:
            return []
        if kind not in _STRINGS:
            raise contradiction(f"the rpm header's tag {tag} has type {kind}, and should be text")
        raw = self.source.at(self.store + at, min(_VALUE_BYTES, self.end - self.store - at))
        found, start = list[bytes](), 0
        for _ in range(1 if kind == 6 else count):
            stop = raw.find(b"\0", start)
            if stop < 0:
                raise contradiction(f"the rpm header's tag {tag} has text without an end")
            found.append(raw[start:stop])
            start = stop + 1
        return found

    def text(self, tag: int) -> str:
        """The first string of a tag; empty when it is not there."""
        return next((raw.decode("ascii", "backslashreplace") for raw in self.texts(tag)), "")

    def numbers(self, tag: int) -> list[int]:
        """The numbers of a tag; none when it is not there."""
        kind, at, count = self._entry(tag)
        if not count:
            return []
        if not 2 <= kind <= 5:
            raise contradiction(f"the rpm header's tag {tag} has type {kind}, and should be a number")
        width = 1 << kind - 2
        if at + count * width > self.end - self.store:
            raise contradiction(f"the rpm header's tag {tag} lies outside the header")
        raw = self.source.at(self.store + at, count * width)
        return [int.from_bytes(raw[step : step + width]) for step in range(0, len(raw), width)]

    def _entry(self, tag: int) -> tuple[int, int, int]:
        kind, at, count = self.index.get(tag, (0, 0, 0))
        if count > _VALUES:
            raise beyond(f"has {count} values for tag {tag} in its header; {_VALUES} are read")
        if at > self.end - self.store:
            raise contradiction(f"the rpm header's tag {tag} lies outside the header")
        return kind, at, count


def read_header(source: Source, start: int) -> Header:
    """The header at `start`."""
    if start + _INTRO > source.size:
        raise cut("ends inside the rpm header")
    intro = source.at(start, _INTRO)
    if intro[:4] != _MAGIC:
        raise contradiction("has no rpm header where one should be")
    count, size = int.from_bytes(intro[8:12]), int.from_bytes(intro[12:16])
    if count > _ENTRIES or size > _STORE:
        raise beyond(
            f"has an rpm header of {count} entries and {size} bytes; {_ENTRIES} and {_STORE} are read"
        )
    store = start + _INTRO + count * _ENTRY
    if store + size > source.size:
        raise cut("ends inside the rpm header")
    raw = source.at(start + _INTRO, count * _ENTRY)
    index = dict[int, tuple[int, int, int]]()
    for at in range(0, len(raw), _ENTRY):
        tag, kind, place, number = (int.from_bytes(raw[at + step : at + step + 4]) for step in (0, 4, 8, 12))
        index.setdefault(tag, (kind, place, number))
    return Header(source, start, store, store + size, index)
