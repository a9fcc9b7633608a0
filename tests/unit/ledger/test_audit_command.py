"""`trimaran audit`, as a user calls it."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.ledger.deck import Deck
from tests.unit.ledger.test_perform import FAR, create, delete

from trimaran.cli.main import _run
from trimaran.ledger import perform

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def path(deck: Deck) -> Path:
    """A ledger of a short life."""
    deck.ledger.note("alice@box", {"event": "ship started", "service": "web"}, NOW)
    perform(create(), deck.by, FAR)
    deck.session.set("broken")
    perform(delete("k2"), deck.by, FAR)
    return deck.path


def tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for statement in statements:
            raw.execute(statement)


def test_an_intact_ledger_is_said_to_be_so(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit", "verify", "--ledger", str(path)]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"intact  5 records, the last of 2030-01-01 00:00:00\nhead    [0-9a-f]{64}\n", shown)


@pytest.mark.parametrize(
    ("statements", "kind", "sequence"),
    [
        (["UPDATE audit SET body = replace(body, 'web', 'bad') WHERE sequence = 2"], "edited", 2),
        (["UPDATE audit SET actor = x'ff00' WHERE sequence = 3"], "edited", 3),
        (["UPDATE audit SET body = cast(x'ff' AS TEXT) WHERE sequence = 3"], "edited", 3),
        (["DELETE FROM audit WHERE sequence = 3"], "removed", 3),
        (["DELETE FROM audit WHERE sequence >= 4"], "truncated", 4),
        (["DELETE FROM audit"], "truncated", 1),
        (
            [
                "UPDATE audit SET sequence = 99 WHERE sequence = 2",
                "UPDATE audit SET sequence = 2 WHERE sequence = 3",
                "UPDATE audit SET sequence = 3 WHERE sequence = 99",
            ],
            "reordered",
            2,
        ),
        (
            [
                "UPDATE audit SET sequence = -sequence - 1 WHERE sequence >= 3",
                "UPDATE audit SET sequence = -sequence WHERE sequence < 0",
                "INSERT INTO audit SELECT 3, hash, at, actor, body, hash FROM audit WHERE sequence = 2",
            ],
            "inserted",
            3,
        ),
    ],
)
def test_a_broken_ledger_is_said_to_be_so_with_the_place_and_the_kind(
    path: Path,
    tmp_path: Path,
    statements: list[str],
    kind: str,
    sequence: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    copy = tmp_path / "copy" / "ledger.db"
    (copy.parent / "heads").mkdir(parents=True)
    for name in ("ledger.db", "ledger.db-wal", "heads/ledger.json"):
        (copy.parent / name).write_bytes((path.parent / name).read_bytes())
    tamper(copy, *statements)
    assert _run(["audit", "verify", "--ledger", str(copy), "-o", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["fault"]["kind"], found["fault"]["sequence"]) == (kind, sequence)
    assert _run(["audit", "verify", "--ledger", str(copy)]) == 1
    assert f"broken  record {sequence} is {kind}" in capsys.readouterr().out


def test_a_missing_ledger_is_unreadable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit", "verify", "--ledger", str(tmp_path / "no.db")]) == 2
    assert "TRM0405" in capsys.readouterr().err


def test_the_list_fits_a_terminal(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit", "list", "--ledger", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    words = [line[45:].split() for line in lines[1:]]
    assert words == [
        ["event", "ship", "started", "web"],
        ["intent", "create", "Process/web"],
        ["done", "create", "Process/web"],
        ["intent", "delete", "Process/web"],
        ["failed", "delete", "Process/web"],
    ]


@pytest.mark.parametrize(("options", "first"), [(["--last", "2"], 4), (["--all"], 1), (["--last", "0"], 6)])
def test_the_list_is_cut_to_the_last_records(
    path: Path, options: list[str], first: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["audit", "list", "--ledger", str(path), "-o", "jsonl", *options]) == 0
    found = [json.loads(line)["sequence"] for line in capsys.readouterr().out.splitlines()]
    assert found == list(range(first, 6))
    assert _run(["audit", "list", "--ledger", str(path), "-o", "json", *options]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [record["sequence"] for record in shown["records"]] == found


def test_a_name_cannot_steer_the_terminal(deck: Deck, capsys: pytest.CaptureFixture[str]) -> None:
    deck.ledger.note("mallory\x1b[2J", {"event": "\x1b]0;owned\x07"}, NOW)
    assert _run(["audit", "list", "--ledger", str(deck.path)]) == 0
    assert "\x1b" not in capsys.readouterr().out
