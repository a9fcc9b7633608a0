"""Instant vector selectors of PromQL: a metric's name and label matchers, and nothing else of it. Pure.

Objectives are stated over counts. Trimaran sums the counts and divides once, itself, so that the same
declaration can be judged from one scrape, from a Prometheus server and over several platforms.

Source: https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from trimaran.errors import printable
from trimaran.slo.pattern import Pattern
from trimaran.slo.sample import Sample

LONGEST = 2048
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OPERATOR = re.compile(r"=~|!~|!=|=")
_CALL = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\s*(?:(?:by|without)\s*\([^)]*\)\s*)?\(")
_ESCAPE = re.compile(r"\\(?:x([0-7][0-9a-fA-F])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_ONLY = 'an objective takes only a selector such as http_requests_total{status!~"5.."}'


class Operator(StrEnum):
    """How a label is compared. A label that a series does not have counts as empty."""

    EQUAL = "="
    NOT_EQUAL = "!="
    FITS = "=~"
    FITS_NOT = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label.

    Args:
        pattern: the value as a pattern, for `=~` and `!~` only.
    """

    label: str
    operator: Operator
    value: str
    pattern: Pattern | None = field(default=None, compare=False, repr=False)

    def holds(self, value: str) -> bool:
        match self.operator:
            case Operator.EQUAL:
                return value == self.value
            case Operator.NOT_EQUAL:
                return value != self.value
            case Operator.FITS:
                return self.pattern is not None and self.pattern.fits(value)
            case Operator.FITS_NOT:
                return self.pattern is not None and not self.pattern.fits(value)
        assert_never(self.operator)

    def __str__(self) -> str:
        value = self.value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        return f'{self.label}{self.operator}"{value}"'


@dataclass(frozen=True, slots=True)
class Selector:
    """All series of one metric whose labels fit every matcher."""

    name: str
    matchers: tuple[Matcher, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Selector":
        """Raises ValueError, with the place or the reason, when `text` is anything but a selector."""
        if len(text) > LONGEST:
            raise ValueError(f"a selector has {len(text)} characters; at most {LONGEST} are allowed")
        return _Reader(text).selector()

    def matches(self, sample: Sample) -> bool:
        return sample.name == self.name and self.fits(sample)

    def fits(self, sample: Sample) -> bool:
        """Whether the labels fit, whatever the metric's name is."""
        return all(matcher.holds(sample.labels.get(matcher.label, "")) for matcher in self.matchers)

    def __str__(self) -> str:
        return f"{self.name}{{{','.join(map(str, self.matchers))}}}" if self.matchers else self.name


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def refuse(self, why: str) -> ValueError:
        return ValueError(f"{printable(why)} at character {self.at + 1} of {printable(self.text)!r}")

    def skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
            self.at += 1

    def take(self, what: re.Pattern[str]) -> str | None:
        self.skip()
        match = what.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match[0]

    def sees(self, char: str) -> bool:
        self.skip()
        return self.text.startswith(char, self.at)

    def selector(self) -> Selector:
        self.skip()
        if _CALL.match(self.text, self.at) or self.sees("("):
            raise ValueError(f"{printable(self.text)!r} calls a function; {_ONLY}: counts are summed for you")
        name = self.take(_NAME)
        if name is None:
            raise self.refuse("a selector starts with the name of a metric; something else stands")
        matchers = self.matchers() if self.sees("{") else ()
        self.skip()
        if self.at < len(self.text):
            raise self.rest()
        return Selector(name, matchers)

    def rest(self) -> ValueError:
        if self.sees("["):
            return ValueError(
                f"{printable(self.text)!r} selects a range; {_ONLY}: the time is the objective's window"
            )
        return self.refuse(f"{_ONLY}; something else follows")

    def matchers(self) -> tuple[Matcher, ...]:
        self.at += 1
        found: list[Matcher] = []
        while not self.sees("}"):
            if found:
                self.comma()
                if self.sees("}"):  # PromQL allows a comma after the last matcher
                    break
            found.append(self.matcher())
        self.at += 1
        return tuple(found)

    def comma(self) -> None:
        if not self.sees(","):
            raise self.refuse("a comma or } is missing")
        self.at += 1

    def matcher(self) -> Matcher:
        label = self.take(_LABEL)
        if label is None:
            raise self.refuse("the name of a label is missing")
        if label == "__name__":
            raise self.refuse("the metric's name stands before the {; __name__ is not allowed")
        operator = self.take(_OPERATOR)
        if operator is None:
            raise self.refuse(f"one of = != =~ !~ is missing after {label}")
        value = self.string()
        how = Operator(operator)
        fits = how in {Operator.FITS, Operator.FITS_NOT}
        return Matcher(label, how, value, Pattern.parse(value) if fits else None)

    def string(self) -> str:
        self.skip()
        quote = self.text[self.at : self.at + 1]
        if quote not in {'"', "'", "`"}:
            raise self.refuse("a quoted text is missing")
        self.at += 1
        value = []
        while not self.text.startswith(quote, self.at):
            value.append(self.character(raw=quote == "`"))
        self.at += 1
        return "".join(value)

    def character(self, raw: bool) -> str:
        char = self.text[self.at : self.at + 1]
        if not char or (char == "\n" and not raw):
            raise self.refuse("a quoted text does not end")
        if char != "\\" or raw:
            self.at += 1
            return char
        match = _ESCAPE.match(self.text, self.at)
        plain = {**_PLAIN, '"': '"', "'": "'"}
        code = int(match[1] or match[2] or match[3] or "0", 16) if match else 0
        if (
            match is None
            or (match[4] and match[4] not in plain)
            or code > 0x10FFFF
            or 0xD800 <= code < 0xE000
        ):
            raise self.refuse("an escape is not known")
        self.at = match.end()
        return plain[match[4]] if match[4] else chr(code)
