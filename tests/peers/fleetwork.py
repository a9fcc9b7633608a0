"""One service on the whole lab, and questions to each platform by its own client."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.lab import Lab
from tests.world import ROOT, World, free_port

CLUSTERS = ("kubernetes", "openshift")
NAMESPACE = "web"


@dataclass(frozen=True)
class Fleetwork:
    """A world whose fleet is the lab, and one service of its own name in it."""

    here: World
    lab: Lab
    name: str
    port: int

    @property
    def declaration(self) -> Path:
        return self.here.home / self.name / "service.yaml"

    def run(self, *words: str, status: int | None = 0, **more: str) -> str:
        """What `trimaran WORDS --fleet lab.yaml` prints, problems after it."""
        done = self.here.run(*words, "--fleet", str(self.lab.fleet), status=status, **more)
        return done.stdout + done.stderr

    def apply(self, *words: str, status: int | None = 0, **more: str) -> str:
        words = ("apply", str(self.declaration), "-q", "--wait", "30", *words)
        return self.run(*words, status=status, **more)

    def report(self, *words: str, status: int | None = 0) -> dict[str, Any]:
        """What a command says as JSON."""
        done = self.here.run(*words, "-o", "json", "-q", "--fleet", str(self.lab.fleet), status=status)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def report_here(self, *words: str) -> dict[str, Any]:
        """The same of a command that needs no fleet."""
        found: dict[str, Any] = json.loads(self.here.run(*words, "-o", "json").stdout)
        return found

    def plan(self, *words: str) -> list[str]:
        """What a plan would do, as `VERB TARGET KIND/NAME`."""
        found = self.report("plan", str(self.declaration), *words)
        return [
            f"{item['verb']} {each['target']} {item['kind']}/{item['name']}"
            for each in found["targets"]
            for item in each.get("items", ())
        ]

    def declare(self, **changes: Any) -> None:
        """Change fields of `spec`; None takes one away."""
        document = yaml.safe_load(self.declaration.read_text("utf-8"))
        for name, value in changes.items():
            if value is None:
                document["spec"].pop(name, None)
            else:
                document["spec"][name] = value
        self.declaration.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")

    # -- the platforms' own word

    def objects(self, cluster: str) -> dict[str, str]:
        """Kind/name → resource version of what carries our label, events and pods left out."""
        kinds = "serviceaccounts,configmaps,services,deployments,poddisruptionbudgets,networkpolicies"
        kinds += ",horizontalpodautoscalers,externalsecrets,prometheusrules,servicemonitors"
        kinds += ",httproutes" if cluster == "kubernetes" else ",routes"
        chosen = f"app.kubernetes.io/managed-by=trimaran,app.kubernetes.io/name={self.name}"
        found = self.lab.objects(kinds, "-n", NAMESPACE, "-l", chosen, context=cluster)
        return {
            f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["resourceVersion"]
            for each in found["items"]
        }

    def deployment(self, cluster: str) -> dict[str, Any]:
        found: dict[str, Any] = self.lab.objects("deployment", self.name, "-n", NAMESPACE, context=cluster)
        return found

    def variable(self, cluster: str, name: str) -> str | None:
        """An environment variable of the deployed container."""
        (container,) = self.deployment(cluster)["spec"]["template"]["spec"]["containers"]
        return next((each.get("value") for each in container.get("env", ()) if each["name"] == name), None)

    def route_host(self) -> str:
        found = self.lab.objects("route", f"{self.name}-public", "-n", NAMESPACE, context="openshift")
        host: str = found["spec"]["host"]
        return host

    def machines(self) -> dict[str, dict[str, Any]]:
        """Our machines by name, as govc tells them."""
        paths = self.lab.govc("find", "/", "-type", "m", "-name", f"{self.name}-*").split()
        if not paths:
            return {}
        found = json.loads(self.lab.govc("vm.info", "-json", "-e", *paths))
        return {each["name"]: each for each in found["virtualMachines"]}

    def tasks(self) -> list[str]:
        """Every task that the vCenter remembers, with its key."""
        return re.findall(r"task-\d+", self.lab.govc("tasks", "-n", "10000", "-l"))

    def writes(self, cluster: str) -> int:
        """How many server-side applies and deletions of ours the API server has counted."""
        text = self.lab.kubectl("get", "--raw", "/metrics", context=cluster)
        found = re.findall(r'^apiserver_request_total\{[^}]*verb="APPLY"[^}]*\} (\S+)$', text, re.MULTILINE)
        return int(sum(map(float, found)))

    def host_file(self) -> Path:
        (found,) = (self.here.state / "host/host/files").rglob("app.yaml")
        return found


def wait_for(what: Any, seconds: float = 30) -> None:
    """Until `what()` is true; fails after `seconds`."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.1)


@contextmanager
def fleetwork(here: World, lab: Lab, name: str) -> Iterator[Fleetwork]:
    """The article service under another name, on every platform of the lab when it is applied."""
    port = free_port()
    document = yaml.safe_load((ROOT / "examples/article/service.yaml").read_text("utf-8"))
    document["metadata"] = {"name": name, "labels": {"team": "tests"}}
    spec = document["spec"]
    # PyYAML reads a bare `off` as false.
    spec["build"] |= {"path": "src", "cgo": "off"}
    spec["command"] = {"args": [f"-port={port}"]}
    spec["ports"] = {"http": port}
    spec["env"] = {"LOG_LEVEL": "info"}
    spec["files"] = {"/etc/article/app.yaml": {"content": "greeting: hello\n"}}
    spec["secrets"] = {"DB_PASSWORD": {"from": "vault", "path": f"kv/{name}", "key": "password"}}
    spec["volumes"] = {
        "cache": {"mount": "/var/cache/article", "size": "1Gi", "encrypted": "required", "per": "replica"}
    }
    # The simulator takes a storage policy and encrypts nothing, which a machine that must be is told of.
    spec["overrides"] = {"vsphere": {"volumes": {"cache": {"encrypted": "preferred"}}}}
    spec["routes"]["public"]["host"] = f"{name}.example.com"
    folder = here.home / name
    folder.mkdir()
    (folder / "src").symlink_to(ROOT / "examples/article")
    work = Fleetwork(here, lab, name, port)
    work.declaration.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    try:
        yield work
    finally:
        work.run("down", name, status=None)
