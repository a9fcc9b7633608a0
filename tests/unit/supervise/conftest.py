from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.supervise.living import Keep


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Keep]:
    kept = Keep(tmp_path / "service")
    yield kept
    kept.clear()
