"""Metrics texts become samples under the names that the service published, or an error with the line."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.slo.exposition import parse
from trimaran.slo.sample import Sample

TEXT = (Path(__file__).parent / "podinfo.txt").read_text("utf-8")


def test_every_sample_of_a_real_services_text_is_read() -> None:
    samples = parse(TEXT)
    published = [line for line in TEXT.splitlines() if not line.startswith("#")]
    assert len(samples) == len(published)
    assert samples[0] == Sample("go_goroutines", {}, 14)
    assert Sample("http_requests_total", {"status": "503"}, 3) in samples


def test_a_counter_keeps_the_name_that_it_was_published_under() -> None:
    assert parse("# TYPE requests counter\nrequests 4\n") == (Sample("requests", {}, 4),)


def test_openmetrics_is_read_when_the_content_type_says_so() -> None:
    text = '# TYPE r counter\nr_total{s="200"} 4.0 # {trace_id="x"} 1.0\n# EOF\n'
    kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert parse(text, kind) == (Sample("r_total", {"s": "200"}, 4),)
    with pytest.raises(ValueError, match="EOF"):
        parse(text.replace("# EOF\n", ""), kind)


def test_label_values_are_unescaped_and_values_may_be_nan_infinite_or_stamped() -> None:
    escaped, nan, infinite, stamped = parse('a{b="x\\"\\\\\\n,}"} 1\nn NaN\ni +Inf\ns 2 1700000000000\r\n')
    assert escaped.labels == {"b": 'x"\\\n,}'}
    assert math.isnan(nan.value)
    assert math.isinf(infinite.value)
    assert stamped.value == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<!doctype html>\n<html>", 1),
        ("a 1\nb\n", 2),
        ("a 1\n\n# comment\nb x\n", 4),
        ('a 1\nb{c="d} 1', 2),
        ('a 1\nb{c="d",c="e"} 1', 2),
        ("inf", 1),
        ("a " + "9" * 400, 1),
        ("a 1\nb 2\na 3", 3),
        ('a{le="1"} 1\na{le="1.0"} 1', 2),
        ("x" * 20_000 + " 1", 1),
        ("\x00\x1b[31m 1", 1),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(ValueError, match=f"^line {line} cannot be read") as caught:
        parse(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@given(
    st.text(max_size=80) | st.text(alphabet='ab{}="\\,# 1.eNinf\n+-_', max_size=60),
    st.sampled_from(["text/plain", "application/openmetrics-text"]),
)
def test_any_text_is_samples_or_a_value_error(text: str, content_type: str) -> None:
    said = "line "
    samples: tuple[Sample, ...] = ()
    try:
        samples = parse(text, content_type)
    except ValueError as error:
        said = str(error)
    assert said.startswith("line ")
    assert all(sample.name for sample in samples)
