"""The ledger beside bare sqlite3: what an intent and an outcome cost, one by one and in batches.

The peer writes the same bytes with the same durability (WAL, synchronous=FULL),
without fence, inventory, chain or head.
"""

import atexit
import json
import sqlite3
import tempfile
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path

from bench.case import Case, Cost, wall
from trimaran.action import Action, ObjectRef, Undo, Verb
from trimaran.ledger import Intent, Lease, Ledger, Outcome, OutcomeState, is_dead, open_ledger, this_holder
from trimaran.ledger.encode import action_json

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ACTIONS = 200  # a round
ROUND = count()


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


@cache
def opened() -> tuple[Ledger, Lease, sqlite3.Connection]:
    """Both stores in a folder of their own, closed when the benchmark ends."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    ledger = stack.enter_context(open_ledger(folder / "ledger.db"))
    raw = stack.enter_context(closing(sqlite3.connect(folder / "raw.db", isolation_level=None)))
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("PRAGMA synchronous = FULL")
    raw.execute("CREATE TABLE steps (key TEXT PRIMARY KEY, action TEXT, state TEXT)")
    return ledger, ledger.acquire("local", this_holder("bench"), NOW, is_dead), raw


def our_cost(batch: int) -> Cost:
    """Seconds an action in our ledger."""

    def cost() -> float:
        ledger, lease, _ = opened()
        found = actions(f"ours-{batch}-{next(ROUND)}")
        return wall(lambda: ours(ledger, lease, found, batch))() / ACTIONS

    return cost


def peer_cost(batch: int) -> Cost:
    """Seconds an action in bare sqlite3."""

    def cost() -> float:
        found = actions(f"peer-{batch}-{next(ROUND)}")
        return wall(lambda: peer(opened()[2], found, batch))() / ACTIONS

    return cost


CASES = tuple(
    Case(
        f"ledger: intent and outcome of an action, {batch} at a time",
        our_cost(batch),
        peer_cost(batch),
        "sqlite3 alone: no fence, inventory, chain or head",
        rounds=5,
    )
    for batch in (1, ACTIONS)
)
