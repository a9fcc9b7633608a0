"""Drift and what settles it, as a user calls it, on a host's files; and what is told of a dark target."""

import json
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from trimaran.cli.main import _run
from trimaran.ledger import open_existing, verify
from trimaran.ledger.heads import HeadFile

SERVICE = """\
apiVersion: trimaran.dev/v1alpha1
kind: PlatformAgnosticSpec
metadata: {name: web, labels: {team: web}}
spec:
  image: registry.example.com/web/web@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  files:
    /etc/web/greeting: {content: "hello", mode: "0644"}
    /etc/web/colour: {content: "green", mode: "0644"}
"""
FLEET = """\
apiVersion: trimaran.dev/v1alpha1
kind: Fleet
metadata: {name: here}
spec:
  targets:
    local: {platform: host}
"""
KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:PORT"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
"""


class Place:
    """A home with one service applied to one host."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self.capsys = home, capsys
        self.fleet = home / "fleet.yaml"
        self.service = home / "web.yaml"
        self.state = home / "state" / "trimaran"
        self.files = self.state / "host/local/files/etc/web"

    def run(self, *words: str, status: int = 0) -> str:
        self.capsys.readouterr()
        found = _run([*words, *(() if words[0] in ("audit", "history") else ("--fleet", str(self.fleet)))])
        out, err = self.capsys.readouterr()
        assert found == status, out + err
        self.error = err
        return out

    def apply(self) -> None:
        self.run("apply", str(self.service), "--quiet")

    def drift(self, *words: str, status: int = 1) -> list[tuple[str, str]]:
        report = json.loads(self.run("drift", *words, "-o", "json", "--quiet", status=status))
        return [(each["kind"], each["object"]["name"]) for each in report["drifts"]]

    def change(self, old: str, new: str) -> None:
        self.service.write_text(self.service.read_text().replace(old, new))

    def everything(self) -> dict[str, bytes]:
        return {
            str(path): path.read_bytes()
            for path in self.state.rglob("*")
            if path.is_file() and not path.name.endswith(("-wal", "-shm", ".lock"))
        }

    def revisions(self) -> list[tuple[str, str]]:
        with open_existing(self.state / "ledger.db") as ledger:
            assert verify(ledger.records(), HeadFile(self.state / "ledger.db").read()).intact
            return [(each.event, str(each.state)) for each in ledger.revisions()]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = Place(tmp_path, capsys)
    found.service.write_text(SERVICE)
    found.fleet.write_text(FLEET)
    found.apply()
    return found


def spoil(place: Place) -> None:
    (place.files / "greeting").write_text("hacked")
    (place.files / "colour").unlink()


def test_what_is_as_applied_and_declared_has_not_drifted(place: Place) -> None:
    assert place.drift(status=0) == []
    assert place.drift(str(place.service), status=0) == []
    assert place.run("drift", "--quiet") == "no drift on 1 target\n"


def test_every_kind_is_told_with_its_field_and_its_last_action(place: Place) -> None:
    spoil(place)
    assert place.drift() == [("missing", "/etc/web/colour"), ("live", "/etc/web/greeting")]
    shown = place.run("drift", "--quiet", status=1)
    assert 'content: "hello" -> "hacked"' in shown
    assert "last: revision 1, create done, " in shown
    place.change("hello", "welcome")
    place.change("    /etc/web/colour: ", "    /etc/web/other: ")
    found = place.drift(str(place.service))
    assert found == [
        ("local", "/etc/web/greeting"),
        ("live", "/etc/web/greeting"),
        ("local", "/etc/web/other"),
    ]
    (place.files / "colour").write_text("green")
    assert ("orphan", "/etc/web/colour") in place.drift(str(place.service))
    rows = place.run("drift", str(place.service), "-o", "table", "--quiet", status=1).splitlines()
    assert rows[0].split() == ["KIND", "OBJECT", "FIELD", "DECLARED", "LIVE", "BY", "LAST", "WHEN", "WHO"]
    assert any(row.startswith("live ") and '"hacked"' in row for row in rows)


def test_looking_for_drift_writes_nothing(place: Place) -> None:
    spoil(place)
    before = place.everything()
    place.drift()
    place.drift(str(place.service))
    place.run("revert", "--all", "--dry-run", "--quiet")
    assert place.everything() == before


def test_one_service_can_be_asked_for(place: Place) -> None:
    spoil(place)
    assert place.drift("--service", "other", status=0) == []
    assert len(place.drift("--service", "web")) == 2


def test_a_target_that_does_not_answer_is_told_and_the_others_are_reported(place: Place) -> None:
    spoil(place)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: it refuses
        config = KUBECONFIG.replace("PORT", str(closed.getsockname()[1]))
        (place.home / "config").write_text(config)
        dark = "    dark: {platform: kubernetes, kubeconfig: config, context: c}\n"
        place.fleet.write_text(FLEET + dark)
        report = json.loads(place.run("drift", "-o", "json", "--quiet", status=3))
    assert [each["object"]["name"] for each in report["drifts"]] == ["/etc/web/colour", "/etc/web/greeting"]
    assert [("failed" in each, each["target"]) for each in report["targets"]] == [
        (False, "local"),
        (True, "dark"),
    ]
    assert "error[TRM07" in place.error


def test_what_is_adopted_stays_until_the_declaration_changes(place: Place) -> None:
    (place.files / "greeting").write_text("hacked")
    shown = place.run("adopt", "greeting", "--quiet")
    assert 'spec.files[/etc/web/greeting].content: "hacked"' in shown
    assert place.drift(status=0) == []
    assert place.drift(str(place.service), status=0) == []
    place.apply()
    assert (place.files / "greeting").read_text() == "hacked"
    place.change("hello", "welcome")
    assert place.drift(str(place.service)) == [("local", "/etc/web/greeting")]
    place.apply()
    assert (place.files / "greeting").read_text() == "welcome"
    assert place.revisions() == [("apply", "done"), ("adopt", "done"), ("apply", "done")]


def test_what_is_gone_cannot_be_adopted_and_what_is_as_applied_need_not_be(place: Place) -> None:
    (place.files / "colour").unlink()
    place.run("adopt", "colour", "--quiet", status=2)
    assert "error[TRM0777]" in place.error
    assert place.run("adopt", "greeting", "--quiet").startswith("nothing to adopt")
    assert len(place.revisions()) == 1


def test_reverting_puts_back_what_was_applied_and_forgets_what_was_adopted(place: Place) -> None:
    spoil(place)
    place.run("adopt", "greeting", "--quiet")
    place.run("revert", "--all", "--quiet")
    assert (place.files / "greeting").read_text() == "hello"
    assert (place.files / "colour").read_text() == "green"
    assert place.drift(status=0) == []
    before = place.everything()
    assert "nothing to revert" in place.run("revert", "--all", "--quiet")
    assert place.everything() == before
    assert place.revisions() == [("revert", "done"), ("adopt", "done"), ("apply", "done")]


def test_only_what_is_named_is_reverted(place: Place) -> None:
    spoil(place)
    place.run("revert", "local", "File//etc/web/colour", "--quiet")
    assert place.drift() == [("live", "/etc/web/greeting")]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("revert",), "TRM0002"),
        (("revert", "--all", "greeting"), "TRM0002"),
        (("revert", "nothing-like-it"), "TRM0773"),
        (("revert", "etc"), "TRM0774"),
        (("revert", "\x1b[31mgreeting\ud800"), "TRM0773"),
        (("adopt", "greetin", "web/colours"), "TRM0773"),
        (("rollback", "99"), "TRM0770"),
        (("rollback",), "TRM0771"),
        (("rollback", "1", "--service", "wep"), "TRM0772"),
        (("rollback", "1", "--target", "nowhere"), "TRM0718"),
        (("audit", "why", "nothing-like-it"), "TRM0773"),
    ],
)
def test_what_cannot_be_meant_is_a_clear_error(place: Place, words: tuple[str, ...], code: str) -> None:
    before = place.everything()
    place.run(*words, status=2)
    assert f"error[{code}]" in place.error
    assert "\x1b[31mg" not in place.error
    assert place.everything() == before


def test_going_back_restores_what_was_then_and_takes_away_what_came_since(place: Place) -> None:
    place.change("hello", "welcome")
    place.change("/etc/web/colour", "/etc/web/other")
    place.apply()
    plan = place.run("rollback", "--dry-run", "--quiet")
    assert 'content: "welcome" -> "hello"' in plan
    assert "- delete local File//etc/web/other" in plan
    assert len(place.revisions()) == 2
    place.run("rollback", "--quiet")
    assert sorted(path.name for path in place.files.iterdir()) == ["colour", "greeting"]
    assert (place.files / "greeting").read_text() == "hello"
    before = place.everything()
    assert "nothing to do: everything is as revision 1 left it" in place.run("rollback", "1", "--quiet")
    assert place.everything() == before
    place.run("rollback", "--quiet")  # and back again
    assert (place.files / "greeting").read_text() == "welcome"
    assert place.revisions()[0] == ("rollback", "done")


def test_going_back_to_nothing_needs_leave(place: Place) -> None:
    place.change("name: web,", "name: api,")
    place.change("/etc/web/", "/etc/api/")
    place.apply()
    place.run("down", "web", "--quiet")
    place.run("down", "api", "--quiet")
    place.change("name: api,", "name: web,")
    place.apply()
    place.run("rollback", "4", "--quiet", status=2)
    assert "error[TRM0714]" in place.error
    place.run("rollback", "4", "--quiet", "--prune")
    assert not (place.state / "host/local/files/etc/api/greeting").exists()


def test_history_fits_a_terminal_and_has_it_all_for_programs(place: Place) -> None:
    place.change("hello", "welcome")
    place.apply()
    place.run("rollback", "1", "--quiet")
    lines = place.run("history").splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[1::2]] == ["3", "2", "1"]
    assert lines[2].strip() == "to revision 1: web on local"
    report = json.loads(place.run("history", "--last", "2", "-o", "json"))
    assert [(each["revision"], each["event"], each["state"]) for each in report["revisions"]] == [
        (3, "rollback", "done"),
        (2, "apply", "done"),
    ]
    body = report["revisions"][1]["body"]
    assert (body["services"], body["targets"], body["dirty"]) == (["web"], ["local"], False)
    assert body["declarations"]["web"].startswith("sha256:")


def why(place: Place, *words: str, status: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(place.run("audit", "why", *words, "-o", "json", status=status))
    return found


def test_why_names_the_run_behind_an_object_and_proves_it(place: Place) -> None:
    first = why(place, "local", "File//etc/web/greeting")
    assert (first["verb"], first["state"], first["revision"], first["origin"]) == ("create", "done", 1, 1)
    assert first["digests"]["before"] == "absent"
    assert all(each.startswith("sha256:") for key, each in first["digests"].items() if key != "before")
    assert first["proven"]
    (place.files / "greeting").write_text("hacked")
    place.run("revert", "greeting", "--quiet")
    again = why(place, "greeting")
    assert (again["event"], again["revision"], again["origin"]) == ("revert", 2, 1)
    assert again["digests"]["after"] == first["digests"]["after"]
    shown = place.run("audit", "why", "greeting")
    assert "origin   1, apply by " in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_why_does_not_vouch_for_a_chain_that_is_broken_before_it(place: Place) -> None:
    place.change("hello", "welcome")
    place.apply()
    (last,) = [why(place, "greeting")["records"]["last"]]
    for sequence, status, proven in ((last + 1, 0, True), (2, 1, False)):
        with closing(sqlite3.connect(place.state / "ledger.db", isolation_level=None)) as raw:
            raw.execute(f"UPDATE audit SET actor = 'mallory' WHERE sequence = {sequence}")
        found = why(place, "greeting", status=status)
        assert found["proven"] is proven
        assert found["chain"]["fault"] == "edited"
        place.run("audit", "why", "greeting", status=status)


def test_a_revision_that_was_cut_off_is_ended_by_the_next(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(place)
    from trimaran.platform.host.session import HostSession

    real = HostSession.apply

    def breaks(self: HostSession, *args: Any) -> Any:
        real(self, *args)
        raise KeyboardInterrupt

    monkeypatch.setattr(HostSession, "apply", breaks)
    place.run("revert", "--all", "--quiet", status=130)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_STATE_HOME", str(place.home / "state"))
    monkeypatch.setenv("HOME", str(place.home))
    place.run("revert", "--all", "--quiet")
    assert place.drift(status=0) == []
    assert [event for event, _ in place.revisions()] == ["revert", "revert", "apply"]
