"""Which files of an image's layers are there in the end, by OCI's rules for layers. Pure.

An upper layer hides what it replaces and what it deletes. Read from the top, each file is decided when it
comes by, and nothing has to be kept but a number for each name above.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b

from trimaran.binary.bundle.stream import NOTHING, Entry, Kind, upto
from trimaran.errors import TrimaranError, fail, printable

_WHITEOUT, _OPAQUE, _TOOLS = ".wh.", ".wh..wh..opq", ".wh..wh."


class Above:
    """What the layers above hide.

    Args:
        key: a secret of this run, so that nobody can choose names with the same number.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        # Number of a name → the first layer from the top that says so.
        self._replaced = dict[int, int]()
        self._gone = dict[int, int]()
        self._emptied = dict[int, int]()
        # Files of one folder come together: the folder, the layer, and the answer for it.
        self._last = ("", -1, False)

    def number(self, name: str) -> int:
        """Stands for a name, in a few bytes."""
        raw = name.encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(raw, digest_size=8, key=self._key).digest())

    def hides(self, name: str, layer: int) -> bool:
        """Whether a file of `layer`, counted from the top, is gone in the end."""
        if not layer:
            return False
        number = self.number(name)
        if self._replaced.get(number, layer) < layer or self._gone.get(number, layer) < layer:
            return True
        folder = name.rpartition("/")[0]
        if self._last[:2] != (folder, layer):
            self._last = (folder, layer, self._hides_below(folder, layer))
        return self._last[2]

    def _hides_below(self, folder: str, layer: int) -> bool:
        while True:
            number = self.number(folder)
            if self._gone.get(number, layer) < layer or self._emptied.get(number, layer) < layer:
                return True
            if not folder:
                return False
            folder = folder.rpartition("/")[0]

    def add(self, name: str, kind: Kind, layer: int) -> None:
        """Take in what `layer` has under a name."""
        table = self._replaced if kind is Kind.DIRECTORY else self._gone
        table.setdefault(self.number(name), layer)

    def whiteout(self, folder: str, name: str, layer: int) -> None:
        """Take in a mark that deletes."""
        if name == _OPAQUE:
            self._emptied.setdefault(self.number(folder), layer)
        elif not name.startswith(_TOOLS):
            gone = name.removeprefix(_WHITEOUT)
            self._gone.setdefault(self.number(f"{folder}/{gone}" if folder else gone), layer)


def visible(layers: Sequence[Callable[[], Iterator[Entry]]], key: bytes) -> Iterator[Entry]:
    """The entries that are there in the end.

    Args:
        layers: the lowest first.
    """
    above = Above(key)
    for layer, entries in enumerate(reversed(layers)):
        last = layer == len(layers) - 1
        yield from _visible(entries(), above, layer, record=not last)


def _visible(entries: Iterator[Entry], above: Above, layer: int, *, record: bool) -> Iterator[Entry]:
    hidden = set[int]()
    for entry in entries:
        name = normal(entry.name)
        folder, _, last = name.rpartition("/")
        if last.startswith(_WHITEOUT):
            above.whiteout(folder, last, layer)
            continue
        if above.hides(name, layer):
            if entry.kind is Kind.FILE and upto(entry.body, 4) == b"\x7fELF":
                hidden.add(above.number(name))
        elif entry.kind is Kind.LINK and above.number(normal(entry.target)) in hidden:
            yield Entry(entry.name, Kind.FILE, None, NOTHING, unread=_lost(entry.target))
        else:
            yield entry
        if record:
            above.add(name, entry.kind, layer)


def normal(name: str) -> str:
    """A name without the parts that say nothing."""
    return "/".join(part for part in name.split("/") if part not in {"", "."})


def _lost(target: str) -> TrimaranError:
    return fail(
        "TRM0226",
        f"a program whose bytes stand under another name ({printable(target)}), which a later layer removes",
        "inspect the image unpacked",
    )
