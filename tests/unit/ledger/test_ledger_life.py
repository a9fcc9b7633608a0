"""Any life of a ledger, with crashes anywhere, keeps its promises."""

import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.fakes import FakeClock, FakeDirectorySession

from trimaran.action import Action, ObjectRef, Receipt, Undo, Verb
from trimaran.ledger import (
    Head,
    Ledger,
    OutcomeState,
    Performer,
    open_ledger,
    perform_all,
    recover,
    this_holder,
    verify,
)

FAR = 1e12
NAMES = ("a", "b", "c")


class Crash(BaseException):
    """Stands for a kill: nothing of ours catches it, and nothing runs after it but `finally`."""


@dataclass
class Fuse:
    """Crashes at the given number of calls from now on; None: never."""

    left: int | None = None

    def burn(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Crash


class FusedSession(FakeDirectorySession):
    def __init__(self, root: Path, fuse: Fuse) -> None:
        super().__init__(root)
        self.fuse = fuse

    def apply(self, action: Action, fence: int, deadline: float) -> Receipt:
        self.fuse.burn()
        receipt = super().apply(action, fence, deadline)
        self.fuse.burn()
        return receipt


class FusedHead:
    def __init__(self, ledger: Ledger, fuse: Fuse) -> None:
        self.inner, self.fuse = ledger.head, fuse

    def read(self) -> Head | None:
        return self.inner.read()

    def write(self, head: Head) -> None:
        self.fuse.burn()
        self.inner.write(head)
        self.fuse.burn()


class LedgerLife(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        self.clock, self.fuse, self.keys = FakeClock(), Fuse(), 0
        self.session = FusedSession(root / "target", self.fuse)
        self.ledger = open_ledger(root / "state" / "ledger.db")
        self.by = self.new_run()
        self.ended: dict[str, OutcomeState] = {}

    def new_run(self) -> Performer:
        self.clock.now += timedelta(hours=1)
        ledger = replace(self.ledger, head=FusedHead(self.ledger, self.fuse))
        lease = self.ledger.acquire("local", this_holder("run"), self.clock(), lambda _: False)
        return Performer(self.session, ledger, lease, self.clock)

    def action(self, name: str, verb: Verb, value: int) -> Action:
        self.keys += 1
        payload = {} if verb is Verb.DELETE else {"value": value}
        ref = ObjectRef("local", "Thing", name)
        return Action("local", verb, ref, payload, None, Undo.RESTORE, "life", f"k{self.keys}")

    def attempt(self, act: Callable[[], Any], fuse: int | None) -> None:
        self.fuse.left = fuse
        with suppress(Crash):
            for outcome in act():
                self.ended[outcome.key] = outcome.state
        crashed = self.fuse.left is not None and self.fuse.left < 0
        self.fuse.left = None
        if crashed:
            self.by = self.new_run()

    fuses = st.none() | st.integers(0, 9)
    verbs = st.sampled_from([Verb.CREATE, Verb.UPDATE, Verb.DELETE])
    wishes = st.lists(st.tuples(st.sampled_from(NAMES), verbs, st.integers(0, 2)), min_size=1, max_size=4)

    @rule(wanted=wishes, fuse=fuses)
    def perform(self, wanted: list[tuple[str, Verb, int]], fuse: int | None) -> None:
        actions = [self.action(*each) for each in wanted]
        self.attempt(lambda: perform_all(actions, self.by, FAR), fuse)

    @rule(fuse=fuses)
    def recover(self, fuse: int | None) -> None:
        self.attempt(lambda: recover(self.by, FAR), fuse)
        if self.fuse.left is None and fuse is None:
            assert self.ledger.open_steps("local") == ()

    @invariant()
    def the_chain_is_intact(self) -> None:
        if hasattr(self, "ledger"):
            assert verify(self.ledger.records(), self.ledger.head.read()).intact

    @invariant()
    def nothing_is_done_twice(self) -> None:
        if hasattr(self, "ledger"):
            assert all(count == 1 for count in Counter(self.session.effects()).values())

    @invariant()
    def what_was_said_stays_true(self) -> None:
        for key, state in getattr(self, "ended", {}).items():
            step = self.ledger.step(key)
            # An action that was never begun, because another one failed, leaves no trace.
            assert step is None or step.outcome is None or step.outcome.state is state

    @invariant()
    def whatever_is_there_is_known_to_be_ours(self) -> None:
        if hasattr(self, "ledger"):
            owned = {each.ref for each in self.ledger.inventory("local")}
            assert set(self.session._all()) <= owned

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
            self.folder.cleanup()


TestLedgerLife = LedgerLife.TestCase
TestLedgerLife.settings = settings(max_examples=20, stateful_step_count=10)
