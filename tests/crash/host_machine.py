"""The host platform under the contract: a real program of this machine under the real supervisor."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.crash.platforms import CANARY, SECRET_VARIABLE, TARGET
from trimaran.action import ABSENT, Action, Json, ObjectRef, Session, Undo, Verb, digest
from trimaran.platform.host.session import HostSession
from trimaran.supervise import control, supervisor

_WEB = ObjectRef(TARGET, "Process", "web")
_SHELL = Path("/bin/sh").resolve()
_DIGEST = "sha256:" + hashlib.sha256(_SHELL.read_bytes()).hexdigest()
# It keeps account of its own starts and orderly ends, outside what the session knows.
_SCRIPT = """
trap 'echo stop >> "$ACCOUNT"; exit 0' TERM
echo start >> "$ACCOUNT"
while :; do sleep 60 & wait $!; done
"""


class Dying(HostSession):
    """Is killed around the place where a change is recorded."""

    kill: Callable[[], None]
    place: str

    def _record(self, folder: Path, document: Mapping[str, Json] | None) -> None:
        if self.place == "in place, not recorded":
            self.kill()
        super()._record(folder, document)
        self.kill()


class DyingEarly(Dying):
    """Is killed when the fence is raised and nothing else is done."""

    def _apply_process(self, action: Action, deadline: float) -> Any:
        self.kill()


class HostMachine:
    def _session(self, home: Path, kind: type[HostSession]) -> HostSession:
        built = home / "built"
        if not built.exists():
            shutil.copy(_SHELL, built)
        return kind(self._root(home), TARGET, {_DIGEST: built}, _resolve, lambda: datetime.now(UTC))

    def _root(self, home: Path) -> Path:
        return home / "host" / TARGET

    def _document(self, home: Path, **env: str) -> dict[str, Json]:
        return {
            "service": "web",
            "binary": _DIGEST,
            "program": "web",
            "args": ["-c", _SCRIPT],
            "env": {"ACCOUNT": str(home / "account"), **env},
            "secrets": {"DB_PASSWORD": {"from": "env", "path": SECRET_VARIABLE, "key": "", "as": "env"}},
            "ports": {},
            "ready": None,
            "restart": "always",
            "grace_s": 10,
        }

    def open(self, home: Path) -> Session:
        return self._session(home, HostSession)

    def dying(self, home: Path, kill: Callable[[], None]) -> Mapping[str, Session]:
        found: dict[str, Session] = {}
        for place in ("fence raised", "in place, not recorded", "recorded, not tidied"):
            early = place == "fence raised"
            session = self._session(home, DyingEarly if early else Dying)
            assert isinstance(session, Dying)
            session.kill, session.place = kill, place
            found[place] = session
        return found

    def create(self, home: Path) -> Action:
        first = self._document(home)
        return Action(TARGET, Verb.CREATE, _WEB, first, ABSENT, Undo.RESTORE, "ship web", "create")

    def update(self, home: Path) -> Action:
        before, second = digest(self._document(home)), self._document(home, LOG_LEVEL="debug")
        return Action(TARGET, Verb.UPDATE, _WEB, second, before, Undo.RESTORE, "ship web", "update")

    def delete(self, home: Path) -> Action:
        before = digest(self._document(home))
        return Action(TARGET, Verb.DELETE, _WEB, {}, before, Undo.RESTORE, "down web", "delete")

    def truth(self, home: Path) -> Json:
        runs = [_environment(path) for path in self._programs(home)]
        files = [path for path in self._root(home).rglob("*") if path.is_file() and "fence" not in path.name]
        if not runs and not files:
            return None
        return {"runs": runs, "programs": sorted(path.name for path in files if path.name == "web")}

    def _programs(self, home: Path) -> list[Path]:
        """Every process on this machine that runs a program of this target."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if (folder / "exe").readlink().is_relative_to(self._root(home) / "bin"):
                    found.append(folder)
            except OSError:
                continue
        return found

    def effects(self, home: Path) -> int:
        account = home / "account"
        told = account.read_text().split() if account.exists() else []
        # A replacement is a stop and a start, and one effect; a stop that nothing follows is another.
        return told.count("start") + (told[-1:] == ["stop"])

    def blind(self, home: Path, on: bool) -> None:
        record = self._root(home) / "services" / "web" / "applied.json"
        aside = home / "aside"
        if on:
            record.parent.mkdir(parents=True, exist_ok=True)
            if record.exists():
                record.replace(aside)
            record.mkdir()
        else:
            record.rmdir()
            if aside.exists():
                aside.replace(record)

    def clean_up(self, home: Path) -> None:
        for folder in (self._root(home) / "services").glob("*"):
            control.stop(folder, grace_s=1.0)


def _resolve(reference: Mapping[str, Json]) -> str:
    assert reference["from"] == "env"
    return os.environ[reference["path"]]


def _environment(folder: Path) -> Json:
    pairs = (folder / "environ").read_bytes().decode().split("\0")
    told = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    assert supervisor.MARK in told
    wanted = {"LOG_LEVEL": told.get("LOG_LEVEL"), "secret": told["DB_PASSWORD"] == CANARY}
    return json.loads(json.dumps(wanted))
