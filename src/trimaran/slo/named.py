"""Names that stand for whole objectives. Pure.

The only one is `service_availability_99th`, which texts about SLOs use for "the p99 of an API's latency
is at most 800 ms". In spite of its name that is a latency objective; availability is another one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from trimaran.slo.objective import Availability, Latency, Objective
from trimaran.slo.selector import Selector
from trimaran.units import Duration, Ratio

T = TypeVar("T")

ARTICLE = "service_availability_99th"


@dataclass(frozen=True, slots=True)
class Expansion:
    """What a name stands for.

    Args:
        declared: the same objectives in the words of a declaration: name, then field and text.
        explanation: for the user, one line.
    """

    declared: Mapping[str, Mapping[str, str]]
    explanation: str


_ARTICLE = Expansion(
    {
        f"{ARTICLE}_answers": {
            "good": 'http_requests_total{status!~"5.."}',
            "total": "http_requests_total",
            "target": "99%",
            "window": "30d",
        },
        f"{ARTICLE}_speed": {
            "histogram": "http_request_duration_seconds",
            "under": "800ms",
            "target": "99%",
            "window": "30d",
        },
    },
    "service_availability_99th means a p99 latency of at most 800 ms, which is a latency objective (99% of"
    " requests under 800 ms); the share of good answers is a second objective, so both are judged",
)


def expand(name: str) -> Expansion | None:
    """What `name` stands for; None when it is no such name."""
    return _ARTICLE if name == ARTICLE else None


def objectives(name: str, fields: Mapping[str, object]) -> tuple[Objective, ...]:
    """What a declaration states under `name`: one objective, or those that the name stands for.

    Args:
        fields: good, total, histogram, under, target, window as text or as values whose `str` is that
            text; None counts as left out. A name that `expand` knows needs none, and takes a window.

    Raises ValueError, with the field's name in front where there is one, for the first thing that is
    missing, not known or cannot be read.
    """
    given = {field: str(value) for field, value in fields.items() if value is not None}
    expansion = expand(name)
    if expansion is not None and given.keys() <= {"window"}:
        return tuple(_objective(part, {**known, **given}) for part, known in expansion.declared.items())
    return (_objective(name, given),)


def _objective(name: str, fields: Mapping[str, str]) -> Objective:
    latency = "histogram" in fields
    wanted = (*(("histogram", "under") if latency else ("good", "total")), "target", "window")
    if set(fields) != set(wanted):
        raise ValueError(f"{name} needs exactly the fields {', '.join(wanted)}")
    target = _read(Ratio.parse, fields, "target")
    window = _read(Duration.parse, fields, "window")
    if latency:
        under = _read(Duration.parse, fields, "under")
        return Latency(name, _read(Selector.parse, fields, "histogram"), under, target, window)
    good, total = (_read(Selector.parse, fields, field) for field in ("good", "total"))
    return Availability(name, good, total, target, window)


def _read(parse: Callable[[str], T], fields: Mapping[str, str], field: str) -> T:
    try:
        return parse(fields[field])
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None
