"""Start services for a test and end them by their process ids whatever happens."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from trimaran.supervise import control
from trimaran.supervise.state import Status, Unit


def wait_for(happens: Callable[[], object], patience_s: float = 10.0) -> None:
    """Until `happens()`; fails the test when it does not in time."""
    until = time.monotonic() + patience_s
    while not happens():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


class Keep:
    """The services of one test, all in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, script: str, **fields: Any) -> Status:
        return self.run(("/bin/sh", "-c", script), **fields)

    def run(self, argv: tuple[str, ...], **fields: Any) -> Status:
        return control.start(self.folder, replace(Unit(argv, grace_s=3.0), **fields), {})

    def clear(self) -> None:
        if (self.folder / "status.json").exists():
            control.stop(self.folder, grace_s=0.0)
