"""Quantities: what is written is kept exactly, what is ambiguous is refused."""

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.units import Bytes, Cpu, Duration, Ratio


@pytest.mark.parametrize(
    ("text", "ms", "shown"),
    [
        ("500ms", 500, "500ms"),
        ("30s", 30_000, "30s"),
        ("90s", 90_000, "90s"),
        ("120s", 120_000, "2m"),
        ("1h30m", 5_400_000, "90m"),
        ("0.5s", 500, "500ms"),
        ("1.5h", 5_400_000, "90m"),
        ("7d", 604_800_000, "1w"),
        ("30d", 2_592_000_000, "30d"),
        ("0s", 0, "0ms"),
        ("1m1ms", 60_001, "60001ms"),
    ],
)
def test_durations(text: str, ms: int, shown: str) -> None:
    assert Duration.parse(text) == Duration(ms)
    assert str(Duration(ms)) == shown
    assert Duration(ms).seconds == ms / 1000


@pytest.mark.parametrize(
    "text", ["", "5", "5 s", "-5s", "5S", "s", "5s ", "1e3s", "0.0001s", "5sec", "\uff11s", "9" * 30 + "s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"whole number|not a duration"):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("text", "count", "shown"),
    [
        ("64Mi", 67_108_864, "64Mi"),
        ("1Gi", 2**30, "1Gi"),
        ("500M", 500_000_000, "500M"),
        ("4096", 4096, "4Ki"),
        ("1000", 1000, "1k"),
        ("1.5Gi", 1_610_612_736, "1536Mi"),
        ("0", 0, "0"),
        ("1025", 1025, "1025"),
        ("2Ti", 2**41, "2Ti"),
    ],
)
def test_bytes(text: str, count: int, shown: str) -> None:
    assert Bytes.parse(text) == Bytes(count)
    assert str(Bytes(count)) == shown


@pytest.mark.parametrize(
    "text", ["", "64MB", "64mi", "64 Mi", "-1", "1.5", "0.1k1", "K", "1K", "1e3", "0x10"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"whole number|not an amount"):
        Bytes.parse(text)


@pytest.mark.parametrize(
    ("text", "milli", "shown"),
    [("100m", 100, "100m"), ("2", 2000, "2"), ("0.5", 500, "500m"), ("1.001", 1001, "1001m")],
)
def test_processors(text: str, milli: int, shown: str) -> None:
    assert Cpu.parse(text) == Cpu(milli)
    assert str(Cpu(milli)) == shown


@pytest.mark.parametrize("text", ["", "fast", "0.0001", "1.5m", "-1", "100M", "1 core"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"whole number|not a processor share"):
        Cpu.parse(text)


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("99.9%", Fraction(999, 1000), "99.9%"),
        ("0%", Fraction(0), "0%"),
        ("100%", Fraction(1), "100%"),
        ("33.333333333%", Fraction(33_333_333_333, 10**11), "33.333333333%"),
    ],
)
def test_ratios_are_exact(text: str, value: Fraction, shown: str) -> None:
    assert Ratio.parse(text) == Ratio(value)
    assert str(Ratio(value)) == shown
    assert float(Ratio(value)) == float(value)


@pytest.mark.parametrize("text", ["", "99.9", "0.999", "101%", "-1%", "99,9%", "% 5"])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"100%|not a percentage"):
        Ratio.parse(text)


@given(st.integers(0, 10**15))
def test_what_is_shown_is_read_as_the_same(number: int) -> None:
    assert Duration.parse(str(Duration(number))) == Duration(number)
    assert Bytes.parse(str(Bytes(number))) == Bytes(number)
    assert Cpu.parse(str(Cpu(number))) == Cpu(number)


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused_by_a_value_error(text: str) -> None:
    for kind in (Duration, Bytes, Cpu, Ratio):
        with suppress(ValueError):
            assert kind.parse(str(kind.parse(text))) == kind.parse(text)


def test_quantities_are_ordered_by_size() -> None:
    assert Bytes.parse("1Gi") > Bytes.parse("1G")
    assert Duration.parse("1m") < Duration.parse("61s")
