"""Which C library a build is linked to, and what Go is told for it."""

import sys
from pathlib import Path

import pytest

from trimaran.errors import TrimaranError
from trimaran.toolchain import BuildRequest, linking, zig
from trimaran.toolchain.install import this_machine
from trimaran.toolchain.linking import AS_IT_IS, quoted
from trimaran.toolchain.model import check


def silent(line: str) -> None:
    del line


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of its own, and no wheel of Zig."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return folder


def tool(folder: Path, name: str, script: str = "echo 0.99.0") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("platform", "libc", "name"),
    [
        ("linux/amd64", "glibc-2.17", "x86_64-linux-gnu.2.17"),
        ("linux/arm64", "musl", "aarch64-linux-musl"),
        ("linux/arm", "glibc-2.31", "arm-linux-gnueabihf.2.31"),
        ("linux/arm", "musl", "arm-linux-musleabihf"),
        ("linux/ppc64le", "musl", "powerpc64le-linux-musl"),
    ],
)
def test_zig_has_a_name_for_each_platform_and_library(platform: str, libc: str, name: str) -> None:
    assert zig.target(platform, libc) == name


def test_a_platform_without_a_c_library_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrimaranError) as caught:
        linking.linking("musl", "darwin/arm64", tmp_path, silent)
    assert caught.value.problems[0].code == "TRM0336"


def test_without_a_library_nothing_is_told(tmp_path: Path) -> None:
    assert linking.linking("", "linux/amd64", tmp_path, silent) is AS_IT_IS


def test_a_glibc_of_its_own_needs_zig_and_musl_takes_musl_gcc_first(tools: Path, tmp_path: Path) -> None:
    wrapper, compiler = tool(tools, "musl-gcc"), tool(tools, "zig")
    here = "/".join(this_machine())
    assert linking.linking("musl", here, tmp_path, silent).environment["CC"] == str(wrapper)
    floor = linking.linking("glibc-2.28", "linux/amd64", tmp_path, silent)
    assert floor.environment["CC"] == f"{compiler} cc -target x86_64-linux-gnu.2.28"
    assert floor.environment["ZIG_GLOBAL_CACHE_DIR"].startswith(str(tmp_path))
    assert floor.said == "for glibc 2.28 and newer, by Zig 0.99.0"
    # musl-gcc makes programs of this machine only.
    assert "zig" in linking.linking("musl", "linux/riscv64", tmp_path, silent).environment["CC"]


def test_cplusplus_takes_zig_for_musl_because_musl_gcc_has_none(tools: Path, tmp_path: Path) -> None:
    tool(tools, "musl-gcc")
    compiler = tool(tools, "zig")
    found = linking.linking("musl", "/".join(this_machine()), tmp_path, silent, cplusplus=True)
    target = zig.target("/".join(this_machine()), "musl")
    assert found.environment["CXX"] == f"{compiler} c++ -target {target}"
    assert found.variables == (f"CC=zig cc -target {target}", f"CXX=zig c++ -target {target}")


def test_a_zig_that_does_not_answer_is_none(tools: Path, tmp_path: Path) -> None:
    tool(tools, "zig", "exit 1")
    assert zig.find(tmp_path) is None


def test_the_wheel_is_brought_only_with_the_hash_that_is_known(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A pip that notes what it is asked for, and brings nothing.
    said = tmp_path / "said"
    asked = (
        f'for word in "$@"; do last=$word; done; /bin/cat "$last" > {said}; echo no such wheel >&2; exit 1'
    )
    monkeypatch.setattr(sys, "executable", str(tool(tools, "python", asked)))
    with pytest.raises(TrimaranError) as caught:
        zig.ensure(tmp_path / "cache", silent)
    problem = caught.value.problems[0]
    assert problem.code == "TRM0337"
    assert "no such wheel" in problem.detail
    assert said.read_text().startswith(f"ziglang=={zig.VERSION} --hash=sha256:")
    assert not (tmp_path / "cache/zig" / zig.VERSION).exists()
    assert not list((tmp_path / "cache/zig").glob(".*new*")), "nothing is left of a failed attempt"


def test_a_compiler_in_a_folder_with_blanks_is_quoted_as_go_reads_it() -> None:
    assert quoted("/usr/bin/zig") == "/usr/bin/zig"
    assert quoted("/my tools/zig") == "'/my tools/zig'"
    assert quoted("/it's mine/zig") == '"/it\'s mine/zig"'


@pytest.mark.parametrize("libc", ["uclibc", "glibc", "glibc-3.1", "musl ", "glibc-2.17.1"])
def test_another_library_is_refused(libc: str) -> None:
    with pytest.raises(TrimaranError):
        check(BuildRequest(path=Path(), libc=libc))


@pytest.mark.parametrize("tag", ["", "a,b", "-x", "a b"])
def test_a_tag_that_is_none_is_refused(tag: str) -> None:
    with pytest.raises(TrimaranError):
        check(BuildRequest(path=Path(), tags=(tag,)))
