"""What is often said about objectives over several platforms, tried with Prometheus' own evaluation."""

import subprocess
from pathlib import Path

import pytest
import yaml
from tests.rootfs import PATH

pytestmark = pytest.mark.peer

# Requests a minute in the buckets up to 0.5 s, 1 s and 2 s: two quiet platforms, and a busy one that is slow
# for two of a hundred.
BUCKETS = {
    "quiet-1": {"0.1": 100, "0.5": 100, "1": 100, "2": 100, "+Inf": 100},
    "quiet-2": {"0.1": 100, "0.5": 100, "1": 100, "2": 100, "+Inf": 100},
    "busy": {"0.1": 9_800, "0.5": 9_800, "1": 9_800, "2": 10_000, "+Inf": 10_000},
}


def promtool(
    folder: Path, series: dict[str, str], expressions: dict[str, list[dict[str, object]]], at: str
) -> str:
    """What promtool says of expressions over series; empty when all are as expected."""
    tests = {
        "rule_files": [],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {"expr": text, "eval_time": at, "exp_samples": samples}
                    for text, samples in expressions.items()
                ],
            }
        ],
    }
    path = folder / "tests.yaml"
    path.write_text(yaml.safe_dump(tests), "utf-8")
    done = subprocess.run(
        ["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False,
        env={"PATH": PATH}, timeout=60,
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_mean_of_percentiles_hides_what_the_sum_of_counts_shows(tmp_path: Path) -> None:
    series = {
        f'request_seconds_bucket{{target="{target}",le="{le}"}}': f"0+{count}x30"
        for target, buckets in BUCKETS.items()
        for le, count in buckets.items()
    }
    quantile = "histogram_quantile(0.99, sum by ({by}) (rate(request_seconds_bucket[10m])))"
    mean = f"avg({quantile.format(by='le, target')}) < bool 1"
    whole = f"{quantile.format(by='le')} > bool 1"
    counted = 'sum(rate(request_seconds_bucket{{le="{0}"}}[10m]))'.format
    burn = f"(1 - {counted('1')} / {counted('+Inf')}) / 0.01"
    true = [{"labels": "{}", "value": 1}]
    expected = {mean: true, whole: true, f"{burn} > bool 1.9": true, f"{burn} < bool 2": true}
    assert promtool(tmp_path, series, expected, "20m") == ""


def test_one_window_alone_alerts_about_a_moment_that_is_long_over_or_too_short(tmp_path: Path) -> None:
    # Five bad minutes long ago, and then all is well.
    series = {
        'requests_total{code="200"}': "0+100x300",
        'requests_total{code="500"}': "0+100x5 500+0x295",
    }
    burn = '(sum(rate(requests_total{{code="500"}}[{0}])) / sum(rate(requests_total[{0}])) / 0.001)'
    long, short = burn.format("1h"), burn.format("5m")
    at_the_end = {
        f"{long} > bool 14.4": [{"labels": "{}", "value": 1}],
        f"{short} > bool 14.4": [{"labels": "{}", "value": 0}],
    }
    assert promtool(tmp_path, series, at_the_end, "50m") == ""
    assert promtool(tmp_path, series, {f"{long} > bool 14.4": [{"labels": "{}", "value": 0}]}, "50m") != ""
