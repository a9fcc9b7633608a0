import os
import time
from pathlib import Path

import pytest

from trimaran.lab import build, recipes
from trimaran.lab.recipes import Program
from trimaran.toolchain.gocommand import Finished

PROGRAM = Program("etcd", "./etcd", "3.6.5")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("# k8s.io/x\nx.go:1:1: syntax error", "TRM1002"),
        ("something that nobody foresaw", "TRM1002"),
        ("main.go:9:2: missing go.sum entry for module", "TRM1002"),
        ('Get "https://proxy.invalid": dial tcp: lookup proxy.invalid: no such host', "TRM0306"),
        ("write /tmp/x: no space left on device", "TRM0316"),
        ("verifying module: checksum mismatch", "TRM0308"),
    ],
)
def test_a_build_that_fails_says_whose_fault_it_is(said: str, code: str) -> None:
    error = build._unbuilt(PROGRAM, Finished(1, "", said))
    assert [problem.code for problem in error.problems] == [code]
    assert error.problems[0].fix
    assert said.splitlines()[-1] in error.problems[0].detail


def test_the_last_lines_of_the_compiler_are_told_without_what_steers_a_terminal() -> None:
    said = "# pkg\n" + "".join(f"x.go:{number}:1: \x1b[2Jbad\n" for number in range(50))
    (problem,) = build._unbuilt(PROGRAM, Finished(1, "", said)).problems
    assert len(problem.detail) == 12
    assert problem.detail[-1].startswith("x.go:49:1:")
    assert "\x1b" not in "".join(problem.detail)


def test_each_program_has_its_own_place_and_an_unknown_one_has_none(tmp_path: Path) -> None:
    places = {build.place(tmp_path, name) for name in recipes().names}
    assert len(places) == len(recipes().names)
    assert all(path.is_relative_to(tmp_path / "lab") for path in places)
    with pytest.raises(KeyError):
        build.programs(tmp_path, print, ["no-such"])


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    path = build.place(tmp_path, "etcd")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    said: list[str] = []
    assert build.programs(tmp_path, said.append, ["etcd"]) == {"etcd": path}
    assert said == []


def test_only_old_folders_of_other_versions_are_forgotten(tmp_path: Path) -> None:
    mine = build.place(tmp_path, "etcd").parent
    old, young = (tmp_path / "lab" / name for name in ("kubernetes-1.0.0-aaaa", "kubernetes-1.0.0-bbbb"))
    for path in (mine, old, young):
        path.mkdir(parents=True)
    ago = time.time() - 40 * 86400
    for path in (mine, old):
        os.utime(path, (ago, ago))
    build._forget_old(tmp_path)
    assert (mine.is_dir(), old.is_dir(), young.is_dir()) == (True, False, True)
