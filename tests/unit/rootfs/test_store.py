"""What is in the store is whole; what is not whole does not count."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.unit.rootfs import trees

from trimaran.errors import TrimaranError
from trimaran.rootfs import Request, add, find, measure_again, remove, roots, store

DAY = "2026-11-23"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return trees.glibc(tmp_path / "made")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "store"


def put(home: Path, name: str, source: Path | str) -> None:
    add(home, Request(name, str(source), DAY))


def code(call: object, *arguments: object) -> str:
    with pytest.raises(TrimaranError) as caught:
        call(*arguments)  # type: ignore[operator]
    assert "\n" not in caught.value.problems[0].what
    return caught.value.problems[0].code


def test_what_was_added_is_found(home: Path, made: Path) -> None:
    assert roots(home) == {}
    put(home, "made-10", made)
    put(home, "made-9", made)
    assert list(roots(home)) == ["made-9", "made-10"]
    root = find(home, "made-9")
    assert root.folder == home / "made-9" / "root"
    assert (root.folder / "lib64/ld-linux-x86-64.so.2").is_symlink()
    assert root.origin == str(made)
    assert root.distribution.libc_version == "2.30"


def test_a_copy_does_not_change_with_its_source(home: Path, made: Path) -> None:
    os.link(made / "etc/os-release", made / "etc/other")
    put(home, "made", made)
    (made / "etc/os-release").write_text("ID=changed")
    there = find(home, "made").folder / "etc"
    assert "ID=made" in (there / "os-release").read_text()
    assert (there / "os-release").samefile(there / "other")


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "../x",
        "/x",
        "-x",
        "A",
        "a b",
        "a\n",
        "a\0",
        "é",
        "x" * 65,
        ".new-x",
        "a..b",
        "a.",
    ],
)
def test_a_name_that_could_be_something_else_is_refused(home: Path, made: Path, name: str) -> None:
    assert code(put, home, name, made) == "TRM1120"
    assert code(find, home, name) == "TRM1120"
    assert code(remove, home, name) == "TRM1120"
    assert not home.exists()


def test_what_is_there_is_not_changed_by_adding(home: Path, made: Path) -> None:
    put(home, "made", made)
    (made / "etc/os-release").unlink()
    assert code(put, home, "made", made) == "TRM1123"
    assert (find(home, "made").folder / "etc/os-release").is_file()


def test_what_fails_leaves_nothing(home: Path, made: Path, tmp_path: Path) -> None:
    (made / "lib64/ld-linux-x86-64.so.2").unlink()
    assert code(put, home, "made", made) == "TRM1125"
    assert code(put, home, "made", tmp_path / "absent") == "TRM1131"
    for source in (
        "",
        "foo:bar",
        "debian:../x",
        "debian:-x",
        "wheel:../x",
        "wheel:-e .",
        "wheel:a @ file:///x",
        "oci:",
        "\0",
    ):
        assert code(put, home, "made", source) in {"TRM1131", "TRM1132", "TRM1100"}
    assert [each.name for each in home.iterdir()] == [".made.lock"]


def test_what_was_removed_is_gone(home: Path, made: Path) -> None:
    put(home, "made", made)
    (home / "made/root/usr").chmod(0o500)
    remove(home, "made")
    assert roots(home) == {}
    assert [each.name for each in home.iterdir()] == [".made.lock"]
    assert code(remove, home, "made") == "TRM1121"
    put(home, "made", made)


def test_removing_follows_no_link(home: Path, made: Path, tmp_path: Path) -> None:
    put(home, "made", made)
    (home / "made/root/out").symlink_to(made)
    remove(home, "made")
    (home / "trap").symlink_to(made)
    assert code(remove, home, "trap") == "TRM1121"
    assert (made / "etc/os-release").is_file()


def test_a_name_is_held_against_a_second_trimaran(home: Path, made: Path) -> None:
    home.mkdir()
    with (home / ".made.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert code(put, home, "made", made) == "TRM1124"
        put(home, "other", made)
    put(home, "made", made)
    with (home / ".made.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert code(remove, home, "made") == "TRM1124"


def test_a_near_name_is_suggested(home: Path, made: Path) -> None:
    put(home, "debian-12", made)
    with pytest.raises(TrimaranError) as caught:
        find(home, "debian-21")
    assert "did you mean debian-12?" in caught.value.problems[0].fix


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"schema": "x"}', b"\xff", b"[" * 100_000])
def test_a_damaged_record_is_named_and_can_be_removed(home: Path, made: Path, content: bytes) -> None:
    put(home, "made", made)
    (home / "made/root.json").write_bytes(content)
    assert code(find, home, "made") == "TRM1122"
    assert code(roots, home) == "TRM1122"
    remove(home, "made")
    assert roots(home) == {}


def test_a_place_that_cannot_be_used_is_named(made: Path, tmp_path: Path) -> None:
    place = trees.write(tmp_path / "file", b"")
    assert code(put, place, "made", made) == "TRM1127"
    assert code(roots, place) == "TRM1127"


def test_measuring_anew_is_kept(home: Path, made: Path) -> None:
    put(home, "made", made)
    trees.write(home / "made/root/usr/lib/libnew.so.1", trees.library("libnew.so.1"))
    measure_again(home, "made", "2026-12-01")
    fact = find(home, "made").distribution
    assert "libnew.so.1" in fact.libraries
    assert fact.checked == "2026-12-01"


KILLED = """
import sys, time
from pathlib import Path
from trimaran.rootfs import Request, add, measure
from trimaran.rootfs import adding
real = adding.measure.measure
def slow(*arguments):
    print("unpacked", flush=True)
    time.sleep(60)
adding.measure.measure = slow
add(Path(sys.argv[1]), Request("made", sys.argv[2], "2026-11-23"))
"""


def test_a_run_that_is_killed_half_way_leaves_nothing_that_counts(home: Path, made: Path) -> None:
    argv = [sys.executable, "-c", KILLED, str(home), str(made)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "unpacked\n"
        assert code(put, home, "made", made) == "TRM1124"
        running.send_signal(signal.SIGKILL)
        running.wait(timeout=20)
    assert roots(home) == {}
    assert (home / ".new-made").is_dir()
    put(home, "made", made)
    assert sorted(each.name for each in home.iterdir()) == [".made.lock", "made"]


def test_a_link_under_the_name_is_no_root(home: Path, made: Path) -> None:
    put(home, "made", made)
    time.sleep(0)
    (home / "made").rename(home / "kept")
    (home / "made").symlink_to(home / "kept")
    assert store.find(home, "made").name == "made"
    assert code(put, home, "made", made) == "TRM1123"
