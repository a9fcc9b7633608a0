"""JSON values as YAML text: one form for each value, quick, and read alike by YAML 1.1 and 1.2. Pure.

PyYAML's emitter writes about 4,000 small documents a second, which a thousand services on four platforms
exceed several times over; this writes only what rendering needs. Hypothesis holds it against PyYAML.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache

from trimaran.action import Json

# Words, paths, options and digests; and amounts such as 64Mi. Nothing here can be read as a number.
_PLAIN = re.compile(
    r"(?:--?)?[A-Za-z/](?:[A-Za-z0-9_./=@-]|:(?=[A-Za-z0-9_./-]))*|[0-9]+(?:m|[KMGT]i|[kMGT])"
)
# YAML 1.1 reads these as truth values or null; `.inf` and `.nan` cannot match the pattern.
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
# What a double-quoted scalar may not hold as it is, beyond what JSON escapes already.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_BLOCK_LINE = re.compile("[\t\x20-\x7e\xa0-\u2027\u2030-\ud7ff\ue000-\ufefe\uff00-\ufffd]*")


def dump(value: Json) -> str:
    """`value` as a YAML document that ends with a line break; mappings keep their order.

    Raises TypeError for what JSON cannot hold.
    """
    lines: list[str] = []
    _block(value, "", lines, "")
    return "\n".join(lines) + "\n"


def _block(value: Json, indent: str, lines: list[str], lead: str) -> None:
    """Append the lines of `value`; `lead` is what already stands at the start of the first."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            _entry(item, indent, lines, f"{lead}{_key(key)}:")
            lead = indent
    elif isinstance(value, list | tuple) and value:
        for item in value:
            if isinstance(item, Mapping | list | tuple) and item:
                _block(item, indent + "  ", lines, f"{lead}- ")
            else:
                lines.append(f"{lead}- {_scalar(item, indent)}")
            lead = indent
    else:
        lines.append(f"{lead}{_scalar(value, indent)}")


def _entry(item: Json, indent: str, lines: list[str], lead: str) -> None:
    if isinstance(item, str):
        # The most frequent kind first: this function is the hot one.
        lines.append(f"{lead} {_text(item, indent)}")
    elif isinstance(item, Mapping) and item:
        lines.append(lead)
        _block(item, indent + "  ", lines, indent + "  ")
    elif isinstance(item, list | tuple) and item:
        lines.append(lead)
        _block(item, indent, lines, indent)
    else:
        lines.append(f"{lead} {_scalar(item, indent)}")


def _scalar(value: Json, indent: str) -> str:
    if isinstance(value, str):
        return _text(value, indent)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, int) and not isinstance(value, bool):
        # A number that remembers how it was written is written as a number.
        return int.__repr__(value)
    # JSON writes null, true, false and an empty list as YAML does.
    text = json.dumps(value, allow_nan=False)
    # YAML 1.1 reads a number with an exponent as text unless it has a point: 1e-05.
    return text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text


def _text(value: str, indent: str) -> str:
    if "\n" not in value or not _fits_a_block(value):
        return _string(value)
    body = value.removesuffix("\n")
    keep = "|" if value.endswith("\n") else "|-"
    inner = indent + "  "
    return keep + "".join(f"\n{inner}{line}" if line else "\n" for line in body.split("\n"))


def _fits_a_block(value: str) -> bool:
    lines = value.removesuffix("\n").split("\n")
    # A first line with a blank, or blank lines at either end, would need an indentation indicator.
    return bool(
        lines[0].strip()
        and lines[-1].strip()
        and lines[0][0] not in " \t"
        and all(map(_BLOCK_LINE.fullmatch, lines))
    )


def _string(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


@lru_cache(maxsize=1024)
def _key(value: str) -> str:
    """As `_string`: the same few hundred keys stand in every document."""
    return _string(value)
