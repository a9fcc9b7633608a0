"""What is often said about objectives and operations, tried. docs/beliefs.md tells the same in words.

Objectives are tried with Prometheus' own evaluation; a machine with vCenter's simulator, which restarts it as
vCenter's interface says, and with Terraform.
"""

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.crash.vsphere_center import Center, running
from tests.peers.beliefs import Ended, built, run
from tests.programs import terraform
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


QUANTILE = "histogram_quantile(0.99, sum by ({by}) (rate(request_seconds_bucket[10m])))"
MEAN, WHOLE = f"avg({QUANTILE.format(by='le, target')})", QUANTILE.format(by="le")
TRUE: list[dict[str, object]] = [{"labels": "{}", "value": 1}]


def buckets_of(platforms: dict[str, dict[str, int]]) -> dict[str, str]:
    return {
        f'request_seconds_bucket{{target="{target}",le="{le}"}}': f"0+{count}x30"
        for target, buckets in platforms.items()
        for le, count in buckets.items()
    }


def test_the_mean_of_percentiles_hides_what_the_sum_of_counts_shows(tmp_path: Path) -> None:
    counted = 'sum(rate(request_seconds_bucket{{le="{0}"}}[10m]))'.format
    burn = f"(1 - {counted('1')} / {counted('+Inf')}) / 0.01"
    expected = dict.fromkeys(
        (f"{MEAN} < bool 1", f"{WHOLE} > bool 1", f"{burn} > bool 1.9", f"{burn} < bool 2"), TRUE
    )
    assert promtool(tmp_path, buckets_of(BUCKETS), expected, "20m") == ""


def test_the_mean_of_percentiles_also_alarms_where_the_sum_of_counts_is_well(tmp_path: Path) -> None:
    slow = {"0.1": 0, "0.5": 0, "1": 0, "2": 10, "+Inf": 10}
    quick = dict.fromkeys(BUCKETS["busy"], 10_000)
    platforms = {"quiet-1": slow, "quiet-2": slow, "busy": quick}
    each = f"{QUANTILE.format(by='le, target')} > 1"  # which is why each platform is judged, too
    expected: dict[str, list[dict[str, object]]] = {
        f"{MEAN} > bool 1": TRUE, f"{WHOLE} < bool 0.5": TRUE, f"count({each}) == bool 2": TRUE
    }  # fmt: skip
    assert promtool(tmp_path, buckets_of(platforms), expected, "20m") == ""


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


def test_a_bound_on_the_p99_is_met_by_a_service_that_fails_quickly(tmp_path: Path) -> None:
    def series(code: str, bounded: int) -> dict[str, str]:
        buckets = {"0.8": bounded, "2": 100, "+Inf": 100}
        return {
            f'request_seconds_bucket{{code="{code}",le="{le}"}}': f"0+{count}x30"
            for le, count in buckets.items()
        }

    counted = 'sum(rate(request_seconds_bucket{{le="+Inf"{0}}}[10m]))'.format
    good, total = counted(',code!~"5.."'), counted("")
    latency, availability = f"{WHOLE} <= bool 0.8", f"{good} / {total} >= bool 0.99"

    def judged(**verdicts: bool) -> dict[str, list[dict[str, object]]]:
        texts = {"latency": latency, "availability": availability}
        return {texts[name]: [{"labels": "{}", "value": int(met)}] for name, met in verdicts.items()}

    # Half of the answers are errors, and all are quick; or all are good, and half of them slow.
    quick_errors = series("200", 100) | series("500", 100)
    assert promtool(tmp_path, quick_errors, judged(latency=True, availability=False), "20m") == ""
    slow_answers = series("200", 50)
    assert promtool(tmp_path, slow_answers, judged(latency=False, availability=True), "20m") == ""


_PAUSES = """package main

import (
	"encoding/json"
	"os"
	"runtime"
	"runtime/metrics"
	"time"
)

func read() map[string]uint64 {
	found := map[string]uint64{}
	for _, about := range metrics.All() {
		sample := []metrics.Sample{{Name: about.Name}}
		metrics.Read(sample)
		found[about.Name] = 0
		if sample[0].Value.Kind() == metrics.KindFloat64Histogram {
			for _, count := range sample[0].Value.Float64Histogram().Counts {
				found[about.Name] += count
			}
		}
	}
	return found
}

func main() {
	before := read()
	for range 5 {
		runtime.GC()
		woken := make(chan bool)
		for range 100 {
			go func() { time.Sleep(time.Millisecond); woken <- true }()
		}
		for range 100 {
			<-woken
		}
	}
	json.NewEncoder(os.Stdout).Encode([]map[string]uint64{before, read()})
}
"""


def test_what_a_go_service_waits_for_is_counted_by_go_and_nothing_there_is_of_a_jvm(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module trimaran.dev/pauses\n\ngo 1.22\n", "utf-8")
    (tmp_path / "main.go").write_text(_PAUSES, "utf-8")
    seen = run([built(tmp_path / "pauses", tmp_path, cgo=False)])
    before, after = json.loads(seen.stdout)
    # Each collection stops the program at least once.
    assert after["/sched/pauses/total/gc:seconds"] - before["/sched/pauses/total/gc:seconds"] >= 5
    # Go measures one of eight switches.
    assert after["/sched/latencies:seconds"] > before["/sched/latencies:seconds"]
    assert not [name for name in after if "jvm" in name.lower() or "java" in name.lower()]


MACHINE = "DC0_H0_VM0"  # one of those that the simulator begins with; it is on


class Described:
    """A machine of a vCenter as Terraform is told of it: by all that its configuration and its power are."""

    def __init__(self, folder: Path, center: Center) -> None:
        self.folder, self.center = folder, center
        (folder / "main.tf").write_text(
            'resource "terraform_data" "machine" {\n  input = file("machine.json")\n}\n', "utf-8"
        )
        self.look()

    def look(self) -> None:
        """Read the machine again."""
        (found,) = json.loads(self.center.govc("vm.info", "-json", MACHINE))["virtualMachines"]
        told = [found["config"], found["runtime"]["powerState"]]
        (self.folder / "machine.json").write_text(json.dumps(told, sort_keys=True), "utf-8")

    def told(self, *words: str, status: int = 0) -> str:
        done: Ended = run(
            [str(terraform()), f"-chdir={self.folder}", *words, "-input=false", "-no-color"],
            HOME=str(self.folder), CHECKPOINT_DISABLE="1",
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def starts(self) -> int:
        """How often vCenter started the machine, by its events."""
        return [kind for _, kind, said in self.center.events() if MACHINE in said].count("VmPoweredOnEvent")


def test_terraform_has_nothing_to_do_where_a_restart_is_wanted_and_sees_none(tmp_path: Path) -> None:
    with running(tmp_path / "center", "c4n4ry-correct-horse") as center:
        machine = Described(tmp_path, center)
        machine.told("init")
        assert "Resources: 1 added" in machine.told("apply", "-auto-approve")
        first = machine.starts()
        assert "0 added, 0 changed, 0 destroyed" in machine.told("apply", "-auto-approve")
        assert machine.starts() == first
        # What it can do again is to make the thing again.
        replaced = machine.told("apply", "-auto-approve", "-replace=terraform_data.machine")
        assert "1 added, 0 changed, 1 destroyed" in replaced
        center.govc("vm.power", "-reset", MACHINE)  # calls ResetVM_Task
        assert machine.starts() == first + 1
        assert '"VirtualMachine.reset"' in center.govc("tasks", "-json", "-n", "100")
        machine.look()
        assert "No changes." in machine.told("plan", "-detailed-exitcode")
        center.govc("vm.change", "-vm", MACHINE, "-c", "4")
        machine.look()
        assert "1 to change" in machine.told("plan", "-detailed-exitcode", status=2)
