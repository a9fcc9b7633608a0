"""What a service promises, and the counts that say whether it holds. Pure.

An objective is a share of good events among all events. Only counts are added up, never shares or
percentiles: the mean of three p99 values is not the p99 of the three together.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from trimaran.errors import printable
from trimaran.slo.sample import BOUND, Sample
from trimaran.slo.selector import Selector
from trimaran.units import Duration, Ratio

# Prometheus asks for seconds; a histogram that counts otherwise says so at the end of its name.
_PER_SECOND = {"_milliseconds": 10**3, "_ms": 10**3, "_microseconds": 10**6, "_nanoseconds": 10**9}


@dataclass(frozen=True, slots=True)
class Availability:
    """A share of good answers.

    Args:
        good: counters of the events that went well; a part of `total`.
        total: counters of all events.
        target: the wanted share, above 0% and below 100%.
        window: the time over which the share is to hold.
    """

    name: str
    good: Selector
    total: Selector
    target: Ratio
    window: Duration

    def __post_init__(self) -> None:
        _check(self.target, self.window)


@dataclass(frozen=True, slots=True)
class Latency:
    """A share of events that took at most `under`; "p99 is at most 800 ms" is 99% under 800 ms.

    Args:
        histogram: the histogram's own name, without `_bucket`.
        under: the threshold; the histogram needs a bucket exactly there.
    """

    name: str
    histogram: Selector
    under: Duration
    target: Ratio
    window: Duration

    def __post_init__(self) -> None:
        _check(self.target, self.window)
        if self.histogram.name.endswith("_bucket"):
            raise ValueError(f"name the histogram itself: {self.histogram.name.removesuffix('_bucket')}")
        if any(matcher.label == BOUND for matcher in self.histogram.matchers):
            raise ValueError("leave out the label le: the bucket is chosen by `under`")

    @property
    def bound(self) -> float:
        """The upper bound of the bucket that counts the good events, in the histogram's own unit."""
        for ending, per_second in _PER_SECOND.items():
            if self.histogram.name.endswith(ending):
                return self.under.ms * per_second / 1000
        return self.under.seconds


Objective = Availability | Latency


def _check(target: Ratio, window: Duration) -> None:
    if not 0 < target.value < 1:
        raise ValueError(f"a target of {target} leaves nothing to judge; use one between 0% and 100%")
    if not window.ms:
        raise ValueError("a window of 0 holds no events")


@dataclass(frozen=True, slots=True)
class Tally:
    """Counted events; 0 ≤ good ≤ total."""

    good: float
    total: float

    @property
    def share(self) -> float | None:
        """The share of good events from 0 to 1; None without events, because silence is not success."""
        return self.good / self.total if self.total else None

    def meets(self, target: Ratio) -> bool | None:
        """Whether the share is at least `target`, without rounding; None without events."""
        if not self.total:
            return None
        return Fraction(self.good) >= target.value * Fraction(self.total)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.good + other.good, self.total + other.total)


@dataclass(frozen=True, slots=True)
class Unmeasurable:
    """Nothing can be said, which is neither success nor failure.

    Args:
        reason: one line that names the series and, where there is one, the way out.
    """

    reason: str


def tally(samples: Iterable[Sample], objective: Objective) -> Tally | Unmeasurable:
    """Count good and total events in the counters and buckets of `samples`.

    Args:
        samples: counts since the start of the service, or what `difference` made of two such scrapes.
    """
    if isinstance(objective, Availability):
        return _tally_counters(tuple(samples), objective)
    return _tally_buckets(tuple(samples), objective)


def _tally_counters(samples: tuple[Sample, ...], objective: Availability) -> Tally | Unmeasurable:
    sums = []
    for selector in (objective.good, objective.total):
        if not any(sample.name == selector.name for sample in samples):
            return Unmeasurable(_absent(selector.name, samples))
        matched = [sample for sample in samples if selector.matches(sample)]
        wrong = next((sample for sample in matched if not _counts(sample.value)), None)
        if wrong is not None:
            return Unmeasurable(f"{printable(str(wrong))} is {wrong.value}, which is not a count")
        sums.append(math.fsum(sample.value for sample in matched))
    good, total = sums
    if good > total:
        return Unmeasurable(
            f"{objective.good} counts {good:g} events, more than {objective.total} ({total:g})"
        )
    return Tally(good, total)


def _tally_buckets(samples: tuple[Sample, ...], objective: Latency) -> Tally | Unmeasurable:
    name, good, total = f"{objective.histogram.name}_bucket", [], []
    histograms: dict[frozenset[tuple[str, str]], dict[float, float]] = {}
    for sample in samples:
        bound = sample.bound
        if sample.name != name or bound is None or not objective.histogram.fits(sample):
            continue
        if not _counts(sample.value):
            return Unmeasurable(f"{printable(str(sample))} is {sample.value}, which is not a count")
        histograms.setdefault(frozenset(sample.without_bound.items()), {})[bound] = sample.value
    if not any(sample.name == name for sample in samples):
        return Unmeasurable(_absent(name, samples))
    for buckets in histograms.values():
        if math.inf not in buckets:
            return Unmeasurable(f'{name} has no bucket le="+Inf", so not all events are counted')
        if objective.bound not in buckets:
            return Unmeasurable(_no_bucket(objective, buckets))
        if buckets[objective.bound] > buckets[math.inf]:
            return Unmeasurable(f"{name} counts more events at {objective.bound:g} than in all")
        good.append(buckets[objective.bound])
        total.append(buckets[math.inf])
    return Tally(math.fsum(good), math.fsum(total))


def _counts(value: float) -> bool:
    return math.isfinite(value) and value >= 0


def _no_bucket(objective: Latency, buckets: Mapping[float, float]) -> str:
    finite = sorted(bound for bound in buckets if math.isfinite(bound))
    below = [bound for bound in finite if bound < objective.bound][-1:]
    above = [bound for bound in finite if bound > objective.bound][:1]
    near = " and ".join(f"{bound:g}" for bound in below + above)
    nearest = f"the nearest are {near}" if len(below + above) > 1 else f"the nearest is {near}"
    return (
        f"{objective.histogram.name} has no bucket at {objective.under} (le={objective.bound:g})"
        + (f"; {nearest}" if near else "; it has no finite bucket at all")
        + ": state the objective at a bucket, or add one to the service"
    )


def _absent(name: str, samples: Iterable[Sample]) -> str:
    import difflib

    names = sorted({sample.name for sample in samples})
    near = difflib.get_close_matches(name, names, n=1)
    base = name.removesuffix("_bucket")
    if base in names and name != base:
        return f"{base} is no histogram: it has no buckets"
    hint = f"; did you mean {printable(near[0])}?" if near else ""
    return f"there is no series of {name}{hint}"


def difference(before: Iterable[Sample], after: Iterable[Sample]) -> tuple[Sample, ...]:
    """What was counted between two scrapes of one service, series by series.

    A counter that went down was started again from 0 in between, so all that it shows now is new; the
    buckets of one histogram start again together. A series that is new started from 0. A series that
    has gone tells nothing.
    """
    seen = {sample.series: sample.value for sample in before}
    latest = tuple(after)
    fresh = {_family(s) for s in latest if s.series in seen and s.value < seen[s.series]}
    return tuple(
        Sample(s.name, s.labels, s.value - (0 if _family(s) in fresh else seen.get(s.series, 0)))
        for s in latest
    )


def _family(sample: Sample) -> tuple[str, frozenset[tuple[str, str]]]:
    return sample.name, sample.series[1]
