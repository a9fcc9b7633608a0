"""Small fakes that satisfy our Protocols, for tests. They say that they are fakes."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from trimaran.action import (
    Action,
    Gap,
    Landed,
    Object,
    ObjectRef,
    Observation,
    Receipt,
    Scope,
    Snapshot,
    Stream,
    Verb,
)
from trimaran.errors import fail


class FakeDirectorySession:
    """A fake platform: a directory in which each object is one JSON file, and every effect one line of a log.

    A file `.unreachable` makes everything a gap, `.ambiguous` makes `landed` unable to say, `.broken`
    lets `apply` fail before its effect, `.breaks-after` after it.
    """

    def __init__(self, root: Path, target: str = "local") -> None:
        self.root = root
        self.target = target
        root.mkdir(parents=True, exist_ok=True)

    def _file(self, ref: ObjectRef) -> Path:
        return self.root / quote(f"{ref.kind}|{ref.scope}|{ref.name}", safe="|")

    def _has(self, flag: str) -> bool:
        return (self.root / f".{flag}").exists()

    def _document(self, ref: ObjectRef) -> dict[str, object] | None:
        try:
            found: dict[str, object] = json.loads(self._file(ref).read_bytes())
        except FileNotFoundError:
            return None
        return found

    def _all(self) -> list[ObjectRef]:
        names = [path.name.split("|") for path in self.root.iterdir() if "|" in path.name]
        return sorted(
            ObjectRef(self.target, unquote(kind), unquote(name), unquote(scope))
            for kind, scope, name in names
        )

    def observe(self, scope: Scope) -> Observation:
        taken = datetime.now(UTC)
        if self._has("unreachable"):
            return Observation((), (Gap(str(self.root), "unreachable"),), taken)
        seen = []
        for ref in scope.refs or self._all():
            document = self._document(ref)
            if document is not None:
                seen.append(Object(ref, document))
        return Observation(tuple(seen), (), taken)

    def apply(self, action: Action, fence: int, deadline: float) -> Receipt:
        self._raise_fence(fence)
        if self._has("broken"):
            raise fail("TRM0499", "the fake is broken", "mend it")
        wanted = None if action.verb is Verb.DELETE else dict(action.payload)
        if self._document(action.object) == wanted:
            return Receipt(changed=False)
        self._effect(action, wanted)
        if self._has("breaks-after"):
            raise fail("TRM0499", "the fake broke after its effect", "mend it")
        return Receipt(changed=True, facts={"fence": fence})

    def _raise_fence(self, fence: int) -> None:
        mark = self.root / ".fence"
        highest = int(mark.read_text()) if mark.exists() else 0
        if fence < highest:
            raise fail("TRM0499", f"fence {fence} is below {highest}", "take the lease again")
        mark.write_text(str(fence))

    def _effect(self, action: Action, wanted: dict[str, object] | None) -> None:
        file = self._file(action.object)
        with (self.root / ".log").open("a", encoding="utf-8") as log:
            if wanted is None:
                file.unlink()
            else:
                fresh = self.root / f".new-{os.getpid()}"
                fresh.write_text(json.dumps(wanted))
                fresh.replace(file)
            log.write(f"{action.verb} {action.key}\n")

    def landed(self, action: Action) -> Landed:
        if self._has("ambiguous") or self._has("unreachable"):
            return Landed.UNKNOWN
        wanted = None if action.verb is Verb.DELETE else dict(action.payload)
        return Landed.YES if self._document(action.object) == wanted else Landed.NO

    def snapshot(self, scope: Scope, deadline: float) -> Snapshot:
        return Snapshot({}, (), datetime.now(UTC))

    def dial(self, ref: ObjectRef, port: int) -> Stream:
        raise fail("TRM0499", "the fake has no ports", "use another peer")

    def set(self, flag: str, on: bool = True) -> None:
        mark = self.root / f".{flag}"
        if on:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)

    def effects(self) -> list[str]:
        """Every change that the target has seen, oldest first, as `verb key`."""
        log = self.root / ".log"
        return log.read_text().splitlines() if log.exists() else []


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def never_dead() -> Callable[[object], bool]:
    """A machine on which no holder is known to have died."""
    return lambda holder: False
