"""One run of Trimaran in a process of its own, which may be killed at a named step.

`python -m tests.crash.child PLATFORM HOME WHAT [VERB [STEP]]`; prints the outcomes as JSON.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import event

from tests.crash.platforms import SECRET_VARIABLE, TARGET, PlatformUnderTest, platform
from trimaran.action import Action
from trimaran.errors import TrimaranError
from trimaran.ledger import (
    Lease,
    Ledger,
    Outcome,
    Performer,
    is_dead,
    open_ledger,
    perform,
    recover,
    this_holder,
    undo,
)
from trimaran.secret import Redactor, SecretRef, resolve

# step → (part of the performer, its call, killed before or after it, the how-manieth call)
STEPS: dict[str, tuple[str, str, str, int]] = {
    "before the intent": ("ledger", "begin", "before", 1),
    "intent not committed": ("engine", "commit", "before", 1),
    "intent committed, head not written": ("head", "write", "before", 1),
    "intent and head written": ("ledger", "begin", "after", 1),
    "before the effect": ("session", "apply", "before", 1),
    "after the effect": ("session", "apply", "after", 1),
    "outcome not committed": ("engine", "commit", "before", 2),
    "outcome committed, head not written": ("head", "write", "before", 2),
    "outcome and head written": ("ledger", "settle", "after", 1),
}


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    """Passes every call on to `inner`, and kills the process before or after one of them."""

    def __init__(self, inner: object, call: str, when: str, count: int) -> None:
        self.inner, self.call, self.when, self.count = inner, call, when, count

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name != self.call:
            return found

        def dying(*args: Any) -> Any:
            self.count -= 1
            if self.count == 0 and self.when == "before":
                kill()
            result = found(*args)
            if self.count == 0:
                kill()
            return result

        return dying


def doomed(by: Performer, ledger: Ledger, under_test: PlatformUnderTest, home: Path, step: str) -> Performer:
    """`by`, to be killed at `step`."""
    if step not in STEPS:
        return replace(by, session=under_test.dying(home, kill)[step])
    part, call, when, count = STEPS[step]
    dying: Any = Dying(
        {"session": by.session, "ledger": ledger, "head": ledger.head}.get(part), call, when, count
    )
    if part == "session":
        return replace(by, session=dying)
    if part == "ledger":
        return replace(by, ledger=dying)
    if part == "head":
        return replace(by, ledger=replace(ledger, head=dying))
    left = [count]

    def commit(_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            kill()

    event.listen(ledger.engine, "commit", commit)
    return by


def main(name: str, home: Path, what: str, verb: str = "", step: str = "") -> None:
    under_test, redactor = platform(name), Redactor()
    resolve(SecretRef("env", SECRET_VARIABLE), "DB_PASSWORD", redactor)
    with open_ledger(home / "state" / "ledger.db", redactor) as ledger:
        lease = wait_for_lease(ledger)
        by = Performer(under_test.open(home), ledger, lease, lambda: datetime.now(UTC))
        action: Callable[[Path], Action] = getattr(under_test, verb) if verb else under_test.create
        outcomes: tuple[Outcome, ...]
        doom = doomed(by, ledger, under_test, home, step) if step else by
        if what == "perform":
            outcomes = (perform(action(home), doom, time.monotonic() + 60),)
        elif what == "recover":
            outcomes = recover(doom, time.monotonic() + 60)
        else:
            outcomes = (undo(action(home).key, doom, time.monotonic() + 60),)
        ledger.release(lease)
    print(
        json.dumps([{"key": each.key, "state": each.state, "repeated": each.repeated} for each in outcomes])
    )


def wait_for_lease(ledger: Ledger) -> Lease:
    while True:
        try:
            return ledger.acquire(TARGET, this_holder("crash test"), datetime.now(UTC), is_dead)
        except TrimaranError as error:
            if error.problems[0].code != "TRM0410":
                raise
            time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
