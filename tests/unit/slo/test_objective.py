"""Good and total events are counted exactly, and what cannot be counted is said instead of guessed."""

import math
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.slo import named
from trimaran.slo.exposition import parse
from trimaran.slo.objective import (
    Availability,
    Latency,
    Tally,
    Unmeasurable,
    difference,
    tally,
)
from trimaran.slo.sample import Sample
from trimaran.slo.selector import Selector
from trimaran.units import Duration, Ratio

PODINFO = parse((Path(__file__).parent / "podinfo.txt").read_text("utf-8"))
MONTH = Duration.parse("30d")


def answers(
    good: str = 'http_requests_total{status!~"5.."}', total: str = "http_requests_total"
) -> Availability:
    return Availability("answers", Selector.parse(good), Selector.parse(total), Ratio.parse("99.9%"), MONTH)


def speed(under: str = "500ms", histogram: str = "http_request_duration_seconds") -> Latency:
    target = Ratio.parse("99%")
    return Latency("speed", Selector.parse(histogram), Duration.parse(under), target, MONTH)


def buckets(name: str = "t_seconds", **counts: float) -> list[Sample]:
    """Buckets of one histogram; `_0_8=5` is 5 events of at most 0.8."""
    bound = {key: key.strip("_").replace("_", ".").replace("inf", "+Inf") for key in counts}
    return [Sample(f"{name}_bucket", {"le": bound[key]}, value) for key, value in counts.items()]


def reason(result: Tally | Unmeasurable) -> str:
    assert isinstance(result, Unmeasurable)
    return result.reason


def test_availability_is_the_sum_of_the_good_counters_over_the_sum_of_all() -> None:
    assert tally(PODINFO, answers()) == Tally(120, 123)


def test_latency_sums_the_bucket_at_the_threshold_over_all_histograms_that_fit() -> None:
    assert tally(PODINFO, speed()) == Tally(95 + 3 + 20, 123)
    assert tally(PODINFO, speed(histogram='http_request_duration_seconds{path="root"}')) == Tally(95, 100)


def test_a_threshold_between_buckets_is_unmeasurable_and_the_nearest_buckets_are_named() -> None:
    said = reason(tally(PODINFO, speed("800ms")))
    assert "no bucket at 800ms (le=0.8)" in said
    assert "the nearest are 0.5 and 1:" in said


def test_a_threshold_beyond_the_last_bucket_names_the_last() -> None:
    assert "the nearest is 10:" in reason(tally(PODINFO, speed("20s")))


@pytest.mark.parametrize("bound", ["1", "1.0", "1e0", "1.000"])
def test_a_bound_is_a_number_however_it_is_written(bound: str) -> None:
    samples = [Sample("t_seconds_bucket", {"le": bound}, 3), Sample("t_seconds_bucket", {"le": "+Inf"}, 4)]
    assert tally(samples, speed("1s", "t_seconds")) == Tally(3, 4)


@pytest.mark.parametrize(
    ("name", "bound"), [("t_seconds", "_0_8"), ("t", "_0_8"), ("t_ms", "_800"), ("t_milliseconds", "_800")]
)
def test_the_threshold_is_compared_in_the_unit_of_the_histogram(name: str, bound: str) -> None:
    samples = buckets(name, **{bound: 5, "inf": 9})
    assert tally(samples, speed("800ms", name)) == Tally(5, 9)


def test_no_events_are_no_share_and_neither_met_nor_missed() -> None:
    silent = tally(buckets(_0_8=0, inf=0), speed("800ms", "t_seconds"))
    assert silent == Tally(0, 0)
    assert isinstance(silent, Tally)
    assert silent.share is None
    assert silent.meets(Ratio.parse("99%")) is None


def test_a_target_is_compared_without_rounding() -> None:
    target = Ratio.parse("99.9%")
    assert Tally(999, 1000).meets(target) is True
    assert Tally(998.9999999999, 1000).meets(target) is False
    assert Tally(999_000_000_000, 1_000_000_000_001).meets(target) is False


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        (
            answers(total="http_request_total"),
            "no series of http_request_total; did you mean http_requests_total?",
        ),
        (answers(good="other_total"), "there is no series of other_total"),
        (answers(good="http_requests_total", total='http_requests_total{status="503"}'), "more than"),
        (speed(histogram="go_gc_duration_seconds"), "go_gc_duration_seconds is no histogram"),
        (speed(histogram="nothing"), "there is no series of nothing_bucket"),
    ],
)
def test_what_is_not_there_or_contradicts_itself_is_unmeasurable(
    objective: Availability | Latency, said: str
) -> None:
    assert said in reason(tally(PODINFO, objective))


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_a_value_that_is_no_count_is_unmeasurable_and_named(value: float) -> None:
    samples = [Sample("http_requests_total", {"status": "200"}, value)]
    assert 'http_requests_total{status="200"} is' in reason(tally(samples, answers()))
    assert "t_seconds_bucket" in reason(tally(buckets(_0_8=value, inf=1), speed("800ms", "t_seconds")))


def test_a_histogram_without_its_last_bucket_is_unmeasurable() -> None:
    assert "+Inf" in reason(tally(buckets(_0_8=1), speed("800ms", "t_seconds")))


def test_a_matcher_that_no_series_fits_counts_nothing() -> None:
    assert tally(PODINFO, answers(good='http_requests_total{status="418"}')) == Tally(0, 123)


@pytest.mark.parametrize("histogram", ["t_seconds_bucket", 't_seconds{le="1"}'])
def test_a_histogram_is_named_without_its_buckets(histogram: str) -> None:
    with pytest.raises(ValueError, match=r"le|itself"):
        speed(histogram=histogram)


@pytest.mark.parametrize("target", ["0%", "100%"])
def test_a_target_that_leaves_no_choice_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="target"):
        named.objectives("x", {"good": "a", "total": "b", "target": target, "window": "1d"})


_COUNT = st.integers(0, 10**9)


@given(st.lists(st.tuples(_COUNT, _COUNT), min_size=1, max_size=5), _COUNT)
def test_more_good_events_never_lower_the_share(pairs: list[tuple[int, int]], more: int) -> None:
    def counted(extra: int) -> Tally:
        samples = [
            Sample(
                "http_requests_total",
                {"status": status, "path": str(index)},
                count + extra * (status == "200"),
            )
            for index, pair in enumerate(pairs)
            for status, count in zip(("200", "500"), pair, strict=True)
        ]
        result = tally(samples, answers())
        assert isinstance(result, Tally)
        return result

    less, greater = counted(0), counted(more)
    assert less.good == sum(good for good, _ in pairs)
    assert greater.good - less.good == more * len(pairs) == greater.total - less.total
    if less.total:
        assert Fraction(greater.good) / Fraction(greater.total) >= Fraction(less.good) / Fraction(less.total)


@given(st.lists(_COUNT, min_size=3, max_size=3), st.lists(_COUNT, min_size=3, max_size=3))
def test_the_difference_of_growing_counts_is_what_was_added(first: list[int], added: list[int]) -> None:
    def scrape(counts: list[int]) -> list[Sample]:
        return [Sample("c_total", {"n": str(n)}, count) for n, count in enumerate(counts)]

    after = scrape([a + b for a, b in zip(first, added, strict=True)])
    assert [sample.value for sample in difference(scrape(first), after)] == added


def test_a_counter_that_went_down_started_again_from_zero() -> None:
    before = [Sample("c", {"n": "1"}, 100), Sample("c", {"n": "2"}, 5)]
    after = [Sample("c", {"n": "1"}, 7), Sample("c", {"n": "2"}, 6)]
    assert [sample.value for sample in difference(before, after)] == [7, 1]


def test_the_buckets_of_a_histogram_start_again_together() -> None:
    # One bucket went from 5 to 6 by a restart: six new events, not one.
    restarted = difference(buckets(_0_8=5, inf=10), buckets(_0_8=6, inf=8))
    assert tally(restarted, speed("800ms", "t_seconds")) == Tally(6, 8)


def test_a_series_that_is_new_started_from_zero_and_one_that_is_gone_is_left_out() -> None:
    before, after = [Sample("c", {"n": "old"}, 3)], [Sample("c", {"n": "new"}, 4)]
    assert difference(before, after) == (Sample("c", {"n": "new"}, 4),)


def test_a_bound_that_is_written_differently_the_second_time_is_the_same_series() -> None:
    before, after = [Sample("t_bucket", {"le": "1"}, 3)], [Sample("t_bucket", {"le": "1.0"}, 5)]
    assert [sample.value for sample in difference(before, after)] == [2]


def test_tallies_of_several_places_add_their_counts() -> None:
    assert Tally(1, 2) + Tally(97, 98) == Tally(98, 100)


def test_the_name_of_the_article_is_a_latency_and_an_availability_objective() -> None:
    expansion = named.expand("service_availability_99th")
    assert expansion is not None
    assert "p99 latency of at most 800 ms" in expansion.explanation
    first, second = named.objectives(
        "service_availability_99th", {"good": None, "window": Duration.parse("7d")}
    )
    assert isinstance(first, Availability)
    assert isinstance(second, Latency)
    assert second.under == Duration(800)
    assert second.target == Ratio.parse("99%")
    assert first.window == second.window == Duration.parse("7d")
    assert named.expand("service_availability_98th") is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"good": "a", "total": "b", "target": "99%"}, "needs exactly"),
        ({"good": "rate(a[5m])", "total": "b", "target": "99%", "window": "1d"}, "good: "),
        ({"good": "a", "total": "b", "target": "99", "window": "1d"}, "target: "),
        ({"histogram": "a", "under": "0.8", "target": "99%", "window": "1d"}, "under: "),
        ({"histogram": "a", "under": "1s", "good": "b", "target": "99%", "window": "1d"}, "needs exactly"),
        ({}, "needs exactly"),
    ],
)
def test_a_declared_objective_that_cannot_be_read_names_its_field(fields: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=f"^(x )?{said}"):
        named.objectives("x", fields)


def test_a_declared_objective_takes_text_and_values() -> None:
    fields = {
        "histogram": "t_seconds",
        "under": Duration(500),
        "target": Ratio.parse("99.95%"),
        "window": "30d",
    }
    (found,) = named.objectives("speed", {**fields, "good": None})
    assert found == Latency(
        "speed", Selector("t_seconds"), Duration(500), Ratio(Fraction(1999, 2000)), Duration.parse("30d")
    )
