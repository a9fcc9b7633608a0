"""Which different texts are one value to the API server: quantities and durations. Pure."""

import re
from fractions import Fraction
from functools import lru_cache

from trimaran.action import Json

# resource.Quantity of k8s.io/apimachinery: a decimal number and one of these.
_SUFFIXES = {
    "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": Fraction(1),
    "k": Fraction(1000), "M": Fraction(10**6), "G": Fraction(10**9), "T": Fraction(10**12),
    "P": Fraction(10**15), "E": Fraction(10**18),
    "Ki": Fraction(2**10), "Mi": Fraction(2**20), "Gi": Fraction(2**30), "Ti": Fraction(2**40),
    "Pi": Fraction(2**50), "Ei": Fraction(2**60),
}  # fmt: skip
_QUANTITY = re.compile(
    r"([+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30}))(?:[eE]([+-]?[0-9]{1,2})|([A-Za-z]{0,2}))"
)
_DURATION = re.compile(r"(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")

_MAPS = frozenset(["requests", "limits"])
_FIELDS = frozenset(["sizeLimit", "averageValue", "divisor"])
_DURATIONS = frozenset(["refreshInterval"])


@lru_cache(maxsize=4096)
def quantity(text: str) -> Fraction | None:
    """The value of a quantity, rounded up to whole billionths as the server does; None for other text."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    number, exponent, suffix = match.groups()
    scale = Fraction(10) ** int(exponent) if exponent else _SUFFIXES.get(suffix or "")
    if scale is None:
        return None
    value = Fraction(number) * scale * 10**9
    return Fraction(-((-value.numerator) // value.denominator), 10**9)


@lru_cache(maxsize=256)
def duration(text: str) -> int | None:
    """Whole seconds of a duration such as `1h` or `1h0m0s`; None for other text."""
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return None
    hours, minutes, seconds = (int(each or 0) for each in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def same(parent: str, key: str, wanted: Json, seen: Json) -> bool:
    """Whether two unequal values of the field `key` of `parent` mean the same."""
    if parent in _MAPS or key in _FIELDS:
        left = quantity(str(wanted))
        return left is not None and left == quantity(str(seen))
    if key in _DURATIONS and isinstance(wanted, str) and isinstance(seen, str):
        left_s = duration(wanted)
        return left_s is not None and left_s == duration(seen)
    return False


def larger(wanted: Json, seen: Json) -> bool:
    """Whether a quantity is more than another."""
    left, right = quantity(str(wanted)), quantity(str(seen))
    return left is not None and right is not None and left > right
