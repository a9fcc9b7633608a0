"""Shipping real services on this machine: what a user gets, and what is left afterwards."""

import json
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from tests.world import World, answer, free_port

pytestmark = pytest.mark.peer

Example = tuple[Path, int]


def test_podinfo_ships_answers_after_the_command_and_is_not_changed_twice(
    here: World, podinfo: Example
) -> None:
    declaration, port = podinfo
    first = here.ship(declaration)
    assert first["changed"]
    assert answer(port, "/readyz") == 200
    counted = first["targets"][0]["objectives"]
    assert counted["answers"]["good"] == counted["answers"]["total"] >= 50
    assert counted["speed"]["total"] >= 50
    assert {each["outcome"] for each in first["verdicts"]} == {"runs"}
    ledger = _ledger(here)

    second = here.ship(declaration)

    assert not second["changed"]
    assert second["targets"][0]["pid"] == first["targets"][0]["pid"]
    assert _ledger(here) == ledger
    assert "intact" in here.run("audit", "verify").stdout

    here.run("down", str(declaration))
    assert answer(port, "/readyz") == 0
    assert here.processes() == []
    assert not list((here.state / "host/local").glob("services/*"))
    assert not list((here.state / "host/local").glob("bin/*"))
    assert "nothing of podinfo" in here.run("down", "podinfo").stdout


def _ledger(here: World) -> str:
    return here.run("audit", "list", "-o", "jsonl").stdout


def test_rendered_files_are_the_same_bytes_in_another_place(here: World, article: Example) -> None:
    declaration, _ = article
    here.run("render", str(declaration), "--out", "one")
    here.run("render", str(declaration), "--out", "two")
    one, two = (
        {path.relative_to(base): path.read_bytes() for path in base.rglob("*") if path.is_file()}
        for base in (here.home / "one", here.home / "two")
    )
    assert one == two
    assert {path.parts[0] for path in one} == {"local", "kubernetes", "openshift", "vsphere"}
    here.run("render", str(declaration), "--out", "one", "--check")
    (deployment,) = (here.home / "one/kubernetes/article").glob("*-deployment-article.yaml")
    deployment.write_text("replicas: 5\n")
    here.run("render", str(declaration), "--out", "one", "--check", status=1)


def test_a_change_is_planned_field_by_field_and_then_applied(here: World, article: Example) -> None:
    declaration, port = article
    pid = here.ship(declaration)["targets"][0]["pid"]
    assert here.run("plan", str(declaration), "--exit-code").stdout == "no change\n"
    text = declaration.read_text()
    declaration.write_text(text.replace("spec:\n", "spec:\n  env: {GREETING: hello}\n", 1))
    planned = json.loads(here.run("plan", str(declaration), "-o", "json").stdout)
    (item,) = planned["targets"][0]["items"]
    assert item["verb"] == "update"
    assert item["changes"] == [{"path": "env.GREETING", "before": None, "after": "hello"}]
    here.run("plan", str(declaration), "--exit-code", status=1)
    assert answer(port, "/readyz") == 200
    report = here.ship(declaration)
    assert report["targets"][0]["pid"] != pid
    environment = Path(f"/proc/{report['targets'][0]['pid']}/environ").read_bytes()
    assert b"GREETING=hello" in environment.split(b"\0")
    assert here.run("plan", str(declaration)).stdout == "no change\n"


def test_a_killed_program_is_started_again(here: World, article: Example) -> None:
    declaration, port = article
    pid = here.ship(declaration)["targets"][0]["pid"]
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while here.programs() in ([], [pid]) or answer(port, "/readyz") != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert len(here.programs()) == 1


def test_down_leaves_nothing_after_the_supervisor_was_killed(here: World, article: Example) -> None:
    declaration, port = article
    here.ship(declaration)
    os.kill(here.supervisor("article"), signal.SIGKILL)
    assert answer(port, "/readyz") == 200
    here.run("down", "article")
    assert answer(port, "/readyz") == 0
    assert here.processes() == []


def test_the_next_ship_adopts_what_a_killed_supervisor_left(here: World, article: Example) -> None:
    declaration, _ = article
    first = here.ship(declaration)
    os.kill(here.supervisor("article"), signal.SIGKILL)
    time.sleep(0.2)
    second = here.ship(declaration)
    assert second["changed"]
    assert second["targets"][0]["pid"] == first["targets"][0]["pid"]
    assert len(here.programs()) == 1
    assert not here.ship(declaration)["changed"]


def test_two_ships_at_once_start_one_service(here: World, article: Example) -> None:
    declaration, port = article
    here.run("render", str(declaration))  # so that both have their program at hand
    both = [here.start("ship", str(declaration)) for _ in range(2)]
    ended = [(process.communicate(timeout=120), process.returncode) for process in both]
    for (_, errors), status in ended:
        assert "Traceback" not in errors
        assert status == 0 or "TRM0410" in errors or "TRM0420" in errors, errors
    assert any(status == 0 for _, status in ended)
    assert len(here.programs()) == 1
    assert answer(port, "/readyz") == 200
    assert not here.ship(declaration)["changed"]
    here.run("audit", "verify")


def test_a_ship_killed_at_any_time_is_finished_by_the_next(here: World, article: Example) -> None:
    declaration, port = article
    here.run("render", str(declaration))
    chance = random.Random(20260101)
    for _ in range(12):
        process = here.start("ship", str(declaration))
        time.sleep(chance.uniform(0.3, 1.6))
        process.kill()
        process.communicate(timeout=60)
        assert len(here.programs()) <= 1
    here.ship(declaration)
    assert len(here.programs()) == 1
    assert answer(port, "/readyz") == 200
    assert not here.ship(declaration)["changed"]
    here.run("audit", "verify")
    here.run("down", "article")
    assert here.processes() == []


def test_a_taken_port_is_named_and_nothing_is_started(here: World, article: Example) -> None:
    declaration, port = article
    with socket.create_server(("127.0.0.1", port)):
        done = here.run("ship", str(declaration), status=2)
    assert "TRM0553" in done.stderr
    assert str(port) in done.stderr
    assert here.programs() == []
    here.ship(declaration)
    assert answer(port, "/readyz") == 200


def test_a_service_that_never_becomes_ready_shows_its_log(here: World, article: Example) -> None:
    declaration, port = article
    # It listens elsewhere than it declares.
    declaration.write_text(declaration.read_text().replace(f"-port={port}", f"-port={free_port()}"))
    done = here.run("ship", str(declaration), "--wait", "2", status=2)
    assert "TRM0710" in done.stderr
    # What the service itself wrote, which no text of ours holds.
    assert "listening on" in done.stderr
    here.run("down", "article")
    assert here.processes() == []


def test_a_service_that_ends_at_once_is_not_waited_for(here: World, article: Example) -> None:
    declaration, _ = article
    declaration.write_text(declaration.read_text().replace("-port=", "-no-such-flag="))
    began = time.monotonic()
    done = here.run("ship", str(declaration), "--wait", "60", status=2)
    assert time.monotonic() - began < 30
    assert "flag provided but not defined" in done.stderr
    here.run("down", "article")


def test_a_full_disk_is_one_clear_error_and_the_next_run_goes_on(here: World, article: Example) -> None:
    declaration, port = article
    here.run("render", str(declaration))
    state = here.home / "state"
    state.mkdir()
    here.environment["XDG_STATE_HOME"] = str(state)
    # The mount lives in a namespace of its own and goes with the command.
    script = 'mount -t tmpfs -o size=4m none "$1" && shift && exec "$@"'
    argv = ["unshare", "--mount", "sh", "-c", script, "sh", str(state), *here.argv("ship", str(declaration))]
    done = subprocess.run(
        argv, env=here.environment, cwd=here.home, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "No space left" in done.stderr or "disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    here.ship(declaration)
    assert answer(port, "/readyz") == 200
    here.run("down", "article")


def test_a_secret_reaches_the_program_and_nothing_else(here: World, article: Example) -> None:
    declaration, _ = article
    canary = "canary-7d1f0c9e4b"
    text = declaration.read_text()
    declaration.write_text(
        text.replace("spec:\n", "spec:\n  secrets: {DB_PASSWORD: {from: env, path: MY_PASSWORD}}\n", 1)
    )
    done = here.run("ship", str(declaration), "-o", "json", MY_PASSWORD=canary)
    pid = json.loads(done.stdout)["targets"][0]["pid"]
    assert f"DB_PASSWORD={canary}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert canary not in done.stdout + done.stderr
    for path in [*here.state.rglob("*"), *declaration.parent.rglob("*")]:
        if path.is_file():
            assert canary.encode() not in path.read_bytes(), path
    here.run("down", "article")
    missing = here.run("ship", str(declaration), status=2)
    assert "MY_PASSWORD" in missing.stderr


def test_init_writes_a_declaration_that_ships(here: World, article: Example) -> None:
    declaration, _ = article
    declaration.unlink()
    source = declaration.parent / "main.go"
    port = free_port()
    source.write_text(source.read_text().replace("8080", str(port)))
    here.run("init", str(declaration.parent))
    here.ship(declaration)
    assert answer(port, "/readyz") == 200
    here.run("init", str(declaration.parent), status=2)


def test_a_required_distribution_on_which_it_fails_stops_the_ship(here: World, article: Example) -> None:
    declaration, port = article
    source = declaration.parent / "main.go"
    source.write_text(source.read_text().replace("import (", 'import "C"\n\nimport (', 1))
    text = declaration.read_text()
    declaration.write_text(text.replace("cgo: off", "cgo: on"))
    assert "alpine-3.23" in text
    done = here.run("ship", str(declaration), status=1)
    assert "TRM0703" in done.stderr
    assert "alpine-3.23" in done.stderr
    assert here.programs() == []
    assert answer(port, "/readyz") == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_leaves_no_compiler_behind(
    here: World, article: Example, number: signal.Signals
) -> None:
    declaration, _ = article
    here.environment["GOCACHE"] = str(here.home / f"empty-{number}")
    here.environment["XDG_CACHE_HOME"] = str(here.home / "cache")
    process = here.start("ship", str(declaration))
    deadline = time.monotonic() + 60
    while not any((here.home / f"empty-{number}").glob("*/*")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors
    deadline = time.monotonic() + 10
    while _mentions(str(here.home / f"empty-{number}")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _mentions(folder: str) -> list[int]:
    """Processes that were told of a folder by their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if folder.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_a_job_that_ends_well_is_shipped_and_not_started_again(here: World, article: Example) -> None:
    declaration, _ = article
    program = declaration.parent / "once"
    program.write_bytes(Path("/bin/true").resolve().read_bytes())
    declaration.write_text(
        "apiVersion: trimaran.dev/v1alpha1\nkind: PlatformAgnosticSpec\nmetadata: {name: once}\n"
        "spec: {binary: once, workload: {type: job}}\n"
    )
    assert here.ship(declaration)["changed"]
    assert here.programs() == []
    assert not here.ship(declaration)["changed"]
    program.write_bytes(Path("/bin/false").resolve().read_bytes())
    done = here.run("ship", str(declaration), "--wait", "20", status=2)
    assert "TRM0710" in done.stderr
    here.run("down", "once")
    assert here.processes() == []
