"""The audit chain's head, in a small file beside the database.

Whoever shortens the chain in the database must also know and change this file; and a backup of it,
taken elsewhere, proves the chain up to that point for ever.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trimaran.errors import fail
from trimaran.ledger.model import Head


class HeadFile:
    """`heads/NAME.json` beside the ledger `NAME.db`."""

    def __init__(self, ledger: Path) -> None:
        self.path = ledger.parent / "heads" / f"{ledger.stem}.json"

    def read(self) -> Head | None:
        """The head, or None when there is no such file. Raises TrimaranError when it says nothing."""
        try:
            value = json.loads(self.path.read_bytes())
            head = Head(value["sequence"], value["hash"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            fix = "restore it from a backup; `trimaran audit verify` then checks the chain against it"
            raise fail("TRM0408", f"{self.path} is not the head of an audit chain", fix) from None
        if type(head.sequence) is not int or not isinstance(head.hash, str):
            raise fail(
                "TRM0408", f"{self.path} is not the head of an audit chain", "restore it from a backup"
            )
        return head

    def write(self, head: Head) -> None:
        """Replace the head durably, unless another process has written a later one already."""
        with self.locked():
            now = self.read()
            if now is not None and now.sequence >= head.sequence:
                return
            text = json.dumps({"sequence": head.sequence, "hash": head.hash}) + "\n"
            fresh = self.path.with_suffix(".new")
            with fresh.open("w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone among the processes that use this ledger, for a moment."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
