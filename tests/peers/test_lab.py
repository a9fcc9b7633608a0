"""The lab itself: that it is real, that nobody else gets in, and that it survives what is done to it."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from tests.lab import Lab
from tests.world import World, world

from trimaran.errors import TrimaranError
from trimaran.lab import build, processes, programs, recipes
from trimaran.lab.api import Api
from trimaran.spec import load
from trimaran.supervise import supervisor

CLUSTERS = ("kubernetes", "openshift")
LISTENING = "0A"  # a socket's state in /proc/net/tcp


def _api(lab: Lab, cluster: str, token: str = "") -> Api:
    port = int(lab.address(f"{cluster}-api").rpartition(":")[2])
    return Api(port, (lab.root / "ca.crt").read_bytes(), token)


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("token", ["", "wrong"])
def test_an_api_server_refuses_who_has_no_token(lab: Lab, cluster: str, token: str) -> None:
    with _api(lab, cluster, token) as api:
        for path in ("/api/v1/namespaces", "/readyz", "/metrics", "/version"):
            assert api.ask("GET", path)[0] == 401, path


def test_the_same_request_with_a_token_is_answered(lab: Lab) -> None:
    tokens = json.loads((lab.root / "credentials.json").read_bytes())["tokens"]
    with _api(lab, "openshift", tokens["admin"]) as api:
        assert api.ask("GET", "/api/v1/namespaces")[0] == 200


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_who_may_only_read_cannot_write(lab: Lab, cluster: str) -> None:
    reader = f"{cluster}-reader"
    lab.kubectl("get", "deployments", "-n", "web", context=reader)
    said = lab.kubectl("create", "configmap", "x", "-n", "web", context=reader, status=1)
    assert "forbidden" in said
    assert "forbidden" in lab.kubectl("get", "secrets", "-n", "web", context=reader, status=1)


def test_etcd_refuses_who_has_no_certificate(lab: Lab) -> None:
    host, _, port = lab.address("etcd").rpartition(":")
    trusting = ssl.create_default_context(cafile=str(lab.root / "ca.crt"))
    with pytest.raises(OSError, match=r"(?i)certificate required|reset|alert|EOF"):
        _first_line(trusting, host, int(port))
    trusting.load_cert_chain(lab.root / "server.crt", lab.root / "server.key")
    assert b"200" in _first_line(trusting, host, int(port))


def _first_line(context: ssl.SSLContext, host: str, port: int) -> bytes:
    plain = socket.create_connection((host, port), timeout=10)
    with plain, context.wrap_socket(plain, server_hostname=host) as secured:
        secured.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = secured.recv(64)
        if not answer:
            raise ConnectionError("EOF")
        return answer


def test_the_vcenter_refuses_a_wrong_password_and_holds_what_the_fleet_names(lab: Lab) -> None:
    assert "Login failure" in lab.govc("ls", GOVC_PASSWORD="wrong", status=1)
    assert lab.govc("object.collect", "-s", "vm/debian-12", "config.template").strip() == "true"
    assert "VM Encryption Policy" in lab.govc("storage.policy.ls")
    lab.govc("tags.category.ls")


def test_tls_of_the_vcenter_is_checked_against_our_ca(lab: Lab) -> None:
    trusting = ssl.create_default_context(cafile=str(lab.root / "ca.crt"))
    address = f"https://{lab.address('vsphere')}/about"
    with urllib.request.urlopen(address, timeout=10, context=trusting) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(address, timeout=10, context=ssl.create_default_context())


def _listening(pids: set[int]) -> set[tuple[str, str]]:
    """(table, address and port in hexadecimal) of every socket on which these processes listen."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            target = str(link.readlink())
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and (fields[3] == LISTENING or table.startswith("udp")):
                found.add((table, fields[1]))
    return found


def test_every_socket_listens_on_the_loopback_address_only(lab: Lab) -> None:
    found = _listening({each.pid for each in processes.found(lab.root)})
    assert {table for table, _ in found} == {"tcp"}
    assert {address.partition(":")[0] for _, address in found} == {"0100007F"}
    ports = {int(address.partition(":")[2], 16) for _, address in found}
    named = {int(row.address.rpartition(":")[2]) for row in lab.rows if row.address}
    assert named < ports
    assert len(ports) == len(named) + 1, "etcd's port for its peers is the only other"


def test_nobody_else_reads_what_the_lab_wrote(lab: Lab) -> None:
    assert lab.root.stat().st_mode & 0o077 == 0
    open_to_all = [
        str(path) for path in lab.root.rglob("*") if path.is_file() and path.stat().st_mode & 0o077
    ]
    assert open_to_all == []


def test_no_secret_stands_on_a_command_line_or_in_an_environment(lab: Lab) -> None:
    tokens = json.loads((lab.root / "credentials.json").read_bytes())["tokens"]
    secrets = [value.encode() for value in (*tokens.values(), lab.password)]
    for each in processes.found(lab.root):
        for what in ("cmdline", "environ"):
            text = Path(f"/proc/{each.pid}/{what}").read_bytes()
            assert not [one for one in secrets if one in text], (each.member, what)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_pods_run_and_volumes_of_both_classes_are_bound(lab: Lab, cluster: str) -> None:
    documents = [_claim("standard"), _claim("encrypted"), _deployment()]
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
    lab.kubectl("create", "namespace", "running", context=cluster)
    lab.kubectl("apply", "-n", "running", "-f", "-", context=cluster, given=given)
    lab.kubectl(*("rollout", "status", "deployment/app", "-n", "running", "--timeout=60s"), context=cluster)
    pods = lab.objects("pods", "-n", "running", context=cluster)["items"]
    assert [pod["spec"]["nodeName"] for pod in pods] == ["lab-0", "lab-0"]
    claims = lab.objects("pvc", "-n", "running", context=cluster)["items"]
    assert {claim["status"]["phase"] for claim in claims} == {"Bound"}
    lab.kubectl("delete", "namespace", "running", "--wait=false", context=cluster)


def _claim(kind: str) -> dict[str, Any]:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": kind,
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": kind}, "spec": spec}


def _deployment() -> dict[str, Any]:
    volumes = [
        {"name": name, "persistentVolumeClaim": {"claimName": name}} for name in ("standard", "encrypted")
    ]
    pod = {"containers": [{"name": "app", "image": "registry.invalid/app:1"}], "volumes": volumes}
    labels = {"app": "app"}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app"}, "spec": spec}


def test_each_cluster_serves_its_definitions(lab: Lab) -> None:
    served = {name: lab.kubectl("api-resources", "-o", "name", context=name).split() for name in CLUSTERS}
    for name in CLUSTERS:
        assert {
            "externalsecrets.external-secrets.io",
            "prometheusrules.monitoring.coreos.com",
            "servicemonitors.monitoring.coreos.com",
        } <= set(served[name])
        lab.kubectl("get", "clustersecretstore", "vault", context=name)
    assert "httproutes.gateway.networking.k8s.io" in served["kubernetes"]
    assert {"routes.route.openshift.io", "applications.argoproj.io"} <= set(served["openshift"])
    assert "constrainttemplates.templates.gatekeeper.sh" in served["openshift"]


def test_the_fleet_file_is_read_and_names_four_targets(lab: Lab) -> None:
    targets = load.fleet(str(lab.fleet)).spec.targets
    assert list(targets) == ["kubernetes", "openshift", "vsphere", "host"]
    assert lab.fleet.stat().st_size > 0


def test_openshift_processes_a_template(lab: Lab) -> None:
    template = {
        "apiVersion": "template.openshift.io/v1",
        "kind": "Template",
        "parameters": [{"name": "REPLICAS", "value": "1"}, {"name": "NAME", "required": True}],
        "objects": [
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "${NAME}", "namespace": "gone"},
                "spec": {"replicas": "${{REPLICAS}}"},
            }
        ],
    }
    (made,) = lab.process_template(template, NAME="app", REPLICAS="3")
    assert made["spec"]["replicas"] == 3, "a number, as ${{}} wants it"
    assert made["metadata"]["name"] == "app"
    assert not made["metadata"].get("namespace")
    with pytest.raises(AssertionError, match="no parameter OTHER"):
        lab.process_template(template, OTHER="x")


@pytest.fixture
def away(tmp_path: Path) -> Iterator[World]:
    """An empty home whose lab uses the compiled programs; whatever it still runs at the end is ended."""
    with world(tmp_path) as here:
        here.environment["XDG_CACHE_HOME"] = str(platformdirs.user_cache_path())
        try:
            yield here
        finally:
            here.run("lab", "down", "--purge", "-q", status=None)


def _root(here: World) -> Path:
    return (here.state / "lab").resolve()


def _status(here: World, status: int) -> dict[str, dict[str, Any]]:
    document = json.loads(here.run("lab", "status", "-o", "json", status=status).stdout)
    assert document["up"] is (status == 0)
    return {member["member"]: member for member in document["members"]}


def test_a_foreign_fleet_file_ends_it_before_anything_is_started(away: World) -> None:
    mine = away.home / "lab.yaml"
    mine.write_text("kind: Fleet\n")
    done = away.run("lab", "up", status=2)
    assert "error[TRM1001]" in done.stderr
    assert mine.read_text() == "kind: Fleet\n"
    assert processes.found(_root(away)) == ()
    assert {member["state"] for member in _status(away, 1).values()} == {"down"}
    assert "none was running" in away.run("lab", "down", "-q").stdout


def test_a_member_that_cannot_start_is_named_with_the_end_of_its_log(away: World) -> None:
    _root(away).mkdir(parents=True)
    (_root(away) / "etcd").write_text("in the way of etcd's folder")
    said = away.run("lab", "up", "-q", status=2).stderr
    assert "error[TRM1004]: etcd ended while the lab was starting" in said
    assert "not a directory" in said
    assert _status(away, 1)["etcd"]["state"] == "down"


def test_a_build_that_is_killed_leaves_nothing_half_made_and_goes_on(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from trimaran.lab import programs; "
    script += "programs(Path(sys.argv[1]), print, ['process-template'])"
    argv = [sys.executable, "-u", "-c", script, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        assert b"compiling" in killed.stdout.readline()
        killed.kill()
    target = build.place(tmp_path, "process-template")
    assert not target.exists()
    assert list((tmp_path / "lab").glob(".scratch-*"))
    said: list[str] = []
    assert programs(tmp_path, said.append, ["process-template"]) == {"process-template": target}
    assert os.access(target, os.X_OK)
    assert not list((tmp_path / "lab").glob(".scratch-*"))
    said.clear()
    programs(tmp_path, said.append, ["process-template"])
    assert said == [], "the second time there is nothing to do"


def test_a_module_with_another_sum_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = recipes()
    wrong = replace(real, stages=replace(real.stages, sum="h1:" + 43 * "A" + "="))
    monkeypatch.setattr(build, "recipes", lambda: wrong)
    with pytest.raises(TrimaranError, match="TRM1003"):
        build.extracts(tmp_path, lambda line: None)
    assert not build.definitions(tmp_path).exists()


def test_a_lab_is_killed_mended_and_ended(away: World) -> None:
    killed = away.start("lab", "up", "-q")
    _until(lambda: len(processes.found(_root(away))) >= 3)
    killed.kill()
    killed.communicate()
    halfway = {each.member: each.pid for each in processes.found(_root(away))}

    # What was started goes on; the rest is started now, and nothing twice.
    assert "started" in away.run("lab", "up", "-q").stdout
    up = _status(away, 0)
    assert len(up) == len(processes.found(_root(away))) == 10
    assert {name: up[name]["pid"] for name in halfway} == halfway

    again = away.run("lab", "up", "-q")
    assert "all 10 were up already" in again.stdout
    assert _pids(_status(away, 0)) == _pids(up)

    # One that dies is seen, and it alone is started anew, with what it kept.
    os.kill(up["etcd"]["pid"], signal.SIGKILL)
    _until(lambda: not supervisor.stat_of(up["etcd"]["pid"]))
    assert _status(away, 1)["etcd"]["state"] == "down"
    assert "10 up, 1 started" in away.run("lab", "up", "-q").stdout
    mended = _status(away, 0)
    assert [name for name in up if mended[name]["pid"] != up[name]["pid"]] == ["etcd"]

    # A namespace that somebody deleted is there again.
    tokens = json.loads((_root(away) / "credentials.json").read_bytes())["tokens"]
    port = int(mended["openshift-api"]["address"].rpartition(":")[2])
    with Api(port, (_root(away) / "ca.crt").read_bytes(), tokens["admin"]) as api:
        assert api.ask("DELETE", "/api/v1/namespaces/web")[0] == 200
        _until(lambda: api.ask("GET", "/api/v1/namespaces/web")[0] == 404)
        away.run("lab", "up", "-q")
        assert api.ask("GET", "/api/v1/namespaces/web")[0] == 200

    # A stranger that carries no mark of ours survives.
    with subprocess.Popen(["sleep", "60"]) as stranger:
        ports = [member["address"] for member in mended.values() if member["address"]]
        assert "10 ended" in away.run("lab", "down", "-q").stdout
        assert stranger.poll() is None
        stranger.kill()
    assert processes.found(_root(away)) == ()
    for address in ports:
        host, _, port = address.partition(":")
        with socket.socket() as probe:
            assert probe.connect_ex((host, int(port))) != 0, f"{address} still listens"
    assert {member["state"] for member in _status(away, 1).values()} == {"down"}
    assert (away.home / "lab.yaml").is_file()
    away.run("lab", "down", "--purge", "-q")
    assert not (away.home / "lab.yaml").exists()
    assert not _root(away).exists()


def _pids(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rows without what changes from one look to the next."""
    return {name: {**row, "memory_bytes": 0} for name, row in rows.items()}


def _until(good: Any, patience_s: float = 60) -> None:
    end = time.monotonic() + patience_s
    while not good():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)
