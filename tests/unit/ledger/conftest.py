from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes import FakeClock, FakeDirectorySession
from tests.unit.ledger.deck import Deck

from trimaran.ledger import Performer, is_dead, open_ledger, this_holder, verify


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    session, clock = FakeDirectorySession(tmp_path / "target"), FakeClock()
    path = tmp_path / "state" / "ledger.db"
    with open_ledger(path) as ledger:
        lease = ledger.acquire("local", this_holder("test"), clock(), is_dead)
        yield Deck(session, ledger, clock, Performer(session, ledger, lease, clock), path)
        assert verify(ledger.records(), ledger.head.read()).intact
