"""Drift by other hands on two clusters and a vCenter: told with their names, kept, put back, gone back from.

What is there is asked with kubectl and govc, never with our own clients.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster import namespace_for
from tests.lab import Lab
from tests.world import World

pytestmark = pytest.mark.peer

IMAGE = "registry.example.com/web/web@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
SERVICE: dict[str, Any] = {
    "apiVersion": "trimaran.dev/v1alpha1",
    "kind": "PlatformAgnosticSpec",
    "metadata": {"name": "web", "labels": {"team": "web"}},
    "spec": {
        "image": IMAGE,
        "ports": {"http": 8080},
        "workload": {"replicas": 2},
        "routes": {"public": {"host": "web.example.com", "port": "http"}},
    },
}
CLUSTERS = ("kubernetes", "openshift")


@dataclass
class Yard:
    """One service on all targets of the lab but the host, in places of a test's own."""

    lab: Lab
    here: World
    place: str
    fleet: Path
    service: Path

    def run(self, *words: str, status: int = 0) -> str:
        done = self.here.run(*words, "--fleet", str(self.fleet), "--quiet", status=status)
        return done.stdout + done.stderr

    def apply(self, **spec: Any) -> None:
        self.service.write_text(yaml.safe_dump({**SERVICE, "spec": {**SERVICE["spec"], **spec}}))
        self.run("apply", str(self.service), "--wait", "0")

    def drift(self, *words: str, status: int = 1) -> list[tuple[str, str, str, list[str]]]:
        report = json.loads(self.run("drift", *words, "-o", "json", status=status))
        return [
            (each["kind"], each["object"]["target"], each["object"]["kind"], each["owners"])
            for each in report["drifts"]
            if each["kind"] != "expected"
        ]

    def kubectl(self, *words: str, context: str = "kubernetes") -> str:
        return self.lab.kubectl("--namespace", self.place, *words, context=context)

    def get(self, what: str, context: str = "kubernetes") -> Any:
        return json.loads(self.kubectl("get", what, "-o", "json", context=context))

    @property
    def machine(self) -> str:
        return f"/DC0/vm/{self.place}/web-0"

    def cpus(self) -> int:
        found = json.loads(self.lab.govc("vm.info", "-json", self.machine))
        count: int = found["virtualMachines"][0]["config"]["hardware"]["numCPU"]
        return count

    def spoil(self) -> None:
        """Other hands change each of the platforms."""
        self.kubectl("set", "image", "deployment/web", "web=registry.example.com/evil:1")
        self.kubectl("delete", "service", "web")
        patch = '{"spec": {"host": "other.example.com"}}'
        self.kubectl("patch", "route", "web-public", "--type=merge", "-p", patch, context="openshift")
        self.lab.govc("vm.power", "-off", "-force", self.machine)
        self.lab.govc("vm.change", "-vm", self.machine, "-c", "8")
        self.lab.govc("vm.power", "-on", self.machine)


@pytest.fixture
def yard(lab: Lab, here: World, tmp_path: Path) -> Iterator[Yard]:
    place = namespace_for(str(tmp_path))
    fleet = yaml.safe_load(lab.fleet.read_text("utf-8"))
    targets = fleet["spec"]["targets"]
    targets.pop("host", None)
    for name in targets:
        targets[name] |= {"folder": place} if name == "vsphere" else {"namespace": place}
    # Beside the lab's own, because what it names is relative to it.
    file = lab.fleet.with_name(f"{place}.yaml")
    file.write_text(yaml.safe_dump(fleet))
    for context in CLUSTERS:
        lab.kubectl("create", "namespace", place, context=context)
    found = Yard(lab, here, place, file, here.home / "web.yaml")
    found.apply()
    yield found
    for context in CLUSTERS:
        lab.kubectl("delete", "namespace", place, "--wait=false", context=context)
    lab.govc("object.destroy", f"/DC0/vm/{place}", status=None)
    file.unlink()


SPOILT = [
    ("live", "kubernetes", "Deployment", ["kubectl-set"]),
    ("missing", "kubernetes", "Service", []),
    ("live", "openshift", "Route", ["kubectl-patch"]),
    ("live", "vsphere", "VirtualMachine", []),
]


def test_drift_is_named_on_each_platform_and_put_back(yard: Yard) -> None:
    assert yard.drift(status=0) == []
    assert yard.drift(str(yard.service), status=0) == []
    yard.spoil()
    assert yard.drift() == SPOILT
    assert yard.drift(str(yard.service)) == SPOILT
    yard.run("revert", "--all", "--wait", "0")
    assert yard.drift(status=0) == []
    containers = yard.get("deployment/web")["spec"]["template"]["spec"]["containers"]
    assert [each["image"] for each in containers] == [IMAGE]
    assert yard.get("service/web")["spec"]["ports"][0]["port"] == 8080
    assert yard.get("route/web-public", "openshift")["spec"]["host"] == "web.example.com"
    assert yard.cpus() == 1
    versions = [yard.get(each)["metadata"]["resourceVersion"] for each in ("deployment/web", "service/web")]
    assert "nothing to revert" in yard.run("revert", "--all")
    again = [yard.get(each)["metadata"]["resourceVersion"] for each in ("deployment/web", "service/web")]
    assert again == versions


def test_what_is_adopted_is_left_by_apply_until_it_is_reverted(yard: Yard) -> None:
    yard.spoil()
    yard.run("adopt", "Route/web-public", "web-0", "kubernetes", "Deployment/web")
    assert yard.drift() == [SPOILT[1]]
    yard.run("apply", str(yard.service), "--wait", "0")
    assert yard.drift(str(yard.service), status=0) == []
    assert yard.get("route/web-public", "openshift")["spec"]["host"] == "other.example.com"
    containers = yard.get("deployment/web")["spec"]["template"]["spec"]["containers"]
    assert [each["image"] for each in containers] == ["registry.example.com/evil:1"]
    assert yard.cpus() == 8
    yard.run("revert", "web-0", "Route/web-public", "--wait", "0")
    assert yard.get("route/web-public", "openshift")["spec"]["host"] == "web.example.com"
    assert yard.cpus() == 1


def test_what_is_not_ours_any_more_is_taken_over_only_with_leave(yard: Yard) -> None:
    yard.kubectl("label", "--overwrite", "service/web", "app.kubernetes.io/managed-by=helm")
    assert yard.drift() == [("foreign", "kubernetes", "Service", ["kubectl-label"])]
    assert "error[TRM0776]" in yard.run("adopt", "kubernetes", "Service/web", status=2)
    yard.run("adopt", "kubernetes", "Service/web", "--take", "--wait", "0")
    assert yard.drift(status=0) == []
    labels = yard.get("service/web")["metadata"]["labels"]
    assert labels["app.kubernetes.io/managed-by"] == "trimaran"


def test_an_autoscalers_replicas_are_told_as_left_alone(yard: Yard) -> None:
    yard.apply(scaling={"min": 2, "max": 5, "cpu": "70%"}, resources={"requests": {"cpu": "10m"}})
    yard.kubectl("scale", "deployment/web", "--replicas=4")
    report = json.loads(yard.run("drift", str(yard.service), "-o", "json"))
    told = {each["object"]["target"]: each for each in report["drifts"] if each["kind"] == "expected"}
    (alone,) = [each for each in told["kubernetes"]["left_alone"] if each["path"] == "spec.replicas"]
    assert alone["live"] == 4
    assert alone["owner"]
    assert not report["drifted"]


def test_all_targets_go_back_to_an_earlier_revision(yard: Yard) -> None:
    yard.apply(routes={"new": {"host": "new.example.com", "port": "http"}}, ports={"http": 8081})
    assert yard.get("route/web-new", "openshift")["spec"]["host"] == "new.example.com"
    yard.run("rollback", "1", "--wait", "0")
    for context in CLUSTERS:
        assert yard.get("service/web", context)["spec"]["ports"][0]["port"] == 8080
    routes = [each["metadata"]["name"] for each in yard.get("routes", "openshift")["items"]]
    assert routes == ["web-public"]
    assert "nothing to do: everything is as revision 1 left it" in yard.run("rollback", "1")
    assert yard.drift(status=0) == []
    told = json.loads(yard.here.run("history", "-o", "json").stdout)["revisions"]
    assert [(each["event"], each["state"]) for each in told] == [
        ("rollback", "done"),
        ("apply", "done"),
        ("apply", "done"),
    ]
    why = json.loads(yard.here.run("audit", "why", "kubernetes Service/web", "-o", "json").stdout)
    assert (why["revision"], why["origin"], why["proven"]) == (3, 1, True)
