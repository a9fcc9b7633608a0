"""Objectives as Prometheus rules: counts recorded once, shares made of them, alerts on the burn rate. Pure.

Only counts are added up over time: a share over three days is all good events of three days over all events
of three days, and never the mean of shares.

Windows and burn rates: Google, The Site Reliability Workbook, chapter 5, "6: Multiwindow, Multi-Burn-Rate
Alerts", https://sre.google/workbook/alerting-on-slos/
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from trimaran.slo.objective import Availability, Latency, Objective
from trimaran.slo.selector import Matcher, Operator, Selector
from trimaran.units import Duration

Rule = dict[str, Any]

BASE = Duration.parse("5m")
"""The time over which events are counted; the shortest window of any alert."""

_FIRST_POWER = 6  # from 1e+06 on, the Go library writes numbers with an exponent


@dataclass(frozen=True, slots=True)
class Pace:
    """An alert's two windows: over both of them the budget has to burn faster than `factor`.

    Args:
        long: how much has burnt. `short`: whether it still does, so that the alert ends soon after the fault.
        factor: how many times faster than allowed.
    """

    severity: str
    long: Duration
    short: Duration
    factor: Fraction


def _pace(severity: str, long: str, short: str, factor: str) -> Pace:
    return Pace(severity, Duration.parse(long), Duration.parse(short), Fraction(factor))


PACES = (
    _pace("page", "1h", "5m", "14.4"),
    _pace("page", "6h", "30m", "6"),
    _pace("ticket", "1d", "2h", "3"),
    _pace("ticket", "3d", "6h", "1"),
)


@dataclass(frozen=True, slots=True)
class Scrape:
    """What the one who scrapes adds to every series of a service.

    Args:
        adds: label → value, by which the service's own series are found.
        renames: labels of the service's own that stand in its way and become `exported_LABEL`.
    """

    adds: Mapping[str, str]
    renames: frozenset[str]


def paces(objective: Objective) -> tuple[Pace, ...]:
    """The alerts that can fire: within the objective's window, at a share of bad events below all of them."""
    return tuple(
        pace for pace in PACES if pace.long <= objective.window and pace.factor * _budget(objective) < 1
    )


def group(objective: Objective, labels: Mapping[str, str], scrape: Scrape) -> Rule:
    """The rule group of one objective.

    Args:
        labels: on everything that is recorded and alerted; they tell this objective from all others.
    """
    named = {**labels, "objective": objective.name}
    return {
        "name": "-".join((*labels.values(), objective.name)),
        "rules": [*_recordings(objective, named, scrape), *_alerts(objective, named)],
    }


def _recordings(objective: Objective, labels: dict[str, str], scrape: Scrape) -> Iterable[Rule]:
    good, total = _counters(objective, scrape)
    # Without good events there is no series of them: that is none, and not unknown.
    yield _record("slo:good_events:rate5m", f"sum(rate({good}[{BASE}])) or vector(0)", labels)
    yield _record("slo:all_events:rate5m", f"sum(rate({total}[{BASE}]))", labels)
    own = ",".join(f'{name}="{value}"' for name, value in labels.items())
    windows = {objective.window, *(each for pace in paces(objective) for each in (pace.long, pace.short))}
    for window in sorted(windows):
        good, total = (_over(f"slo:{kind}_events:rate5m{{{own}}}", window) for kind in ("good", "all"))
        yield _record(f"slo:error_ratio:{window}", f"1 - {good} / {total}", labels)


def _over(series: str, window: Duration) -> str:
    return f"sum({series})" if window == BASE else f"sum(sum_over_time({series}[{window}]))"


def _record(name: str, expression: str, labels: dict[str, str]) -> Rule:
    return {"record": name, "expr": expression, "labels": labels}


def _alerts(objective: Objective, labels: dict[str, str]) -> Iterable[Rule]:
    own = ",".join(f'{name}="{value}"' for name, value in labels.items())
    for severity in dict.fromkeys(pace.severity for pace in paces(objective)):
        burns = []
        for pace in paces(objective):
            if pace.severity == severity:
                most = _decimal(pace.factor * _budget(objective))
                sides = (f"slo:error_ratio:{each}{{{own}}} > {most}" for each in (pace.long, pace.short))
                burns.append(f"({' and '.join(sides)})")
        text = f"{labels['service']}: {objective.name} ({objective.target} over {objective.window})"
        yield {
            "alert": "ErrorBudgetBurn",
            "expr": " or ".join(burns),
            "labels": {**labels, "severity": severity},
            "annotations": {
                "summary": f"{text} loses its error budget too fast",
                "description": "{{ $value | humanizePercentage }} of the events are bad.",
            },
        }


def _budget(objective: Objective) -> Fraction:
    return 1 - objective.target.value


def _decimal(value: Fraction) -> str:
    return f"{float(value):.12g}"


def _counters(objective: Objective, scrape: Scrape) -> tuple[str, str]:
    """Selectors of the good and of all events, as Prometheus has them after the scrape."""
    match objective:
        case Availability():
            return str(_scraped(objective.good, scrape)), str(_scraped(objective.total, scrape))
        case Latency():
            own = objective.histogram
            buckets = Selector(f"{own.name}_bucket", own.matchers)
            bounds = _bounds(objective.bound)
            good = Matcher("le", Operator.EQUAL, bounds[0])
            if len(bounds) > 1:
                good = Matcher("le", Operator.FITS, "|".join(map(re.escape, bounds)))
            every = Matcher("le", Operator.EQUAL, "+Inf")
            return str(_scraped(buckets, scrape, good)), str(_scraped(buckets, scrape, every))


def _bounds(bound: float) -> list[str]:
    """The forms in which libraries write the bound of a bucket: 1 or 1.0, 1000000 or 1e+06."""
    found = [repr(bound).removesuffix(".0"), repr(bound)]
    _, digits, exponent = Decimal(repr(bound)).normalize().as_tuple()
    power = len(digits) - 1 + int(exponent)
    if power >= _FIRST_POWER:
        first, rest = str(digits[0]), "".join(map(str, digits[1:]))
        found.append(f"{first}{'.' if rest else ''}{rest}e+{power:02d}")
    return list(dict.fromkeys(found))


def _scraped(selector: Selector, scrape: Scrape, *more: Matcher) -> Selector:
    own = (
        Matcher(f"exported_{each.label}", each.operator, each.value) if each.label in scrape.renames else each
        for each in selector.matchers
    )
    added = (Matcher(label, Operator.EQUAL, value) for label, value in scrape.adds.items())
    return Selector(selector.name, (*added, *own, *more))
