"""The host session against this machine: real programs, files and ports."""

import hashlib
import os
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.platform.host.conftest import CANARY, SHELL_DIGEST
from tests.unit.supervise.living import wait_for

from trimaran.action import Action, Json, Landed, ObjectRef, Scope, Undo, Verb
from trimaran.errors import TrimaranError
from trimaran.platform.host.session import HostSession
from trimaran.supervise import control

WEB = ObjectRef("local", "Process", "web")
CONF = ObjectRef("local", "File", "/etc/web/app.yaml")
SOON = 60.0


def web(script: str = "echo hello; sleep 600 & wait", **fields: Any) -> dict[str, Json]:
    return {
        "service": "web",
        "binary": SHELL_DIGEST,
        "program": "web",
        "args": ["-c", script],
        "env": {},
        "secrets": {},
        "ports": {},
        "ready": None,
        "restart": "always",
        "grace_s": 5,
        **fields,
    }


def conf(content: str = "a: 1\n", mode: str = "0440", path: str = CONF.name) -> dict[str, Json]:
    return {"service": "web", "path": path, "content": content, "mode": mode}


def action(verb: Verb, ref: ObjectRef, payload: Mapping[str, Json], key: str = "k1") -> Action:
    return Action("local", verb, ref, payload, None, Undo.RESTORE, "test", key)


def apply(host: HostSession, act: Action, fence: int = 1) -> bool:
    return host.apply(act, fence, time.monotonic() + SOON).changed


def create(host: HostSession, document: Mapping[str, Json], ref: ObjectRef = WEB) -> bool:
    return apply(host, action(Verb.CREATE, ref, document))


def seen(host: HostSession, ref: ObjectRef = WEB) -> dict[str, Json]:
    found = {each.ref: each.document for each in host.observe(Scope("local")).objects}
    return dict(found[ref])


def codes(error: TrimaranError) -> list[str]:
    return [problem.code for problem in error.problems]


def test_a_created_program_runs_and_is_seen_as_it_was_applied(host: HostSession) -> None:
    assert create(host, web())
    document = seen(host)
    status = document.pop("status")
    assert document == web()
    assert status["state"] == "running"
    assert Path(f"/proc/{status['pid']}").is_dir()
    wait_for(lambda: host.log("web") == ("hello",))


def test_creating_it_again_changes_nothing(host: HostSession) -> None:
    create(host, web())
    before = seen(host)
    assert not create(host, web())
    assert seen(host) == before


def test_an_update_replaces_the_program(host: HostSession) -> None:
    create(host, web())
    first = seen(host)["status"]["pid"]
    update = action(Verb.UPDATE, WEB, web("echo other; sleep 600 & wait"))
    assert host.landed(update) is Landed.NO
    assert apply(host, update)
    assert host.landed(update) is Landed.YES
    assert seen(host)["status"]["pid"] != first
    assert not Path(f"/proc/{first}").exists()


def test_an_update_that_the_program_does_not_see_leaves_it_running(host: HostSession) -> None:
    create(host, web())
    first = seen(host)["status"]["pid"]
    assert apply(host, action(Verb.UPDATE, WEB, web(ready={"port": 1, "path": "/readyz"})))
    assert seen(host)["status"]["pid"] == first
    assert seen(host)["ready"] == {"port": 1, "path": "/readyz"}


def test_another_secret_reference_starts_the_program_anew(host: HostSession) -> None:
    one = {"PASSWORD": {"from": "env", "path": "ONE", "key": "", "as": "env"}}
    two = {"PASSWORD": {"from": "env", "path": "TWO", "key": "", "as": "env"}}
    create(host, web(secrets=one))
    first = seen(host)["status"]["pid"]
    apply(host, action(Verb.UPDATE, WEB, web(secrets=two)))
    assert seen(host)["status"]["pid"] != first


def test_a_seen_document_can_be_applied_to_undo(host: HostSession) -> None:
    create(host, web())
    before = seen(host)
    apply(host, action(Verb.UPDATE, WEB, web("sleep 600 & wait")))
    back = action(Verb.UPDATE, WEB, before, "undo:k1")
    assert apply(host, back)
    assert host.landed(back) is Landed.YES
    assert seen(host)["args"] == before["args"]


def test_a_restart_is_done_once(host: HostSession) -> None:
    create(host, web())
    first = seen(host)["status"]["pid"]
    restart = action(Verb.RESTART, WEB, {}, "r1")
    assert host.landed(restart) is Landed.NO
    assert apply(host, restart)
    second = seen(host)["status"]["pid"]
    assert second != first
    assert host.landed(restart) is Landed.YES
    assert not apply(host, restart)
    assert not create(host, web())
    assert seen(host)["status"]["pid"] == second


def test_a_delete_leaves_no_program_and_no_file(host: HostSession) -> None:
    create(host, web())
    create(host, conf(), CONF)
    pid = seen(host)["status"]["pid"]
    for ref, document in ((WEB, web()), (CONF, conf())):
        delete = action(Verb.DELETE, ref, document)
        assert host.landed(delete) is Landed.NO
        assert apply(host, delete)
        assert host.landed(delete) is Landed.YES
        assert not apply(host, delete)
    assert not Path(f"/proc/{pid}").exists()
    assert host.observe(Scope("local")).objects == ()
    assert sorted(path.name for path in host.root.iterdir()) == ["fence", "fence.lock"]


def test_a_delete_has_not_landed_while_a_program_is_left(host: HostSession) -> None:
    create(host, web())
    (host.root / "services" / "web" / "applied.json").unlink()
    assert host.landed(action(Verb.DELETE, WEB, web())) is Landed.NO


def test_a_killed_program_and_supervisor_are_seen_as_gone_and_started_again(host: HostSession) -> None:
    create(host, web())
    kept = control.status(host.root / "services" / "web")
    assert kept.supervisor is not None
    assert kept.child is not None
    os.kill(kept.supervisor.pid, signal.SIGKILL)
    wait_for(lambda: seen(host)["status"]["state"] == "lost")
    os.kill(kept.child.pid, signal.SIGKILL)
    wait_for(lambda: seen(host)["status"]["state"] == "gone")
    again = action(Verb.CREATE, WEB, web())
    assert host.landed(again) is Landed.NO
    assert apply(host, again)
    assert seen(host)["status"]["state"] == "running"


def test_an_older_lease_is_refused_and_changes_nothing(host: HostSession) -> None:
    apply(host, action(Verb.CREATE, CONF, conf()), fence=7)
    with pytest.raises(TrimaranError) as refused:
        apply(host, action(Verb.DELETE, CONF, conf()), fence=6)
    assert codes(refused.value) == ["TRM0550"]
    assert seen(host, CONF) == conf()
    assert apply(host, action(Verb.DELETE, CONF, conf()), fence=7)


def test_nothing_is_begun_after_the_deadline(host: HostSession) -> None:
    with pytest.raises(TrimaranError) as refused:
        host.apply(action(Verb.CREATE, WEB, web()), 1, time.monotonic() - 1)
    assert codes(refused.value) == ["TRM0557"]
    assert host.observe(Scope("local")).objects == ()


def test_a_taken_port_is_named_with_its_holder_before_anything_starts(host: HostSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(TrimaranError) as refused:
            create(host, web(ports={"http": port}))
    assert codes(refused.value) == ["TRM0553"]
    assert f"port {port} (http) is taken by process {os.getpid()} (" in refused.value.problems[0].what
    assert host.landed(action(Verb.CREATE, WEB, web())) is Landed.NO


def test_a_service_may_keep_its_own_port(host: HostSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    serve = f"import http.server as h; h.test(h.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
    document = web(f'exec python3 -c "{serve}"', ports={"http": port}, ready={"port": port, "path": "/"})
    create(host, document)
    wait_for(lambda: seen(host)["status"]["ready"])
    assert seen(host)["status"]["answer"].startswith("HTTP/1.0 200")
    assert apply(host, action(Verb.UPDATE, WEB, {**document, "env": {"A": "1"}}))
    wait_for(lambda: seen(host)["status"]["ready"])
    stream = host.dial(WEB, port)
    stream.send(b"GET /nothing HTTP/1.0\r\n\r\n")
    assert stream.receive(12) == b"HTTP/1.0 404"
    stream.close()


def test_a_port_where_nobody_listens_is_one_clear_error(host: HostSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    with pytest.raises(TrimaranError) as refused:
        host.dial(WEB, port)
    assert codes(refused.value) == ["TRM0558"]


def test_an_altered_artifact_is_refused(host: HostSession, tmp_path: Path) -> None:
    (tmp_path / "built").write_bytes(b"altered")
    with pytest.raises(TrimaranError) as refused:
        create(host, web())
    assert codes(refused.value) == ["TRM0554"]
    assert host.observe(Scope("local")).objects == ()


def test_a_program_that_cannot_run_here_is_applied_and_says_why(host: HostSession, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"\x7fELF for some other machine")
    name = "sha256:" + hashlib.sha256(foreign.read_bytes()).hexdigest()
    host.artifacts = {name: foreign}
    create(host, web(binary=name))
    status = seen(host)["status"]
    assert status["state"] == "failed"
    assert status["reason"].startswith("exec failed with ENOEXEC: its format is not one this machine runs")


def test_a_secret_reaches_the_program_and_nothing_else(host: HostSession) -> None:
    reference = {"PASSWORD": {"from": "env", "path": "P", "key": "", "as": "env"}}
    script = 'case "$PASSWORD" in canary-84*) echo given;; esac; sleep 600 & wait'
    create(host, web(script, secrets=reference))
    wait_for(lambda: host.log("web") == ("given",))
    assert CANARY not in str(host.observe(Scope("local")))
    kept = [path for path in host.root.rglob("*") if path.is_file()]
    assert len(kept) > 5
    assert not [path for path in kept if CANARY.encode() in path.read_bytes()]


def test_a_secret_as_a_file_is_refused(host: HostSession) -> None:
    with pytest.raises(TrimaranError) as refused:
        create(host, web(secrets={"P": {"from": "env", "path": "P", "key": "", "as": "file"}}))
    assert codes(refused.value) == ["TRM0559"]


def test_a_file_is_written_beneath_the_target_with_its_mode(host: HostSession) -> None:
    assert create(host, conf(), CONF)
    assert not create(host, conf(), CONF)
    placed = host.root / "files/etc/web/app.yaml"
    assert placed.read_text() == "a: 1\n"
    assert placed.stat().st_mode & 0o777 == 0o440
    assert seen(host, CONF) == conf()
    assert host.landed(action(Verb.CREATE, CONF, conf())) is Landed.YES
    assert not Path("/etc/web").exists()


def test_a_file_altered_by_hand_is_seen_as_it_is(host: HostSession) -> None:
    create(host, conf(), CONF)
    placed = host.root / "files/etc/web/app.yaml"
    placed.chmod(0o600)
    placed.write_text("a: 2\n")
    assert seen(host, CONF) == conf("a: 2\n", "0600")
    assert apply(host, action(Verb.UPDATE, CONF, conf()))
    assert seen(host, CONF) == conf()


@pytest.mark.parametrize("path", ["etc/x", "/etc/../../x", "/etc/./x", "/", "/etc/", "//x", "/a\0b"])
def test_a_path_that_could_lead_outside_is_refused(host: HostSession, path: str) -> None:
    with pytest.raises(TrimaranError) as refused:
        create(host, conf(path=path), replace(CONF, name=path))
    assert codes(refused.value) == ["TRM0555"]


def test_a_link_on_the_way_to_a_file_is_not_followed(host: HostSession, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (host.root / "files").mkdir(parents=True)
    (host.root / "files/etc").symlink_to(outside)
    with pytest.raises(TrimaranError) as refused:
        create(host, conf(path="/etc/app.yaml"), replace(CONF, name="/etc/app.yaml"))
    assert codes(refused.value) == ["TRM0556"]
    assert list(outside.iterdir()) == []


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(host: HostSession, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (host.root / "files/etc/web").mkdir(parents=True)
    (host.root / "files/etc/web/app.yaml").symlink_to(outside)
    create(host, conf(), CONF)
    assert outside.read_text() == "mine"
    assert seen(host, CONF) == conf()


def test_a_damaged_record_is_a_gap_for_that_object_alone(host: HostSession) -> None:
    create(host, web())
    create(host, {**web(), "service": "other"}, replace(WEB, name="other"))
    status = host.root / "services/web/status.json"
    whole = status.read_bytes()
    status.write_bytes(b"{")
    looked = host.observe(Scope("local"))
    assert [gap.hides for gap in looked.gaps] == [WEB]
    assert [each.ref.name for each in looked.objects] == ["other"]
    assert host.landed(action(Verb.CREATE, WEB, web())) is Landed.UNKNOWN
    status.write_bytes(whole)


def test_only_the_objects_asked_for_are_observed(host: HostSession) -> None:
    create(host, web())
    create(host, conf(), CONF)
    create(host, {**web(), "service": "other"}, replace(WEB, name="other"))
    assert {each.ref.name for each in host.observe(Scope("local", "web")).objects} == {"web", CONF.name}
    assert {each.ref for each in host.observe(Scope("local", refs=(CONF,))).objects} == {CONF}


def test_a_service_named_like_a_parent_folder_stays_in_its_place(host: HostSession) -> None:
    odd = replace(WEB, name="../..")
    create(host, web(), odd)
    assert seen(host, odd)["status"]["state"] == "running"
    assert [path.name for path in (host.root / "services").iterdir()] == ["%2E%2E%2F%2E%2E"]


def test_a_snapshot_has_the_state_and_the_log(host: HostSession) -> None:
    create(host, web("echo boom; exit 3"))
    wait_for(lambda: "boom" in host.log("web"))
    taken = host.snapshot(Scope("local"), time.monotonic() + SOON)
    assert '"restarts"' in taken.texts["web status"]
    assert "boom" in taken.texts["web log"]
    late = host.snapshot(Scope("local"), time.monotonic() - 1)
    assert [gap.hides for gap in late.gaps] == [WEB]


def test_a_kind_that_hosts_do_not_have_is_refused(host: HostSession) -> None:
    with pytest.raises(TrimaranError) as refused:
        create(host, {}, ObjectRef("local", "Deployment", "web"))
    assert codes(refused.value) == ["TRM0552"]


def test_a_malformed_document_is_one_clear_error(host: HostSession) -> None:
    with pytest.raises(TrimaranError) as refused:
        create(host, {"service": "web"})
    assert codes(refused.value) == ["TRM0551"]
