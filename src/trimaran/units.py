"""Quantities with their units: durations, bytes, processor shares and ratios.

Each is a frozen value that parses the text a user writes and prints the shortest text that means the
same. Parsing refuses what is ambiguous (`5`, `1 day`, `10MB per s`) instead of guessing a unit.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

_NUMBER = r"([0-9]{1,18}(?:\.[0-9]{1,9})?)"
_DURATION_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_BYTES = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_DURATION_PART = re.compile(_NUMBER + r"(ms|s|m|h|d|w)")
_BYTES_TEXT = re.compile(_NUMBER + r"(Ki|Mi|Gi|Ti|k|M|G|T)?")
_CPU_TEXT = re.compile(_NUMBER + r"(m)?")
_RATIO_TEXT = re.compile(_NUMBER + r"%")


def _whole(value: Fraction, text: str, unit: str) -> int:
    if value.denominator != 1:
        raise ValueError(f"{text!r} is not a whole number of {unit}")
    return int(value)


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time in whole milliseconds, 0 or more. Written `500ms`, `30s`, `1h30m`, `30d`."""

    ms: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError when `text` is not numbers that each carry a unit (ms, s, m, h, d, w)."""
        parts = list(_DURATION_PART.finditer(text))
        if not parts or "".join(part.group() for part in parts) != text:
            raise ValueError(f"{text!r} is not a duration such as 500ms, 30s, 5m, 1h30m or 30d")
        total = sum(Fraction(part[1]) * _DURATION_MS[part[2]] for part in parts)
        return cls(_whole(Fraction(total), text, "milliseconds"))

    @property
    def seconds(self) -> float:
        return self.ms / 1000

    def __str__(self) -> str:
        for unit in ("w", "d", "h", "m", "s"):
            if self.ms and self.ms % _DURATION_MS[unit] == 0:
                return f"{self.ms // _DURATION_MS[unit]}{unit}"
        return f"{self.ms}ms"


@dataclass(frozen=True, slots=True, order=True)
class Bytes:
    """An amount of memory or storage in bytes, 0 or more. Written `64Mi`, `1Gi`, `500M`, `4096`."""

    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError when `text` is not a number with Ki, Mi, Gi, Ti, k, M, G, T or nothing."""
        match = _BYTES_TEXT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not an amount such as 64Mi, 1Gi or 500M")
        return cls(_whole(Fraction(match[1]) * _BYTES[match[2] or ""], text, "bytes"))

    def __str__(self) -> str:
        for unit in ("Ti", "T", "Gi", "G", "Mi", "M", "Ki", "k"):
            if self.count and self.count % _BYTES[unit] == 0:
                return f"{self.count // _BYTES[unit]}{unit}"
        return str(self.count)


@dataclass(frozen=True, slots=True, order=True)
class Cpu:
    """A share of processors in thousandths of one, 0 or more. Written `100m`, `2`, `0.5`."""

    milli: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError when `text` is not a number of processors or, with `m`, of thousandths."""
        match = _CPU_TEXT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a processor share such as 100m, 0.5 or 2")
        return cls(_whole(Fraction(match[1]) * (1 if match[2] else 1000), text, "thousandths of a processor"))

    def __str__(self) -> str:
        return str(self.milli // 1000) if self.milli % 1000 == 0 else f"{self.milli}m"


@dataclass(frozen=True, slots=True, order=True)
class Ratio:
    """A share of a whole, exact, from 0 to 1. Written `99.9%`; a bare 99.9 is refused as ambiguous."""

    value: Fraction

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError when `text` is not a percentage from 0% to 100%."""
        match = _RATIO_TEXT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a percentage such as 99.9%")
        value = Fraction(match[1]) / 100
        if value > 1:
            raise ValueError(f"{text!r} is more than 100%")
        return cls(value)

    @property
    def percent(self) -> Fraction:
        return self.value * 100

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        digits = f"{float(self.percent):.9f}".rstrip("0").rstrip(".")
        return f"{digits}%"
