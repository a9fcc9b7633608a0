"""The gate for YAML: text in, plain values with their places out, or every problem at once.

PyYAML's loaders build nodes by recursion, and the C one ends the process on 100,000 nested brackets; both
take the last of two equal keys in silence. So only its event stream is used, which is flat, and the
values are composed here: bounded in size, depth and expansion, with the place of each key and value.

Scalars follow the core schema of YAML 1.2: `off`, `no` and `yes` are text, `010` is ten, and a number keeps
the text it was written as, so that a version `1.20` is not read as 1.2. Pure.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from trimaran.errors import Problem, TrimaranError, Where

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_NODES = 50_000

Path = tuple[str | int, ...]
_SHOWN = 80  # characters of one key; a hostile one may have a million
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_STR_TAG = "tag:yaml.org,2002:str"


class WrittenInt(int):
    """A whole number that remembers how it was written."""

    text: str


class WrittenFloat(float):
    """A number with a fraction or exponent that remembers how it was written."""

    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """One composed document.

    Args:
        value: None, bool, numbers, str, list or dict with str keys.
        places: for the path of each value, its line and column, counted from 1; a mapping's entry is
            placed at its key.
        problems: what is wrong but did not stop the reading (duplicate keys, for example).
    """

    file: str
    value: Any
    places: dict[Path, tuple[int, int]]
    problems: tuple[Problem, ...] = ()

    def where(self, path: Path) -> Where:
        """The place of `path`, or of the nearest enclosing value that has one."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                line, column = self.places[path[:length]]
                return Where(self.file, line, column, dotted(path))
        return Where(self.file, path=dotted(path))


def dotted(path: Path) -> str:
    """A path as users write it: `spec.targets.east`, `spec.command.args[0]`."""
    text = ""
    for part in path:
        if isinstance(part, str) and len(part) > _SHOWN:
            part = part[: _SHOWN - 1] + "…"  # noqa: PLW2901 - shown short, whatever it stands for
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def parse(raw: bytes, file: str) -> Document:
    """The single document in `raw`.

    Raises TrimaranError with the first problem that stops reading: too large, not UTF-8, not YAML, nested
    too deep, exploding or cyclic aliases, empty, or more than one document.
    """
    return _Composer(file).document(_events(_decoded(raw, file), file))


def _decoded(raw: bytes, file: str) -> str:
    if len(raw) > MAX_BYTES:
        what = f"the file has {len(raw):,} bytes, more than {MAX_BYTES:,}"
        raise _stop("TRM0102", what, "a declaration is a few kilobytes; is this the right file?", Where(file))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = f"byte {error.start} (0x{raw[error.start]:02x}) is not UTF-8"
        raise _stop("TRM0103", what, "save the file as UTF-8", Where(file, line)) from None
    bad = re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        column = bad.start() - text.rfind("\n", 0, bad.start())
        what = f"control character 0x{ord(bad[0]):02x}"
        raise _stop("TRM0103", what, "remove it; this may be a binary file", Where(file, line, column))
    return text


def _events(text: str, file: str) -> Iterator[Any]:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Where(file, mark.line + 1, mark.column + 1) if mark else Where(file)
        what = "not YAML: " + " ".join(part for part in (error.context, error.problem) if part)
        raise _stop("TRM0104", what, "check the indentation, quotes and brackets there", where) from None
    except yaml.YAMLError as error:
        what = "not YAML: " + str(error).splitlines()[0]
        raise _stop("TRM0104", what, "is this a YAML file?", Where(file)) from None


def _stop(code: str, what: str, fix: str, where: Where) -> TrimaranError:
    return TrimaranError(Problem(code, what, fix, where))


def scalar(text: str, *, plain: bool) -> Any:
    """The value of a scalar under the core schema; quoted ones are text."""
    if not plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    number: WrittenInt | WrittenFloat
    if len(text) <= 40:
        if _INT.fullmatch(text) or _HEX.fullmatch(text):
            number = WrittenInt(int(text, 0) if _HEX.fullmatch(text) else int(text))
            number.text = text
            return number
        if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
            number = WrittenFloat(text)
            number.text = text
            return number
    return text


@dataclass(slots=True)
class _Frame:
    """A collection that is being filled; `key` is the mapping key that waits for its value."""

    value: dict[str, Any] | list[Any]
    path: Path
    anchor: str | None
    nodes_before: int
    key: str | None = None


@dataclass(slots=True)
class _Composer:
    file: str
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    frames: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)  # value and its expanded node count
    nodes: int = 0
    root: Any = None

    def document(self, events: Iterator[Any]) -> Document:
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    fix = "put each document into a file of its own"
                    raise _stop("TRM0108", "more than one document in the file", fix, self._at(event))
            elif isinstance(event, yaml.NodeEvent):
                self._node(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()
        if documents == 0 or self.root is None:
            fix = "`trimaran init` writes a first service.yaml"
            raise _stop("TRM0108", "the file is empty", fix, Where(self.file))
        return Document(self.file, self.root, self.places, tuple(self.problems))

    def _at(self, event: Any) -> Where:
        return Where(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _node(self, event: Any) -> None:
        self._count(1, event)
        if isinstance(event, yaml.AliasEvent):
            self._alias(event)
            return
        self._check_tag(event)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
            return
        if len(self.frames) >= MAX_DEPTH:
            what = f"nested deeper than {MAX_DEPTH} levels"
            raise _stop("TRM0105", what, "a declaration needs about ten", self._at(event))
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        path = self._place(value, event)
        self.frames.append(_Frame(value, path, event.anchor, self.nodes))

    def _scalar(self, event: Any) -> None:
        frame = self.frames[-1] if self.frames else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            self._key(frame, event)
            return
        value = scalar(event.value, plain=event.implicit[0])
        self._place(value, event)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)

    def _key(self, frame: _Frame, event: Any) -> None:
        key = event.value
        if key in frame.value:
            path = (*frame.path, key)
            first = self.places[path][0]
            where = Where(self.file, event.start_mark.line + 1, event.start_mark.column + 1, dotted(path))
            what = f"the key {key[:_SHOWN]!r} stands twice, before this in line {first}"
            self.problems.append(Problem("TRM0107", what, "keep one of the two", where))
        self.places[(*frame.path, key)] = (event.start_mark.line + 1, event.start_mark.column + 1)
        frame.key = key
        if event.anchor:
            self.anchors[event.anchor] = (key, 1)

    def _place(self, value: Any, event: Any) -> Path:
        """Put `value` where it belongs; returns its path."""
        if not self.frames:
            self.root = value
            self.places.setdefault((), (event.start_mark.line + 1, event.start_mark.column + 1))
            return ()
        frame = self.frames[-1]
        if isinstance(frame.value, list):
            path: Path = (*frame.path, len(frame.value))
            frame.value.append(value)
            self.places[path] = (event.start_mark.line + 1, event.start_mark.column + 1)
            return path
        if frame.key is None:
            fix = "a key is a word; quote it if it must hold brackets"
            raise _stop("TRM0104", "a list or mapping stands where a key belongs", fix, self._at(event))
        path = (*frame.path, frame.key)
        frame.value[frame.key] = value
        frame.key = None
        return path

    def _alias(self, event: Any) -> None:
        if any(frame.anchor == event.anchor for frame in self.frames):
            what = "an alias stands inside what it names"
            raise _stop("TRM0106", what, "a declaration cannot contain itself", self._at(event))
        if event.anchor not in self.anchors:
            # Its name is not repeated: it may be a password that begins with an asterisk.
            fix = "write & and its name at the value that is meant; quote text that begins with *"
            raise _stop("TRM0106", "an alias has no anchor before it", fix, self._at(event))
        value, size = self.anchors[event.anchor]
        self._count(size, event)
        self._place(value, event)

    def _count(self, nodes: int, event: Any) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            what = f"aliases make it more than {MAX_NODES:,} values" if self.anchors else "too many values"
            raise _stop("TRM0106", what, "write the values out, or fewer of them", self._at(event))

    def _check_tag(self, event: Any) -> None:
        if event.tag not in (None, "!", _STR_TAG):
            # Not repeated either: `!…` may be a password.
            fix = "remove it; quote text that begins with !"
            self.problems.append(Problem("TRM0109", "tags are not understood", fix, self._at(event)))

    def _close(self) -> None:
        frame = self.frames.pop()
        if frame.anchor:
            self.anchors[frame.anchor] = (frame.value, self.nodes - frame.nodes_before + 1)
