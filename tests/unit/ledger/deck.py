"""A fake target with its ledger and a held lease, for the tests of this room."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from tests.fakes import FakeClock, FakeDirectorySession

from trimaran.ledger import Ledger, Performer, is_dead, this_holder


@dataclass
class Deck:
    """A fake target with its ledger and a held lease."""

    session: FakeDirectorySession
    ledger: Ledger
    clock: FakeClock
    by: Performer
    path: Path

    def again(self) -> Performer:
        """The next run: a new lease, after this one's has expired."""
        self.clock.now += timedelta(hours=1)
        lease = self.ledger.acquire("local", this_holder("next"), self.clock(), is_dead)
        self.by = replace(self.by, lease=lease)
        return self.by
