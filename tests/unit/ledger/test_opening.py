"""Whatever is wrong with the ledger's file is one clear error."""

import errno
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from trimaran.action import ABSENT, Action, ObjectRef, Undo, Verb
from trimaran.errors import TrimaranError
from trimaran.ledger import Head, Intent, is_dead, open_existing, open_ledger, this_holder
from trimaran.ledger.faults import explained

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with one record."""
    path = tmp_path / "state" / "ledger.db"
    with open_ledger(path) as ledger:
        ledger.note("alice@box", {"event": "ship started"}, NOW)
    return path


def test_a_ledger_is_made_for_its_user_alone(path: Path) -> None:
    modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.rglob("ledger.db*")}
    assert modes["ledger.db"] == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_ledger_is_written_ahead_and_synced(path: Path) -> None:
    with open_ledger(path) as ledger, ledger.reader.connect() as conn:
        assert conn.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert conn.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert conn.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_name_with_signs_that_mean_something_in_an_address_is_just_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a?b=c#d %41" / "ledger.db"
    with open_ledger(path) as ledger:
        ledger.note("alice@box", {"event": "x"}, NOW)
    assert path.stat().st_size > 0
    with open_existing(path) as ledger:
        assert ledger.tail().sequence == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"this is no database" * 500, "TRM0401"), (b"SQLite format 3\0" + b"\xff" * 5000, "TRM0401")],
)
def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    with pytest.raises(TrimaranError, match=code):
        open_ledger(path)
    with pytest.raises(TrimaranError, match=code):
        open_existing(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_for_reading(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE t (x)")
    with pytest.raises(TrimaranError, match="TRM0401"):
        open_existing(path)


def test_a_damaged_page_is_one_error(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 40_000)
    with pytest.raises(TrimaranError, match="TRM0401"), open_ledger(path) as ledger:
        list(ledger.records())


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_not_a_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "ledger.db"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/null")
    with pytest.raises(TrimaranError, match="TRM0405"):
        open_ledger(path)
    with pytest.raises(TrimaranError, match="TRM0405"):
        open_existing(path)


def test_reading_a_ledger_that_is_not_there_makes_none(tmp_path: Path) -> None:
    with pytest.raises(TrimaranError, match="TRM0405"):
        open_existing(tmp_path / "ledger.db")
    assert list(tmp_path.iterdir()) == []


def test_a_newer_ledger_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE layout SET version = 99")
        raw.commit()
    with pytest.raises(TrimaranError, match=r"TRM0406.* layout 99"):
        open_ledger(path)
    with pytest.raises(TrimaranError, match="TRM0406"):
        open_existing(path)


def test_a_ledger_that_another_program_keeps_locked_is_one_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trimaran.ledger.opening._BUSY_MS", 50)
    with closing(sqlite3.connect(path, isolation_level=None)) as other, open_ledger(path) as ledger:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TrimaranError, match="TRM0404"):
            ledger.note("alice@box", {"event": "x"}, NOW)
        other.execute("ROLLBACK")
        ledger.note("alice@box", {"event": "x"}, NOW)


def test_a_full_disk_is_one_error_and_loses_nothing(path: Path) -> None:
    with open_ledger(path) as ledger:
        with ledger.reader.connect() as conn:
            raw = conn.connection.driver_connection
            assert raw is not None
            raw.execute(f"PRAGMA max_page_count = {raw.execute('PRAGMA page_count').fetchone()[0]}")
        with pytest.raises(TrimaranError, match="TRM0403"):
            ledger.note("alice@box", {"event": "x" * 100_000}, NOW)
        assert ledger.tail().sequence == 1


def test_a_ledger_on_a_disk_that_cannot_be_written_is_one_error(path: Path) -> None:
    with open_existing(path) as ledger, pytest.raises(TrimaranError, match="TRM0402"):
        ledger.note("alice@box", {"event": "x"}, NOW)


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "TRM0403"), (errno.EROFS, "TRM0402"), (errno.EACCES, "TRM0402"), (errno.EIO, "TRM0407")],
)
def test_what_the_file_system_refuses_is_explained(number: int, code: str) -> None:
    with pytest.raises(TrimaranError, match=code), explained("ledger.db"):
        raise OSError(number, os.strerror(number))


def test_a_chain_that_is_shorter_than_its_head_is_not_appended_to(path: Path) -> None:
    with open_ledger(path) as ledger:
        ledger.head.write(Head(5, "f" * 64))
        with pytest.raises(TrimaranError, match=r"TRM0409.* lost its last 4"):
            ledger.note("alice@box", {"event": "x"}, NOW)


def test_a_ledger_that_was_deleted_beside_its_head_is_not_begun_anew_in_silence(path: Path) -> None:
    for file in path.parent.glob("ledger.db*"):
        file.unlink()
    with open_ledger(path) as ledger, pytest.raises(TrimaranError, match="TRM0409"):
        ledger.note("alice@box", {"event": "x"}, NOW)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"sequence": "1", "hash": "x"}', '{"sequence": 1, "hash": 2}']
)
def test_a_head_that_says_nothing_is_one_error(path: Path, text: str) -> None:
    with open_ledger(path) as ledger:
        (path.parent / "heads" / "ledger.json").write_text(text)
        with pytest.raises(TrimaranError, match="TRM0408"):
            ledger.note("alice@box", {"event": "x"}, NOW)


def test_an_earlier_head_does_not_replace_a_later_one(path: Path) -> None:
    with open_ledger(path) as ledger:
        ledger.head.write(Head(0, "0" * 64))
        head = ledger.head.read()
        assert head is not None
        assert head.sequence == 1


def test_names_that_are_not_unicode_are_kept_or_refused_but_never_a_traceback(path: Path) -> None:
    odd = os.fsdecode(b"/tmp/\xff\xfe")
    with open_ledger(path) as ledger:
        ledger.note("alice@box", {"event": odd}, NOW)
        assert "\\udcff" in list(ledger.records())[-1].body
        lease = ledger.acquire("east", this_holder(), NOW, is_dead)
        action = Action(
            "east", Verb.CREATE, ObjectRef("east", "File", odd), {}, ABSENT, Undo.RESTORE, "x", "k"
        )
        with pytest.raises(TrimaranError, match="TRM0416"):
            ledger.begin(lease, [Intent(action, None, NOW)])


def test_processes_that_open_a_new_ledger_at_once_make_one(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime\n"
        "from trimaran.ledger import open_ledger\n"
        "with open_ledger(Path(sys.argv[1])) as ledger:\n"
        "    ledger.note('a', {'event': 'x'}, datetime.now(UTC))\n"
    )
    path = tmp_path / "state" / "ledger.db"
    children = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(4)]
    assert [child.wait(timeout=60) for child in children] == [0] * 4
    with open_existing(path) as ledger:
        assert ledger.tail().sequence == 4


def test_who_looks_while_a_ledger_is_made_finds_none_or_a_whole_one(tmp_path: Path) -> None:
    for number in range(5):
        path = tmp_path / str(number) / "ledger.db"
        maker = Thread(target=lambda path=path: open_ledger(path).close())
        maker.start()
        while not path.exists():
            assert maker.is_alive() or path.exists()
        with open_existing(path) as ledger:
            assert ledger.whole
            assert ledger.tail().sequence == 0
        maker.join(timeout=60)


def test_what_a_killed_run_left_of_a_new_ledger_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    for end in ("", "-journal", "-wal", "-shm"):
        Path(f"{path}.new{end}").write_bytes(b"half")
    with open_ledger(path) as ledger:
        ledger.note("alice@box", {"event": "x"}, NOW)
    assert [each.name for each in tmp_path.glob("ledger.db*")] == ["ledger.db"]
