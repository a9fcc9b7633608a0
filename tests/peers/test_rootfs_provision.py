"""Provisioning says what is missing, does nothing twice, and never leaves half a root file system."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests import provision, rootfs

pytestmark = pytest.mark.peer


def test_a_second_run_installs_nothing_and_makes_no_root_file_system() -> None:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "tests.provision"],
        capture_output=True,
        text=True,
        check=True,
        cwd=_repository(),
    )
    *said, last = done.stdout.splitlines()
    assert last == "provision: everything is there"
    # Programs are built again, out of Go's cache, because only Go knows whether they are as they would be.
    again = ("apt-get", "root file system", "adding it to")
    assert not [line for line in said if any(word in line for word in again)]
    # The first takes half an hour and more; beside other tests, this one has been seen to take a minute.
    assert time.perf_counter() - started < 240


def _repository() -> Path:
    return Path(provision.__file__).resolve().parents[1]


def test_who_is_not_root_is_told_exactly_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setitem(provision.WANTED, "no-such-command", "no-such-package")
    assert provision.missing() == ["no-such-package"]
    assert provision.main() == 1
    said = capsys.readouterr().out
    assert "apt-get update && apt-get install --yes --no-install-recommends no-such-package" in said


def test_a_root_file_system_that_cannot_be_made_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(root: Path, folder: Path) -> None:
        root.mkdir()
        (root / "half").write_text("half")
        raise rootfs.MissingPeerError("the network went away")

    monkeypatch.setattr(rootfs, "CACHE", tmp_path)
    monkeypatch.setitem(rootfs.RECIPES, "debian-12", rootfs.Recipe("x", broken))
    with pytest.raises(rootfs.MissingPeerError, match="went away"):
        rootfs.rootfs("debian-12")
    assert list(tmp_path.iterdir()) == []
