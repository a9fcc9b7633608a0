"""The ledger beside bare sqlite3: what an intent and an outcome cost, one by one and in batches.

`python -m bench.ledger`. The peer writes the same bytes with the same durability (WAL, synchronous=FULL),
without fence, inventory, chain or head.
"""

import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from trimaran.action import Action, ObjectRef, Undo, Verb
from trimaran.ledger import Intent, Lease, Ledger, Outcome, OutcomeState, is_dead, open_ledger, this_holder
from trimaran.ledger.encode import action_json

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ROUNDS = 5
ACTIONS = 200  # a round


def actions(prefix: str) -> list[Action]:
    """A round's worth of small actions."""
    payload = {"args": ["--port=9898"], "env": {"LOG_LEVEL": "info"}}
    names = [f"{prefix}-{number}" for number in range(ACTIONS)]
    refs = [ObjectRef("local", "Process", name) for name in names]
    cause = "bench"
    return [Action("local", Verb.CREATE, ref, payload, None, Undo.RESTORE, cause, ref.name) for ref in refs]


def ours(ledger: Ledger, lease: Lease, found: list[Action], batch: int) -> None:
    """Begin and settle `found`, so many at a time."""
    for start in range(0, len(found), batch):
        some = found[start : start + batch]
        ledger.begin(lease, [Intent(action, None, NOW) for action in some])
        ledger.settle(lease, [Outcome(action.key, OutcomeState.DONE, NOW) for action in some])


def peer(raw: sqlite3.Connection, found: list[Action], batch: int) -> None:
    """The same bytes in the same number of transactions."""
    for start in range(0, len(found), batch):
        some = [(action.key, json.dumps(action_json(action))) for action in found[start : start + batch]]
        raw.execute("BEGIN IMMEDIATE")
        raw.executemany("INSERT INTO steps(key, action) VALUES (?, ?)", some)
        raw.execute("COMMIT")
        raw.execute("BEGIN IMMEDIATE")
        raw.executemany("UPDATE steps SET state = 'done' WHERE key = ?", [(key,) for key, _ in some])
        raw.execute("COMMIT")


def timed(act: Callable[[], None]) -> float:
    """Milliseconds an action."""
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1000 / ACTIONS


def main() -> None:
    """Print, for each batch size, both times and their ratio with its spread."""
    with tempfile.TemporaryDirectory() as folder, open_ledger(Path(folder) / "ledger.db") as ledger:
        lease = ledger.acquire("local", this_holder("bench"), NOW, is_dead)
        with closing(sqlite3.connect(Path(folder) / "raw.db", isolation_level=None)) as raw:
            raw.execute("PRAGMA journal_mode = WAL")
            raw.execute("PRAGMA synchronous = FULL")
            raw.execute("CREATE TABLE steps (key TEXT PRIMARY KEY, action TEXT, state TEXT)")
            for batch in (1, 10, ACTIONS):
                ratios, mine = [], []
                for number in range(ROUNDS):
                    found = actions(f"{batch}-{number}")
                    mine.append(timed(partial(ours, ledger, lease, found, batch)))
                    other = timed(partial(peer, raw, found, batch))
                    ratios.append(mine[-1] / other)
                spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
                middle = statistics.median(ratios)
                each = f"{statistics.median(mine):.2f} ms an action"
                print(f"batch {batch:>3}: {each}, {middle:.1f} times sqlite3 ({spread})")


if __name__ == "__main__":
    main()
