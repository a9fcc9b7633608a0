"""Opening a ledger's file: make or check it, and set how SQLite keeps it."""

import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.engine import URL

from trimaran.errors import fail
from trimaran.ledger.chain import EMPTY
from trimaran.ledger.faults import explained
from trimaran.ledger.heads import HeadFile
from trimaran.ledger.model import Guard, Unguarded
from trimaran.ledger.store import Ledger
from trimaran.ledger.tables import VERSION, layout, metadata

_BUSY_MS = 10_000  # how long a write waits for another process's transaction


def open_ledger(path: Path, guard: Guard | None = None) -> Ledger:
    """The ledger in the file `path`, made when there is none.

    Args:
        guard: keeps secrets out; a `trimaran.secret.Redactor` where any are resolved.

    Raises TrimaranError when the file is damaged, locked, not a ledger, not writable, or newer than us.
    """
    head = HeadFile(path)
    engine: Engine | None = None
    try:
        with explained(str(path)):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with head.locked():
                if path.exists():
                    _check_kind(path)
                else:
                    _make_file(path)
                engine = _engine(path)
                _prepare(engine, str(path))
            if head.read() is None:
                _first_head(engine, head)
    except BaseException:
        if engine is not None:
            engine.dispose()
        raise
    reader = engine.execution_options(trimaran_read=True)
    return Ledger(str(path), engine, reader, head, guard or Unguarded())


def open_existing(path: Path) -> Ledger:
    """The ledger in `path` for reading. Raises TrimaranError when there is none; writes nothing."""
    if not path.exists():
        raise fail(
            "TRM0405", f"there is no ledger at {path}", "`trimaran ship` begins one; --ledger names another"
        )
    with explained(str(path)):
        _check_kind(path)
        engine = _engine(path, mode="ro")
        with engine.connect() as conn:
            _check_version(conn, str(path))
            whole = set(inspect(conn).get_table_names()) >= set(metadata.tables)
    reader = engine.execution_options(trimaran_read=True)
    return Ledger(str(path), engine, reader, HeadFile(path), Unguarded(), whole)


def _make_file(path: Path) -> None:
    """A new ledger appears with its tables in it: who looks at it meanwhile finds none, never half of one."""
    fresh = path.with_name(path.name + ".new")
    for left in (fresh, *(Path(f"{fresh}{end}") for end in ("-journal", "-wal", "-shm"))):
        left.unlink(missing_ok=True)  # of a run that was killed here
    # Nobody else may read what runs where; SQLite gives its side files the mode of the first.
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    engine = _engine(fresh)
    try:
        _prepare(engine, str(path))
    finally:
        engine.dispose()
    fresh.replace(path)


def _check_kind(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        raise fail("TRM0405", f"{path} is not a file", "name the ledger's file with --ledger")


def _engine(path: Path, mode: str = "rw") -> Engine:
    query = {"mode": mode, "uri": "true"}
    if mode == "ro" and not os.access(path.parent, os.W_OK):
        query["immutable"] = "1"  # a copy on a read-only disk: SQLite cannot make its lock file there
    # The path travels percent-encoded inside SQLite's own file: address.
    url = URL.create("sqlite", database=path.absolute().as_uri(), query=query)
    # Threads that work on different targets share one open ledger; none of them waits for a connection.
    engine = create_engine(url, connect_args={"timeout": _BUSY_MS / 1000}, max_overflow=-1)
    event.listen(engine, "connect", _on_connect)
    if mode == "ro":
        event.listen(engine, "connect", _on_connect_to_read)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver would say it too late
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _on_connect_to_read(connection: sqlite3.Connection, _: Any) -> None:
    # What somebody has tampered with must be shown as broken, not fail to be read.
    connection.text_factory = lambda found: found.decode("utf-8", "replace")


def _on_begin(conn: Connection) -> None:
    """Writers queue at the start instead of failing when two readers both want to write."""
    reading = conn.get_execution_options().get("trimaran_read")
    conn.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _prepare(engine: Engine, name: str) -> None:
    with engine.execution_options(trimaran_read=True).connect() as conn:
        there = set(inspect(conn).get_table_names())
        if layout.name in there:
            _check_version(conn, name)
    if not there >= set(metadata.tables):
        with engine.begin() as conn:
            metadata.create_all(conn)  # those that are missing
            if layout.name not in there:
                conn.execute(insert(layout), {"version": VERSION})
    # After the tables, so that those of a new ledger are in its file and not in one beside it.
    with engine.connect() as conn:
        raw = conn.connection.driver_connection
        if raw is not None and raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            raw.execute("PRAGMA journal_mode = WAL")


def _check_version(conn: Connection, name: str) -> None:
    version = conn.execute(select(layout.c.version)).scalar_one()
    if version > VERSION:
        what = f"the ledger {name} has layout {version}; this Trimaran knows {VERSION}"
        raise fail("TRM0406", what, "use the Trimaran that wrote it, or a newer one")


def _first_head(engine: Engine, head: HeadFile) -> None:
    """A new chain has a head from the start, so that a missing one always means that it was taken away."""
    with engine.execution_options(trimaran_read=True).connect() as conn:
        if conn.exec_driver_sql("SELECT 1 FROM audit LIMIT 1").first() is None:
            head.write(EMPTY)
