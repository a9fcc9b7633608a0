"""Only instant vector selectors are read; they choose series as Prometheus does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.slo.sample import Sample
from trimaran.slo.selector import LONGEST, Matcher, Operator, Selector

OK = Sample("http_requests_total", {"status": "200", "method": "GET"}, 7)
BROKEN = Sample("http_requests_total", {"status": "503", "method": "POST"}, 1)


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("http_requests_total", (True, True)),
        ("http_requests_total{}", (True, True)),
        ('http_requests_total{status="200"}', (True, False)),
        ("http_requests_total{status!='200'}", (False, True)),
        ('http_requests_total{status=~"2..|3.."}', (True, False)),
        ("http_requests_total{status!~`5..`}", (True, False)),
        ('http_requests_total{status=~"0"}', (False, False)),
        (' http_requests_total { status = "503" , method = "POST" , } ', (False, True)),
        ('http_requests_total{status="503",method="GET"}', (False, False)),
        ('http_requests_total{absent=""}', (True, True)),
        ('http_requests_total{absent!=""}', (False, False)),
        ('http_requests_total{absent!~"5.."}', (True, True)),
        ("http_requests", (False, False)),
    ],
)
def test_a_selector_chooses_the_series_that_fit_all_matchers(text: str, chosen: tuple[bool, bool]) -> None:
    selector = Selector.parse(text)
    assert (selector.matches(OK), selector.matches(BROKEN)) == chosen


@pytest.mark.parametrize(
    "text",
    [
        "rate(http_requests_total[5m])",
        "sum(rate(x[5m]))",
        "sum by (job) (x)",
        "sum without(job)(x)",
        "(x)",
        "x[5m]",
        'x{a="b"}[1h:5m]',
        "x offset 5m",
        "x @ 5",
        "x / y",
        "x > 0.5",
        "x or y",
        "x y",
    ],
)
def test_the_rest_of_promql_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(ValueError, match="takes only a selector such as"):
        Selector.parse(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "name of a metric"),
        ('{a="b"}', "name of a metric"),
        ("1x", "name of a metric"),
        ("x{", "name of a label"),
        ('x{="b"}', "name of a label"),
        ('x{,a="b"}', "name of a label"),
        ('x{__name__="y"}', "__name__"),
        ("x{a}", "one of ="),
        ('x{a=="b"}', "quoted"),
        ("x{a=b}", "quoted text is missing"),
        ('x{a="b}', "does not end"),
        ('x{a="b\nc"}', "does not end"),
        ('x{a="b" c="d"}', "comma or }"),
        ('x{a="b"', "comma or }"),
        (r'x{a="\q"}', "escape"),
        (r'x{a="\ud800"}', "escape"),
        (r'x{a=~"(?=b)"}', "pattern"),
        ("x" * (LONGEST + 1), "characters"),
    ],
)
def test_a_broken_selector_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        Selector.parse(text)


def test_a_refusal_names_the_character_at_which_reading_stopped() -> None:
    with pytest.raises(ValueError, match="at character 9 of"):
        Selector.parse('x{a="b",1}')


def test_escapes_stand_for_what_go_reads() -> None:
    (matcher,) = Selector.parse(r'x{a="\"\\\n\t\x41\u00e9\U0001f600"}').matchers
    assert matcher.value == '"\\\n\tAé😀'
    (raw,) = Selector.parse(r"x{a=`\n`}").matchers
    assert raw.value == r"\n"


@given(st.text(max_size=60) | st.text(alphabet="x{}a=\"~!,\\`'[]() 5.\n", max_size=40))
def test_any_text_is_a_selector_or_a_value_error(text: str) -> None:
    try:
        name = Selector.parse(text).name
    except ValueError as error:
        name = ""
        said = str(error)
    else:
        said = name
    assert said.isprintable()
    assert name in text


_VALUES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)
_EQUALITIES = st.sampled_from([Operator.EQUAL, Operator.NOT_EQUAL])


@given(st.lists(st.builds(Matcher, st.sampled_from(["a", "le", "_b1"]), _EQUALITIES, _VALUES), max_size=4))
def test_a_printed_selector_reads_back_as_itself(matchers: list[Matcher]) -> None:
    selector = Selector("job:x", tuple(matchers))
    assert Selector.parse(str(selector)) == selector
