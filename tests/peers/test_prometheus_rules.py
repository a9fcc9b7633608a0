"""The rules that objectives become, run by Prometheus' own promtool."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.golden.cases import CASES, renderings

from trimaran.slo import named
from trimaran.slo.objective import Objective
from trimaran.slo.rules import Scrape, group

pytestmark = pytest.mark.peer
LABELS = {"namespace": "web", "service": "shop"}
SCRAPE = Scrape(LABELS, frozenset({"namespace", "service", "pod"}))
OWN = ",".join(f'{name}="{value}"' for name, value in LABELS.items())


def promtool(folder: Path, *args: str) -> str:
    """What promtool says; it fails the test when promtool is missing or finds a fault."""
    program = shutil.which("promtool")
    assert program, "promtool is missing: run `make provision`"
    done = subprocess.run(
        [program, *args], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def availability(**fields: str) -> Objective:
    given = {
        "good": 'requests_total{code!~"5.."}',
        "total": "requests_total",
        "target": "99.9%",
        "window": "30d",
        **fields,
    }
    (found,) = named.objectives("answers", given)
    return found


def latency(**fields: str) -> Objective:
    given = {"histogram": "duration_seconds", "under": "1s", "target": "99%", "window": "7d", **fields}
    (found,) = named.objectives("speed", given)
    return found


def ran(folder: Path, objective: Objective, series: dict[str, str], at: str, expected: list[Any]) -> str:
    """What promtool says when the rules of `objective` have run over `series` until `at`.

    Args:
        series: a series with its labels → its values as promtool writes them, one a minute.
        expected: an expression, and the samples that it should have at the end.
    """
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [group(objective, LABELS, SCRAPE)]}))
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": expression, "eval_time": at, "exp_samples": samples} for expression, samples in expected
        ],
    }
    whole = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "test.yaml").write_text(yaml.safe_dump(whole))
    program = shutil.which("promtool")
    assert program, "promtool is missing: run `make provision`"
    done = subprocess.run(
        [program, "test", "rules", "test.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0 or "got:" in said, said
    return said


def alerts(folder: Path, objective: Objective, series: dict[str, str], at: str) -> list[str]:
    """The severities of the alerts that fire at a time."""
    # promtool compares with what is expected: silence is, and what it says against that is read.
    asked: list[Any] = [
        (f'count(ALERTS{{alertname="ErrorBudgetBurn",severity="{severity}"}})', [])
        for severity in ("page", "ticket")
    ]
    said = ran(folder, objective, series, at, asked)
    return [severity for severity in ("page", "ticket") if f'severity=\\"{severity}\\"' in said]


def counter(per_minute: str, minutes: int) -> str:
    return f"0+{per_minute}x{minutes}"


@pytest.mark.parametrize("case", CASES)
def test_promtool_takes_the_rules_of_every_case(case: str, tmp_path: Path) -> None:
    for rendering in renderings(case):
        for item in rendering.rendering.objects:
            if item.ref.kind == "PrometheusRule":
                document: Any = item.document
                (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": document["spec"]["groups"]}))
                said = promtool(tmp_path, "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")
                count = sum(len(each["rules"]) for each in document["spec"]["groups"])
                assert f"SUCCESS: {count} rules found" in said


def test_a_broken_expression_would_be_refused(tmp_path: Path) -> None:
    found = group(availability(), LABELS, SCRAPE)
    found["rules"][0]["expr"] += ")"
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [found]}))
    with pytest.raises(AssertionError, match="FAILED"):
        promtool(tmp_path, "check", "rules", "rules.yaml")


GOOD = f'requests_total{{{OWN},code="200",pod="a"}}'
BAD = f'requests_total{{{OWN},code="500",pod="a"}}'


def test_a_fast_burn_pages_soon(tmp_path: Path) -> None:
    # 5% of the events are bad: fifty times faster than 99.9% allows.
    series = {GOOD: counter("950", 70), BAD: counter("50", 70)}
    assert alerts(tmp_path, availability(), series, "65m") == ["page", "ticket"]


def test_what_the_budget_allows_is_no_alert(tmp_path: Path) -> None:
    series = {GOOD: counter("99950", 1500), BAD: counter("50", 1500)}
    assert alerts(tmp_path, availability(), series, "1500m") == []


def test_a_slow_burn_is_a_ticket_and_no_page(tmp_path: Path) -> None:
    # 0.4% bad: four times faster than allowed, for a day.
    series = {GOOD: counter("996", 1500), BAD: counter("4", 1500)}
    assert alerts(tmp_path, availability(), series, "1500m") == ["ticket"]


def test_a_page_ends_soon_after_the_fault(tmp_path: Path) -> None:
    # Half an hour of nothing but errors, and then an hour of success.
    series = {GOOD: "0x30 0+1000x90", BAD: "0+1000x30 30000x90"}
    assert alerts(tmp_path, availability(), series, "31m") == ["page", "ticket"]
    assert "page" not in alerts(tmp_path, availability(), series, "75m")


def test_a_service_that_never_answered_well_pages(tmp_path: Path) -> None:
    assert alerts(tmp_path, availability(), {BAD: counter("10", 70)}, "65m") == ["page", "ticket"]


def test_no_events_are_no_alert(tmp_path: Path) -> None:
    series = {GOOD: "0+1000x10 10000x60", BAD: "0x70"}
    assert alerts(tmp_path, availability(), series, "70m") == []


def test_another_service_under_the_same_metric_is_not_counted(tmp_path: Path) -> None:
    other = BAD.replace('service="shop"', 'service="other"')
    series = {GOOD: counter("1000", 70), other: counter("1000", 70)}
    assert alerts(tmp_path, availability(), series, "65m") == []


def test_a_label_that_the_scrape_has_taken_is_found_under_its_new_name(tmp_path: Path) -> None:
    objective = availability(good='requests_total{service="web",code="200"}')
    good = f'requests_total{{{OWN},exported_service="web",code="200"}}'
    series = {good: counter("1000", 70), BAD: counter("0", 70)}
    assert alerts(tmp_path, objective, series, "65m") == []


@pytest.mark.parametrize("bound", ["1", "1.0"])
def test_slow_events_alert_however_the_bucket_is_written(bound: str, tmp_path: Path) -> None:
    bucket, every = (f'duration_seconds_bucket{{{OWN},le="{each}"}}' for each in (bound, "+Inf"))
    fast = {bucket: counter("1000", 70), every: counter("1000", 70)}
    assert alerts(tmp_path, latency(), fast, "65m") == []
    slow = {bucket: counter("500", 70), every: counter("1000", 70)}
    assert alerts(tmp_path, latency(), slow, "65m") == ["page", "ticket"]


def test_a_share_over_days_is_made_of_counts_and_not_of_shares(tmp_path: Path) -> None:
    # A quiet hour in which half of ten events failed, and a busy one without a fault: 5 bad among 10,010.
    objective = availability(target="99%")
    series = {GOOD: "0+5x60 300+10000x60", BAD: "0+5x60 300x60"}
    labels = f'{{{OWN},objective="answers"}}'
    asked = [("round(slo:error_ratio:2h * 10000)", [{"labels": labels, "value": 5}])]
    assert "SUCCESS" in ran(tmp_path, objective, series, "120m", asked)
