import hashlib
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trimaran.action import Json
from trimaran.platform.host.session import HostSession
from trimaran.supervise import control

SHELL = Path("/bin/sh").resolve()
SHELL_DIGEST = "sha256:" + hashlib.sha256(SHELL.read_bytes()).hexdigest()
CANARY = "canary-8437-value"


def resolve(reference: Mapping[str, Json]) -> str:
    return f"{CANARY}-{reference['path']}"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[HostSession]:
    """A session whose only program is this machine's own shell."""
    built = tmp_path / "built"
    shutil.copy(SHELL, built)
    root = tmp_path / "host" / "local"
    yield HostSession(root, "local", {SHELL_DIGEST: built}, resolve, lambda: datetime.now(UTC))
    for folder in (root / "services").glob("*"):
        control.stop(folder, grace_s=0.0)
