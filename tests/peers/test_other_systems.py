"""Go programs for systems that use ELF as Linux does: told apart before anybody tries them."""

import subprocess
from pathlib import Path

import pytest
from tests.programs import FIXTURES, go

from trimaran.binary import inspect_file
from trimaran.errors import TrimaranError

pytestmark = pytest.mark.peer


def built(system: str, machine: str, folder: Path) -> Path:
    program = folder / f"{system}-{machine}"
    source = FIXTURES / "tiny"
    go("build", "-o", str(program), ".", folder=source, GOOS=system, GOARCH=machine, CGO_ENABLED="0")
    return program


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("android", "arm64", "Android"),
        ("dragonfly", "amd64", "DragonFly BSD"),
        ("freebsd", "amd64", "FreeBSD"),
        ("freebsd", "386", "FreeBSD"),
        ("netbsd", "amd64", "NetBSD"),
        ("openbsd", "amd64", "OpenBSD"),
        ("solaris", "amd64", "Solaris"),
    ],
)
def test_a_go_program_for_another_system_is_told_by_that_systems_name(
    system: str, machine: str, name: str, tmp_path: Path
) -> None:
    with pytest.raises(TrimaranError) as caught:
        inspect_file(built(system, machine, tmp_path))
    (problem,) = caught.value.problems
    assert (problem.code, problem.what) == ("TRM0207", f"this is a program for {name}")
    assert "GOOS=linux" in problem.fix


@pytest.mark.parametrize("system", ["dragonfly", "freebsd", "netbsd"])
def test_the_kernel_starts_such_a_program_all_the_same_and_it_crashes(system: str, tmp_path: Path) -> None:
    done = subprocess.run([built(system, "amd64", tmp_path)], capture_output=True, timeout=10, check=False)
    assert done.returncode < 0, done


def test_the_same_program_for_linux_is_read(tmp_path: Path) -> None:
    assert inspect_file(built("linux", "amd64", tmp_path)).go is not None
