"""What the tests against real peers share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.world import ROOT, World, free_port, world


@pytest.fixture(scope="session")
def warm_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that all worlds of this run share, so that each program is built once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def here(tmp_path: Path, warm_cache: Path) -> Iterator[World]:
    """An empty home with the shared cache of builds."""
    with world(tmp_path) as found:
        found.environment["XDG_CACHE_HOME"] = str(warm_cache)
        yield found


@pytest.fixture
def article(tmp_path: Path) -> tuple[Path, int]:
    """A copy of the example service's declaration on a free port, and the port."""
    return _copy("article", tmp_path, "8090")


@pytest.fixture
def podinfo(tmp_path: Path) -> tuple[Path, int]:
    """The same for podinfo."""
    return _copy("podinfo", tmp_path, "9898")


def _copy(example: str, folder: Path, port: str) -> tuple[Path, int]:
    copied = folder / example
    shutil.copytree(ROOT / "examples" / example, copied, ignore=shutil.ignore_patterns("rendered"))
    declaration = copied / "service.yaml"
    number = free_port()
    text = declaration.read_text("utf-8")
    assert port in text
    declaration.write_text(text.replace(port, str(number)), "utf-8")
    return declaration, number
