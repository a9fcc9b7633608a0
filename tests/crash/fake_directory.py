"""The fake platform of `tests.fakes` under the contract. It tells its secret wherever it can, on purpose."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from tests.crash.platforms import SECRET_VARIABLE, TARGET
from tests.fakes import FakeDirectorySession
from trimaran.action import ABSENT, Action, Json, ObjectRef, Receipt, Session, Undo, Verb, digest

_WEB = ObjectRef(TARGET, "Process", "web")
_FIRST = {"args": ["a"], "secret": {"from": "env", "path": SECRET_VARIABLE}}
_SECOND = {**_FIRST, "args": ["b"]}


class Talkative(FakeDirectorySession):
    """Resolves the secret to do its work, and puts it into its receipt, as a careless platform would."""

    def apply(self, action: Action, fence: int, deadline: float) -> Receipt:
        receipt = super().apply(action, fence, deadline)
        return replace(receipt, facts={"environment": [os.environ[SECRET_VARIABLE]]})


class DiesHalfWritten(Talkative):
    def __init__(self, root: Path, kill: Callable[[], None]) -> None:
        super().__init__(root)
        self.kill = kill

    def _effect(self, action: Action, wanted: dict[str, object] | None) -> None:
        (self.root / f".new-{os.getpid()}").write_text(json.dumps(wanted)[:5])
        self.kill()


class FakeDirectory:
    def open(self, home: Path) -> Session:
        return Talkative(home / "target")

    def dying(self, home: Path, kill: Callable[[], None]) -> Mapping[str, Session]:
        return {"half written": DiesHalfWritten(home / "target", kill)}

    def create(self, home: Path) -> Action:
        return Action(TARGET, Verb.CREATE, _WEB, _FIRST, ABSENT, Undo.RESTORE, "ship web", "create")

    def update(self, home: Path) -> Action:
        return Action(TARGET, Verb.UPDATE, _WEB, _SECOND, digest(_FIRST), Undo.RESTORE, "ship web", "update")

    def delete(self, home: Path) -> Action:
        return Action(TARGET, Verb.DELETE, _WEB, {}, digest(_FIRST), Undo.RESTORE, "down web", "delete")

    def truth(self, home: Path) -> Json:
        file = home / "target" / "Process||web"
        return json.loads(file.read_text()) if file.exists() else None

    def effects(self, home: Path) -> int:
        log = home / "target" / ".log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def blind(self, home: Path, on: bool) -> None:
        FakeDirectorySession(home / "target").set("ambiguous", on)

    def clean_up(self, home: Path) -> None:
        pass
