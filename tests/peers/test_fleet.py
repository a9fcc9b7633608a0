"""One declaration on two clusters, a vCenter and this machine, asserted by each platform's own client."""

import json
import os
import signal
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crash.test_perform_contract import no_canary
from tests.lab import Lab
from tests.peers.fleetwork import CLUSTERS, NAMESPACE, Fleetwork, fleetwork, wait_for
from tests.world import World, answer

pytestmark = pytest.mark.peer


@pytest.fixture
def work(here: World, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Fleetwork]:
    # The vault's values come with its operator, which the lab does not run; the host takes none.
    name = f"t{zlib.crc32(request.node.name.encode())}"
    with fleetwork(here, lab, name) as found:
        found.declare(secrets=None)
        yield found


def test_an_apply_reaches_every_platform_and_a_second_one_writes_nothing(work: Fleetwork) -> None:
    work.apply()
    for cluster in CLUSTERS:
        status = work.deployment(cluster)["status"]
        assert (status["readyReplicas"], status["updatedReplicas"]) == (2, 2)
    assert work.route_host() == f"{work.name}.example.com"
    machines = work.machines()
    assert sorted(machines) == [f"{work.name}-0", f"{work.name}-1"]
    assert {each["runtime"]["powerState"] for each in machines.values()} == {"poweredOn"}
    assert answer(work.port, "/readyz") == 200

    def state() -> object:
        versions = [work.objects(cluster) for cluster in CLUSTERS]
        writes = [work.writes(cluster) for cluster in CLUSTERS]
        changes = {name: each["config"]["changeVersion"] for name, each in work.machines().items()}
        return versions, writes, changes, work.tasks(), work.here.run("audit", "list", "--all").stdout

    before = state()
    assert "no change" in work.apply()
    assert state() == before
    assert work.plan() == []


def drifts(work: Fleetwork) -> dict[str, str]:
    """`TARGET KIND/NAME` → the kind of drift, of this service."""
    found = work.report("drift", str(work.declaration), status=None)["drifts"]
    return {
        f"{each['object']['target']} {each['object']['kind']}/{each['object']['name']}": each["kind"]
        for each in found
        if each["service"] == work.name and each["kind"] != "expected"
    }


def edit_by_hand(work: Fleetwork) -> None:
    """Change something of ours on each platform, by that platform's own client."""
    lab = work.lab
    lab.kubectl("set", "env", f"deployment/{work.name}", "LOG_LEVEL=debug", "-n", NAMESPACE)
    patch = '{"spec": {"host": "elsewhere.example.com"}}'
    route = ("patch", "route", f"{work.name}-public", "-n", NAMESPACE, "--type=merge", "-p", patch)
    lab.kubectl(*route, context="openshift")
    lab.govc("vm.change", "-vm", f"{work.name}-0", "-c", "4")
    work.host_file().chmod(0o644)
    work.host_file().write_text("greeting: hacked\n")


def assert_as_declared(work: Fleetwork) -> None:
    assert work.variable("kubernetes", "LOG_LEVEL") == "info"
    assert work.route_host() == f"{work.name}.example.com"
    assert work.machines()[f"{work.name}-0"]["config"]["hardware"]["numCPU"] == 1
    assert work.host_file().read_text() == "greeting: hello\n"


def test_what_is_changed_by_hand_is_named_and_put_back(work: Fleetwork) -> None:
    work.apply()
    assert drifts(work) == {}
    edit_by_hand(work)

    told = work.run("drift", str(work.declaration), status=1)
    assert "kubectl-set" in told
    assert "kubectl-patch" in told
    assert drifts(work) == {
        f"kubernetes Deployment/{work.name}": "live",
        f"openshift Route/{work.name}-public": "live",
        f"vsphere VirtualMachine/{work.name}-0": "live",
        "host File//etc/article/app.yaml": "live",
    }
    # A plan that would take from others is not performed, on no target.
    assert "TRM0712" in work.apply(status=2)
    assert work.variable("kubernetes", "LOG_LEVEL") == "debug"
    assert work.host_file().read_text() == "greeting: hacked\n"

    work.run("revert", "--all", "-q")
    assert_as_declared(work)
    assert drifts(work) == {}
    assert work.plan() == []


def test_taking_puts_the_declared_values_back_at_once(work: Fleetwork) -> None:
    work.apply()
    edit_by_hand(work)
    work.apply("--take")
    assert_as_declared(work)
    assert drifts(work) == {}


def test_an_adopted_value_stays_until_the_declaration_says_something_new(work: Fleetwork) -> None:
    work.apply()
    work.lab.kubectl("set", "env", f"deployment/{work.name}", "LOG_LEVEL=debug", "-n", NAMESPACE)
    work.run("adopt", f"kubernetes Deployment/{NAMESPACE}/{work.name}", "-q")
    assert drifts(work) == {}
    work.apply()
    assert [work.variable(cluster, "LOG_LEVEL") for cluster in CLUSTERS] == ["debug", "info"]

    work.declare(env={"LOG_LEVEL": "warn"})
    work.apply("--take")
    assert [work.variable(cluster, "LOG_LEVEL") for cluster in CLUSTERS] == ["warn", "warn"]


def test_what_is_missing_comes_back(work: Fleetwork) -> None:
    work.apply()
    work.lab.kubectl("delete", "service", work.name, "-n", NAMESPACE)
    work.lab.govc("vm.destroy", f"{work.name}-1")
    missing = {
        f"kubernetes Service/{work.name}": "missing",
        f"vsphere VirtualMachine/{work.name}-1": "missing",
    }
    assert drifts(work) == missing
    work.apply()
    assert drifts(work) == {}
    assert sorted(work.machines()) == [f"{work.name}-0", f"{work.name}-1"]
    work.lab.kubectl("get", "service", work.name, "-n", NAMESPACE)


def test_what_is_declared_no_more_is_pruned_and_nothing_else(work: Fleetwork) -> None:
    name = work.name
    bystander = ("create", "configmap", f"{name}-other", "-n", NAMESPACE, "--from-literal=a=b")
    work.lab.kubectl(*bystander)
    try:
        work.declare(scaling={"min": 2, "max": 5, "cpu": "70%"})
        work.apply()
        before = [set(work.objects(cluster)) for cluster in CLUSTERS]
        assert all(f"HorizontalPodAutoscaler/{name}" in each for each in before)
        work.declare(scaling=None, workload={"type": "service", "replicas": 1}, routes=None)
        work.apply("--take")
        after = [set(work.objects(cluster)) for cluster in CLUSTERS]
        gone = {f"HorizontalPodAutoscaler/{name}", f"PodDisruptionBudget/{name}"}
        assert before[1] - after[1] == {*gone, f"Route/{name}-public"}
        assert before[0] - after[0] >= gone
        assert [new - old for old, new in zip(before, after, strict=True)] == [set(), set()]
        assert sorted(work.machines()) == [f"{name}-0"]
        assert drifts(work) == {}
        work.lab.kubectl("get", "configmap", f"{name}-other", "-n", NAMESPACE)
    finally:
        work.lab.kubectl("delete", "configmap", f"{name}-other", "-n", NAMESPACE)


def test_down_leaves_nothing_of_the_service(work: Fleetwork) -> None:
    work.apply()
    work.run("down", work.name, "-q")
    assert [work.objects(cluster) for cluster in CLUSTERS] == [{}, {}]
    assert work.machines() == {}
    assert answer(work.port, "/readyz") == 0


def test_a_rollback_goes_back_on_every_platform(work: Fleetwork) -> None:
    work.apply()
    (first,) = [each["revision"] for each in work.report_here("history")["revisions"]]
    images = [work.deployment(cluster)["spec"]["template"] for cluster in CLUSTERS]
    data = work.machines()[f"{work.name}-0"]["config"]["extraConfig"]
    digest = [each["value"] for each in data if each["key"] == "guestinfo.trimaran.digest"]

    work.declare(
        env={"LOG_LEVEL": "debug", "EXTRA": "yes"},
        files={
            "/etc/article/app.yaml": {"content": "greeting: bye\n"},
            "/etc/article/more": {"content": "x"},
        },
    )
    work.apply()
    assert work.variable("openshift", "EXTRA") == "yes"

    work.run("rollback", str(first), "-q")
    assert [work.deployment(cluster)["spec"]["template"] for cluster in CLUSTERS] == images
    data = work.machines()[f"{work.name}-0"]["config"]["extraConfig"]
    assert [each["value"] for each in data if each["key"] == "guestinfo.trimaran.digest"] == digest
    assert work.host_file().read_text() == "greeting: hello\n"
    events = [each["event"] for each in work.report_here("history")["revisions"]]
    assert sorted(events) == ["apply", "apply", "rollback"]
    # The declaration now says something else than what runs, and drift says that.
    assert drifts(work)[f"kubernetes Deployment/{work.name}"] == "local"
    assert set(drifts(work).values()) == {"local", "orphan"}


def test_a_saved_plan_is_done_as_it_was_shown_or_not_at_all(work: Fleetwork) -> None:
    plan = work.here.home / "plan.json"
    work.run("plan", str(work.declaration), "--out", str(plan), "-q")
    assert plan.stat().st_mode & 0o777 == 0o600
    work.here.run("apply", "--plan", str(plan), "-q")
    assert work.plan() == []
    again = work.here.run("apply", "--plan", str(plan), "-q", status=2)
    assert "TRM0716" in again.stderr

    work.declare(env={"LOG_LEVEL": "debug"})
    work.run("plan", str(work.declaration), "--out", str(plan), "-q")
    work.lab.kubectl("set", "env", f"deployment/{work.name}", "OTHER=1", "-n", NAMESPACE)
    refused = work.here.run("apply", "--plan", str(plan), "-q", status=2)
    assert f"kubernetes Deployment/{NAMESPACE}/{work.name} has changed" in refused.stderr
    # Stale on one target: done on none.
    assert work.variable("openshift", "LOG_LEVEL") == "info"


def test_the_replicas_of_an_autoscaler_are_left_alone_and_told(work: Fleetwork) -> None:
    work.declare(scaling={"min": 2, "max": 5, "cpu": "70%"})
    work.apply()
    work.lab.kubectl("scale", "deployment", work.name, "--replicas=4", "-n", NAMESPACE)
    assert drifts(work) == {}
    assert "spec.replicas is" in work.run("drift", str(work.declaration))
    work.declare(env={"LOG_LEVEL": "debug"})
    work.apply()
    assert work.deployment("kubernetes")["spec"]["replicas"] == 4
    assert work.variable("kubernetes", "LOG_LEVEL") == "debug"


def test_an_object_of_somebody_else_is_not_touched_until_it_is_taken(work: Fleetwork) -> None:
    service = ("create", "service", "clusterip", work.name, "--tcp=80", "-n", NAMESPACE)
    work.lab.kubectl(*service)
    try:
        told = work.apply(status=2)
        assert "TRM0711" in told
        assert work.objects("openshift") == {}
        assert drifts(work)[f"kubernetes Service/{work.name}"] == "foreign"
        work.apply("--take")
        assert f"Service/{work.name}" in work.objects("kubernetes")
    finally:
        work.lab.kubectl("delete", "service", work.name, "-n", NAMESPACE, status=None)


def test_an_immutable_field_needs_a_decision(work: Fleetwork) -> None:
    work.declare(workload={"type": "job", "replicas": 1}, probes=None)
    work.apply(status=None)
    first = work.lab.objects("job", work.name, "-n", NAMESPACE)["metadata"]["uid"]
    work.declare(env={"LOG_LEVEL": "debug"})
    assert "TRM0713" in work.apply(status=2)
    work.apply("--recreate", status=None)
    assert work.lab.objects("job", work.name, "-n", NAMESPACE)["metadata"]["uid"] != first


def test_a_run_that_is_killed_is_finished_by_the_next(work: Fleetwork) -> None:
    words = ("apply", str(work.declaration), "--fleet", str(work.lab.fleet))
    for moment in (0.1, 0.4, 0.9):
        child = work.here.start(*words)
        wait_for(lambda: _intents(work))
        time.sleep(moment)
        child.send_signal(signal.SIGKILL)
        child.communicate()
    work.apply()
    assert work.plan() == []
    assert drifts(work) == {}
    assert "intact" in work.here.run("audit", "verify").stdout
    for cluster in CLUSTERS:
        assert work.deployment(cluster)["status"]["readyReplicas"] == 2
    # Done once: no machine, and no program, twice.
    assert sorted(work.machines()) == [f"{work.name}-0", f"{work.name}-1"]
    assert answer(work.port, "/readyz") == 200


def _intents(work: Fleetwork) -> list[str]:
    told = work.here.run("audit", "list", "--all", "-o", "jsonl", status=None).stdout
    return [line for line in told.splitlines() if '"intent"' in line]


def broken_fleet(work: Fleetwork, target: str, **changes: str) -> str:
    """A copy of the lab's fleet in which one target cannot be reached as it says."""
    import yaml

    document = yaml.safe_load(work.lab.fleet.read_text("utf-8"))
    document["spec"]["targets"][target] |= changes
    path = work.here.home / "broken.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return str(path)


def kubeconfig(work: Fleetwork, before: str, after: str) -> str:
    """A copy of the lab's kubeconfig with something replaced."""
    text = work.lab.kubeconfig.read_text("utf-8")
    assert before in text
    path = work.here.home / "kubeconfig"
    path.write_text(text.replace(before, after), "utf-8")
    return str(path)


def test_a_target_that_does_not_answer_does_not_hold_up_the_others(work: Fleetwork) -> None:
    nobody = kubeconfig(work, work.lab.address("openshift-api"), "127.0.0.1:1")
    fleet = broken_fleet(work, "openshift", kubeconfig=nobody)
    done = work.here.run("apply", str(work.declaration), "--fleet", fleet, "-q", status=3)
    assert "does not answer" in done.stderr
    assert work.deployment("kubernetes")["status"]["readyReplicas"] == 2
    assert len(work.machines()) == 2
    assert work.objects("openshift") == {}
    # What cannot be seen has not drifted away.
    seen = work.here.run("drift", str(work.declaration), "--fleet", fleet, "-q", status=3)
    assert "missing" not in seen.stdout
    work.apply()
    assert work.deployment("openshift")["status"]["readyReplicas"] == 2


@pytest.mark.parametrize(
    ("target", "changes", "code"),
    [
        ("vsphere", {"url": "https://127.0.0.1:1/sdk"}, 3),
        ("vsphere", {"user": "nobody@vsphere.local"}, 4),
        ("kubernetes", {"context": "kubernets"}, 2),
        ("kubernetes", {"kubeconfig": "/nonexistent"}, 2),
        ("vsphere", {"ca": "/etc/hostname"}, 2),
        ("vsphere", {"template": "debian-21"}, 2),
    ],
)
def test_each_way_not_to_get_in_has_its_status(
    work: Fleetwork, target: str, changes: dict[str, str], code: int
) -> None:
    fleet = broken_fleet(work, target, **changes)
    done = work.here.run(
        "apply", str(work.declaration), "--fleet", fleet, "-q", "--target", target, status=code
    )
    assert "error[TRM" in done.stderr


def test_a_token_that_is_refused_is_status_4(work: Fleetwork) -> None:
    import yaml

    config = yaml.safe_load(work.lab.kubeconfig.read_text("utf-8"))
    for user in config["users"]:
        user["user"]["token"] = "wrong"
    path = work.here.home / "kubeconfig"
    path.write_text(yaml.safe_dump(config), "utf-8")
    fleet = broken_fleet(work, "kubernetes", kubeconfig=str(path))
    work.here.run("apply", str(work.declaration), "--fleet", fleet, "-q", "--target", "kubernetes", status=4)


def test_an_unknown_target_is_a_usage_error_with_a_suggestion(work: Fleetwork) -> None:
    assert "did you mean kubernetes?" in work.apply("--target", "kubernets", status=2)


def test_no_secret_is_told_by_anything(here: World, lab: Lab) -> None:
    canary = "c4n4ry-hunter2-bird"
    with fleetwork(here, lab, "canaries") as work:
        file = here.home / "token"
        file.write_text(canary)
        file.chmod(0o600)
        work.declare(
            secrets={
                "DB_PASSWORD": {"from": "env", "path": "CANARY"},
                "TOKEN": {"from": "file", "path": str(file)},
            }
        )
        here.environment["CANARY"] = canary
        plan = here.home / "plan.json"
        told = [
            work.run("plan", str(work.declaration), "--out", str(plan)),
            plan.read_text(),
            work.apply(),
            json.dumps(work.report("plan", str(work.declaration))),
            work.run("drift", str(work.declaration), "-o", "json"),
            here.run("audit", "list", "--all", "-o", "jsonl").stdout,
            here.run("history").stdout,
            work.run("render", str(work.declaration)),
            lab.govc("vm.info", "-json", "-e", "canaries-0"),
        ]
        everything = ("get", "all,configmaps", "-n", NAMESPACE, "-o", "yaml")
        told += [lab.kubectl(*everything, context=cluster) for cluster in CLUSTERS]
        # The program got both: so they were resolved, and everything below had its chance to tell them.
        programs = work.here.programs()
        given = [Path(f"/proc/{pid}/environ").read_bytes() for pid in programs]
        assert any(canary.encode() in each for each in given)
        assert [text[:200] for text in told if not no_canary(text.encode())] == []
        work.lab.kubectl("set", "env", "deployment/canaries", "A=b", "-n", NAMESPACE)
        told.append(work.apply(status=None))
        assert no_canary(told[-1].encode())
        files = [path for path in here.state.rglob("*") if path.is_file() and not path.is_symlink()]
        leaking = [
            str(path) for path in files if os.access(path, os.R_OK) and not no_canary(path.read_bytes())
        ]
        assert leaking == []
