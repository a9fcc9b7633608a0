"""Reads zig's list of glibc's symbols. Pure.

The file joins the `.abilist` files of every glibc release: for each symbol, the libraries and machines that
have it, and the versions that it has there. Its layout is described where zig reads it (src/libs/glibc.zig).
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

# library → symbol → versions, as "2.34".
Symbols = dict[str, dict[str, set[str]]]

_SONAMES = {
    "m": "libm.so.6", "c": "libc.so.6", "resolv": "libresolv.so.2", "pthread": "libpthread.so.0",
    "dl": "libdl.so.2", "rt": "librt.so.1", "util": "libutil.so.1",
}  # fmt: skip
_TARGETS = {"x86_64": "x86_64-linux-gnu", "aarch64": "aarch64-linux-gnu"}
_LOADERS = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}
_LAST = 0x80


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That a symbol is in one library, on some machines, with some versions."""

    symbol: str
    library: str
    targets: int
    versions: tuple[str, ...]


@dataclass(slots=True)
class _Reader:
    image: bytes
    place: int = field(default=0)

    def byte(self) -> int:
        self.place += 1
        return self.image[self.place - 1]

    def short(self) -> int:
        return self.byte() | self.byte() << 8

    def name(self) -> str:
        end = self.image.index(0, self.place)
        found = self.image[self.place : end].decode("ascii")
        self.place = end + 1
        return found

    def leb128(self) -> int:
        value, shift = 0, 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if not byte & _LAST:
                return value
            shift += 7


def machines(image: bytes) -> dict[str, Symbols]:
    """Machine → library → symbol → versions, for x86_64 and aarch64.

    Raises:
        ValueError: the file is not read to its very end, so its layout is another one.
    """
    reader = _Reader(image)
    libraries = [reader.name() for _ in range(reader.byte())]
    versions = [_version(reader.byte(), reader.byte(), reader.byte()) for _ in range(reader.byte())]
    targets = [reader.name() for _ in range(reader.byte())]
    try:
        inclusions = list(_inclusions(reader, libraries, versions))
    except (IndexError, ValueError) as error:
        raise ValueError("this list of glibc's symbols has a layout that is not known") from error
    return {machine: _of(machine, targets.index(target), inclusions) for machine, target in _TARGETS.items()}


def _version(major: int, minor: int, patch: int) -> str:
    return f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}"


def _inclusions(reader: _Reader, libraries: list[str], versions: list[str]) -> Iterator[Inclusion]:
    # Functions, then objects, then objects that each thread has its own of; objects have a size.
    for sized in (False, True, True):
        if reader.place == len(reader.image):
            return
        symbol, last = "", True
        for _ in range(reader.short()):
            # A symbol's name stands once, before the first of what is said of it.
            symbol = reader.name() if last else symbol
            targets = reader.leb128()
            if sized:
                reader.leb128()
            library = reader.byte()
            last = bool(library & _LAST)
            found = tuple(versions[index] for index in _indexes(reader))
            yield Inclusion(symbol, libraries[library & 0x7F], targets, found)
    if reader.place != len(reader.image):
        raise ValueError("there is more than is known of")


def _indexes(reader: _Reader) -> Iterator[int]:
    while True:
        byte = reader.byte()
        yield byte & 0x7F
        if byte & _LAST:
            return


def _of(machine: str, target: int, inclusions: list[Inclusion]) -> Symbols:
    found: Symbols = defaultdict(lambda: defaultdict(set))
    for each in inclusions:
        if each.targets >> target & 1:
            library = _LOADERS[machine] if each.library == "ld" else _SONAMES[each.library]
            found[library][each.symbol] |= set(each.versions)
    return {library: dict(symbols) for library, symbols in found.items()}
