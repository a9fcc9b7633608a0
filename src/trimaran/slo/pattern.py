"""The patterns of `=~` and `!~`, in RE2's syntax and always compared with the whole value. Pure.

Prometheus compares with RE2, which takes time in proportion to the value and knows neither look-around
nor references. Python's `re` can take exponential time on the same text and reads some of it
differently, so a pattern is turned into a small non-deterministic automaton here. Captures and
greediness have no meaning when only "does the whole value fit" is asked, which keeps it small.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from trimaran.slo.syntax import Chars, Choice, Edge, Node, Ranges, Reader, Repeat, Row

LONGEST = 512
_STEPS = 2000


@dataclass(frozen=True, slots=True)
class _Step:
    """One state: consumes a character of `ranges`, or (None) goes on without one."""

    nexts: tuple[int, ...]
    ranges: Ranges | None = None
    edge: Edge | None = None


class _Program:
    def __init__(self, node: Node) -> None:
        self.calls = 0
        self.steps = [_Step(())]  # step 0: the value fits
        self.entry = self.emit(node, 0)

    def add(self, step: _Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1

    def emit(self, node: Node, after: int) -> int:
        """Add the steps of `node`, which go on at `after`; returns the step to enter at."""
        self.calls += 1
        if self.calls > _STEPS:
            raise ValueError("the pattern repeats too much; use * or smaller counts")
        match node:
            case Chars(ranges):
                return self.add(_Step((after,), ranges))
            case Edge():
                return self.add(_Step((after,), None, node))
            case Row(parts):
                for part in reversed(parts):
                    after = self.emit(part, after)
                return after
            case Choice(options):
                return self.add(_Step(tuple(self.emit(option, after) for option in options)))
            case Repeat():
                return self.repeat(node, after)

    def repeat(self, node: Repeat, after: int) -> int:
        if node.high is None:
            loop = self.add(_Step(()))
            self.steps[loop] = _Step((self.emit(node.node, loop), after))
            after = loop
        else:
            end = after
            for _ in range(node.high - node.low):
                after = self.add(_Step((self.emit(node.node, after), end)))
        for _ in range(node.low):
            after = self.emit(node.node, after)
        return after


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that was read; build it with `parse`."""

    text: str
    entry: int = field(compare=False, repr=False)
    steps: tuple[_Step, ...] = field(compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Raises ValueError for what RE2 does not know, for look-around, and for oversized patterns."""
        if len(text) > LONGEST:
            raise ValueError(f"a pattern has {len(text)} characters; at most {LONGEST} are allowed")
        reader = Reader(text)
        program = _Program(reader.whole())
        return cls(text, program.entry, tuple(program.steps))

    def fits(self, value: str) -> bool:
        """Whether the whole of `value` fits."""
        return _fits(self, value)

    def reach(self, steps: Iterable[int], at_start: bool, at_end: bool) -> set[int]:
        """`steps` and all that can be reached from them without a character."""
        seen: set[int] = set()
        waiting = list(steps)
        while waiting:
            number = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            step = self.steps[number]
            if step.ranges is None and (step.edge is None or (at_start if step.edge.start else at_end)):
                waiting += step.nexts
        return seen


@lru_cache(maxsize=4096)  # label values repeat: a thousand series have a handful of status codes
def _fits(pattern: Pattern, value: str) -> bool:
    reached = pattern.reach((pattern.entry,), at_start=True, at_end=not value)
    for position, char in enumerate(value, 1):
        steps = (pattern.steps[number] for number in reached)
        nexts = [step.nexts[0] for step in steps if step.ranges and _among(ord(char), step.ranges)]
        if not nexts:
            return False
        reached = pattern.reach(nexts, at_start=False, at_end=position == len(value))
    return 0 in reached


def _among(code: int, ranges: Ranges) -> bool:
    return any(low <= code <= high for low, high in ranges)
