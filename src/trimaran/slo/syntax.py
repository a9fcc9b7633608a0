"""The syntax of patterns: text in, a tree of what may follow what out. Pure.

Source: https://github.com/google/re2/wiki/Syntax
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from trimaran.errors import printable

_DEPTH = 32
_REPEATS = 1000  # RE2's own limit for {n,m}
_LAST = 0x10FFFF

Ranges = tuple[tuple[int, int], ...]

_DIGIT: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = ((9, 10), (12, 13), (32, 32))
_ANY: Ranges = ((0, _LAST),)
_POSIX: dict[str, Ranges] = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "digit": _DIGIT,
    "lower": ((97, 122),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)),
    "upper": ((65, 90),),
    "word": _WORD,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
_CONTROL = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_COUNTS = re.compile(r"\{([0-9]{1,9})(,([0-9]{0,9}))?\}")
_HEX = re.compile(r"([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\}")


def _complement(ranges: Iterable[tuple[int, int]]) -> Ranges:
    gaps, start = [], 0
    for low, high in sorted(ranges):
        if low > start:
            gaps.append((start, low - 1))
        start = max(start, high + 1)
    return (*gaps, (start, _LAST)) if start <= _LAST else tuple(gaps)


def _folded(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """`ranges` in both cases: whole ranges for ASCII, single characters for all of Unicode."""
    more = list(ranges)
    for low, high in tuple(more):
        if low == high:
            forms = (chr(low).lower(), chr(low).upper())
            more += [(ord(form), ord(form)) for form in forms if len(form) == 1]
        for first, shift in ((65, 32), (97, -32)):
            start, end = max(low, first), min(high, first + 25)
            if start <= end:
                more.append((start + shift, end + shift))
    return tuple(more)


_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CLASSES |= {letter.upper(): _complement(ranges) for letter, ranges in _CLASSES.items()}


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of these ranges of code points."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Edge:
    """`^` or `$`: fits only at the start or the end of the value."""

    start: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One part after the other; nothing when there are none."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Choice:
    """Any one of the options."""

    options: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Repeat:
    """The node from `low` to `high` times; without an end when `high` is None."""

    node: "Node"
    low: int
    high: int | None


Node = Chars | Edge | Row | Choice | Repeat


class Reader:
    """A recursive-descent reader of one pattern; raises ValueError at what it does not know."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth, self.fold = text, 0, 0, False

    def whole(self) -> Node:
        self.fold = self.take("(?i)")
        node = self.choice()
        if self.at < len(self.text):
            raise self.refuse("has a ) that nothing opens")
        return node

    def refuse(self, why: str) -> ValueError:
        return ValueError(f"the pattern {printable(self.text)!r} {printable(why)}")

    def take(self, token: str) -> bool:
        found = self.text.startswith(token, self.at)
        self.at += len(token) * found
        return found

    def next(self) -> str:
        if self.at >= len(self.text):
            raise self.refuse("ends too early")
        self.at += 1
        return self.text[self.at - 1]

    def choice(self) -> Node:
        options = [self.row()]
        while self.take("|"):
            options.append(self.row())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def row(self) -> Node:
        parts = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self.repeated())
        return Row(tuple(parts))

    def repeated(self) -> Node:
        node = self.atom()
        counts = self.counts()
        if counts is None:
            return node
        self.take("?")  # the reluctant form fits the same values
        if self.counts() is not None:
            raise self.refuse("repeats a repetition; put the inner one in brackets (?:…)")
        return Repeat(node, *counts)

    def counts(self) -> tuple[int, int | None] | None:
        for token, counts in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.take(token):
                return counts
        match = _COUNTS.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        low = int(match[1])
        high = low if match[2] is None else int(match[3]) if match[3] else None
        if low > _REPEATS or (high is not None and not low <= high <= _REPEATS):
            raise self.refuse(f"has the repetition {match[0]}; counts rise and are at most {_REPEATS}")
        return low, high

    def atom(self) -> Node:
        start, counts = self.at, self.counts()
        if counts is not None:
            raise self.refuse(f"has nothing before {self.text[start : self.at]} that could be repeated")
        char = self.next()
        if char == "(":
            return self.group()
        if char in "^$":
            return Edge(char == "^")
        if char == "\\" and self.text[self.at : self.at + 1] in {"A", "z"}:
            return Edge(self.next() == "A")
        return Chars(self.ranges(char))

    def ranges(self, char: str) -> Ranges:
        """What the character just read stands for outside of a [], when it stands for characters."""
        match char:
            case "[":
                return self.bracket()
            case ".":
                return _ANY
            case "\\":
                return _folded(self.escape()) if self.fold else self.escape()
        return self.single(char)

    def single(self, char: str) -> Ranges:
        code = ord(char)
        return _folded(((code, code),)) if self.fold else ((code, code),)

    def group(self) -> Node:
        if not self.take("?:") and self.take("?"):
            raise self.refuse("has a (?…) group; only (?:…), and (?i) at its start, are known")
        self.depth += 1
        if self.depth > _DEPTH:
            raise self.refuse(f"nests brackets more than {_DEPTH} deep")
        node = self.choice()
        if not self.take(")"):
            raise self.refuse("lacks a closing )")
        self.depth -= 1
        return node

    def escape(self) -> Ranges:
        char = self.next()
        if char in _CLASSES:
            return _CLASSES[char]
        if char in _CONTROL:
            return ((_CONTROL[char], _CONTROL[char]),)
        if char == "x":
            match = _HEX.match(self.text, self.at)
            code = int(match[1] or match[2], 16) if match else _LAST + 1
            if match is None or code > _LAST:
                raise self.refuse(r"has \x without two hexadecimal digits or {…}")
            self.at = match.end()
            return ((code, code),)
        if char.isascii() and char.isalnum():
            raise self.refuse(f"has \\{char}, which is not supported")
        return ((ord(char), ord(char)),)

    def bracket(self) -> Ranges:
        negated, ranges, first = self.take("^"), list[tuple[int, int]](), True
        while first or not self.take("]"):
            first = False
            if self.take("[:"):
                ranges += self.posix()
                continue
            item = self.member()
            if len(item) == 1 and item[0][0] == item[0][1] and self.spans():
                self.at += 1
                item = self.span(item[0][0], self.member())
            ranges += item
        if self.fold:
            ranges = list(_folded(ranges))
        return _complement(ranges) if negated else tuple(ranges)

    def posix(self) -> Ranges:
        for name, ranges in _POSIX.items():
            if self.take(f"{name}:]"):
                return ranges
            if self.take(f"^{name}:]"):
                return _complement(ranges)
        raise self.refuse("has a [:class:] that is not known")

    def spans(self) -> bool:
        return self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at)

    def span(self, low: int, end: Ranges) -> Ranges:
        if len(end) != 1 or end[0][0] != end[0][1] or end[0][0] < low:
            raise self.refuse("has a range in [] that does not rise")
        return ((low, end[0][0]),)

    def member(self) -> Ranges:
        char = self.next()
        return self.escape() if char == "\\" else ((ord(char), ord(char)),)
