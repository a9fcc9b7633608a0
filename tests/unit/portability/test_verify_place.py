"""Where a file stands in the sandbox, and what is known there before it runs."""

from dataclasses import replace
from pathlib import Path

import pytest

from trimaran.binary import File, Kind
from trimaran.facts import distributions
from trimaran.portability import verify_place
from trimaran.rootfs import Root

FILE = File("x", "elf64", "x86_64", Kind.PIE, "/lib64/ld-linux-x86-64.so.2")


@pytest.mark.parametrize(
    ("runpath", "folder"),
    [
        ((), "/tmp/program/bin"),
        (("/opt/../../..",), "/tmp/program/bin"),
        (("$ORIGIN/../lib",), "/tmp/program/bin"),
        (("$ORIGIN/../../../name.libs",), "/tmp/program/in/in/bin"),
        (("$ORIGIN", "${ORIGIN}/a/../../../name.libs"), "/tmp/program/in/bin"),
    ],
)
def test_a_file_stands_as_deep_as_its_runpath_climbs(runpath: tuple[str, ...], folder: str) -> None:
    assert verify_place.inside_of(replace(FILE, runpath=runpath)) == folder


def test_a_library_far_above_is_shown_where_the_runpath_leads(tmp_path: Path) -> None:
    (tmp_path / "name.libs").mkdir()
    (tmp_path / "name.libs/libpart.so.1").touch()
    (tmp_path / "a/b/c").mkdir(parents=True)
    file = replace(FILE, runpath=("$ORIGIN/../../../name.libs",))
    shown = verify_place.beside(file, tmp_path / "a/b/c/program")
    assert [inside for _, inside in shown] == ["/tmp/program/name.libs/libpart.so.1"]


def test_nothing_is_shown_outside_the_sandboxs_own_folder(tmp_path: Path) -> None:
    (tmp_path / "libpart.so.1").touch()
    file = replace(FILE, runpath=("$ORIGIN/" + "../" * 40,))
    assert verify_place.beside(file, tmp_path / "program") == []


@pytest.mark.parametrize(("path", "known"), [("/proc/self/exe", None), ("/lib/none.so", False)])
def test_an_interpreter_in_a_folder_of_the_kernel_is_not_known(
    path: str, known: bool | None, tmp_path: Path
) -> None:
    nothing = replace(distributions()["debian-12"], interpreters={})
    root = Root("x", tmp_path, "folder", "", "2026-01-01", "x86_64", nothing)
    file = replace(FILE, interpreter=path)
    assert verify_place.place(file, tmp_path / "x", root).interpreter is known
