"""Building: with a `go` on the PATH that is a small script, to see when it is run and when it is not."""

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from trimaran.errors import TrimaranError
from trimaran.toolchain import BuildRequest, Built, Cgo, Origin, build
from trimaran.toolchain import situation as at_hand

REQUEST = BuildRequest(module="example.com/m", version="v1.2.3", package="./cmd/m", go="1.99")

_GO = """\
#!{python} -IS
import json, os, sys
from pathlib import Path
home = Path({home!r})
with (home / "ran").open("a") as log:
    seen = {{k: v for k, v in os.environ.items() if k.startswith(("GO", "CGO"))}}
    log.write(json.dumps([sys.argv[1:], seen]) + "\\n")
said = json.loads((home / "said.json").read_text())
command = sys.argv[1]
if command == "env":
    told = {{"GOVERSION": said["version"], "GOROOT": str(home / "root")}}
    print(json.dumps(told | {{"GOMODCACHE": "/m", "CC": "gcc"}}))
elif command == "mod":
    if said.get("absent"):
        print(json.dumps({{"Error": said["absent"]}})); sys.exit(1)
    told = {{"Path": "example.com/m", "Version": "v1.2.3", "Dir": str(home), "Sum": "h1:x"}}
    print(json.dumps(told | {{"GoMod": str(home / "go.mod")}}))
elif command == "list":
    for package in said["packages"]: print(json.dumps(package))
elif command == "install":
    if said.get("fails"):
        sys.stderr.write(said["fails"]); sys.exit(1)
    out = Path(os.environ["GOPATH"]) / "bin" / "linux_arm64" / "m"
    out.parent.mkdir(parents=True); out.write_text("binary " + said["version"])
elif command == "build":
    Path(sys.argv[sys.argv.index("-o") + 1]).write_text(said.get("source", "built"))
"""


class FakeGo:
    """A Go that notes how it is called and answers what the test says."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.said: dict[str, object] = {
            "version": "go1.99.3",
            "packages": [{"ImportPath": "example.com/m/cmd/m", "Name": "main"}],
        }
        (home / "root/bin").mkdir(parents=True)
        (home / "go.mod").write_text("module example.com/m\n\ngo 1.99\n")
        for place in (home / "go", home / "root/bin/go"):
            place.write_text(_GO.format(python=sys.executable, home=str(home)))
            place.chmod(0o755)
        self.say()

    def say(self, **more: object) -> None:
        self.said |= more
        (self.home / "said.json").write_text(json.dumps(self.said))

    def ran(self) -> list[tuple[list[str], dict[str, str]]]:
        path = self.home / "ran"
        found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        path.unlink(missing_ok=True)
        return [(argv, env) for argv, env in found]


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGo:
    home = tmp_path / "fake"
    home.mkdir()
    monkeypatch.setenv("PATH", f"{home}:/usr/bin:/bin")
    monkeypatch.setenv("GOPROXY", "off")
    monkeypatch.setenv("GOENV", "off")
    monkeypatch.setattr(at_hand, "wheel_root", lambda: None)
    return FakeGo(home)


def made(request: BuildRequest, tmp_path: Path) -> Built:
    return build(request, tmp_path / "cache", lambda line: None)


def refused(request: BuildRequest, tmp_path: Path) -> TrimaranError:
    with pytest.raises(TrimaranError) as caught:
        made(request, tmp_path)
    return caught.value


def test_a_module_is_built_and_described(go: FakeGo, tmp_path: Path) -> None:
    built = made(REQUEST, tmp_path)
    path = Path(built.path)
    assert path.read_text() == "binary go1.99.3"
    assert path.parent.name == built.digest.removeprefix("sha256:")
    assert os.access(path, os.X_OK)
    assert (built.go, built.origin, built.source) == ("1.99.3", Origin.PATH, "example.com/m@v1.2.3")
    assert (built.cgo, built.sum, built.reused) == (False, "h1:x", False)
    assert built.size == path.stat().st_size


def test_a_second_build_runs_nothing(go: FakeGo, tmp_path: Path) -> None:
    first = made(REQUEST, tmp_path)
    assert go.ran()
    assert made(REQUEST, tmp_path) == replace(first, reused=True)
    assert go.ran() == []


def test_the_warm_path_imports_neither_network_nor_cryptography(go: FakeGo, tmp_path: Path) -> None:
    made(REQUEST, tmp_path)
    text = """
        import sys
        from pathlib import Path
        from trimaran.toolchain import BuildRequest, build, situation
        situation.wheel_root = lambda: None
        request = BuildRequest(module="example.com/m", version="v1.2.3", package="./cmd/m", go="1.99")
        assert build(request, Path(sys.argv[1]), print).reused
        heavy = {"cryptography", "urllib.request", "subprocess", "zipfile", "click", "tomllib"}
        print(sorted(heavy & set(sys.modules)))
    """
    argv = [sys.executable, "-c", textwrap.dedent(text), str(tmp_path / "cache")]
    assert subprocess.run(argv, check=True, capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize("damage", ["changed", "truncated", "deleted", "touched"])
def test_a_damaged_binary_is_built_again_and_a_touched_one_is_not(
    go: FakeGo, tmp_path: Path, damage: str
) -> None:
    built = made(REQUEST, tmp_path)
    path = Path(built.path)
    go.ran()
    match damage:
        case "changed":
            path.write_text("binary gone!!!!")
        case "truncated":
            path.write_text("")
        case "deleted":
            path.unlink()
        case _:
            os.utime(path, ns=(1, 1))
    again = made(REQUEST, tmp_path)
    assert path.read_text() == "binary go1.99.3"
    assert again.reused == (damage == "touched")
    assert bool(go.ran()) == (damage != "touched")


def test_another_go_on_the_path_builds_again(go: FakeGo, tmp_path: Path) -> None:
    first = made(REQUEST, tmp_path)
    go.say(version="go1.99.4")
    (go.home / "go").write_text((go.home / "go").read_text() + "# newer\n")
    second = made(REQUEST, tmp_path)
    assert (second.go, second.reused) == ("1.99.4", False)
    assert second.digest != first.digest


def test_a_query_is_asked_anew_but_not_compiled_twice(go: FakeGo, tmp_path: Path) -> None:
    made(replace(REQUEST, version="latest"), tmp_path)
    go.ran()
    assert made(replace(REQUEST, version="latest"), tmp_path).reused
    commands = [argv[0] for argv, _ in go.ran()]
    assert "mod" in commands
    assert "install" not in commands


def test_go_is_called_without_what_would_change_the_result(
    go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOROOT", "GOBIN", "GOOS", "GOTOOLCHAIN"):
        monkeypatch.setenv(name, "/wrong")
    monkeypatch.setenv("GOFLAGS", "-tags=wrong")
    made(replace(REQUEST, platform="linux/arm64"), tmp_path)
    calls = go.ran()
    for _, env in calls:
        assert "GOROOT" not in env
        assert "GOBIN" not in env
        assert env["GOTOOLCHAIN"] == "local"
        assert env["GOFLAGS"] == "-trimpath -buildvcs=false"
    argv, env = calls[-1]
    assert argv == ["install", "--", "example.com/m/cmd/m@v1.2.3"]
    assert (env["GOOS"], env["GOARCH"], env["CGO_ENABLED"]) == ("linux", "arm64", "0")
    assert env["GOMODCACHE"] == "/m"


def test_the_users_go_env_settings_are_kept_except_the_dangerous(
    go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings"
    settings.write_text("GOPRIVATE=corp.example\nGOBIN=/wrong\nGOFLAGS=-tags=x\nGOTOOLCHAIN=auto\n")
    monkeypatch.setenv("GOENV", str(settings))
    from trimaran.toolchain import gocommand

    env = gocommand.environment(tmp_path, {})
    assert Path(env["GOENV"]).read_text() == "GOPRIVATE=corp.example\n"


def test_c_is_linked_in_only_where_a_package_needs_it(go: FakeGo, tmp_path: Path) -> None:
    compiler = go.home / "gcc"
    compiler.write_text("#!/bin/sh\n")
    compiler.chmod(0o755)
    go.say(
        packages=[
            {"ImportPath": "net", "Standard": True, "CgoFiles": ["x.go"]},
            {"ImportPath": "example.com/sqlite", "CgoFiles": ["y.go"]},
            {"ImportPath": "example.com/m/cmd/m", "Name": "main"},
        ]
    )
    on = made(REQUEST, tmp_path)
    assert (on.cgo, on.cgo_reason) == (True, "example.com/sqlite has C in it")
    off = made(replace(REQUEST, cgo=Cgo.OFF), tmp_path)
    assert (off.cgo, off.cgo_reason) == (False, "cgo: off is declared")


def test_c_for_another_machine_needs_a_compiler_that_is_named(go: FakeGo, tmp_path: Path) -> None:
    error = refused(replace(REQUEST, cgo=Cgo.ON, platform="linux/riscv64"), tmp_path)
    assert error.problems[0].code == "TRM0318"


def test_a_folder_is_always_built_and_kept_by_content(go: FakeGo, tmp_path: Path) -> None:
    request = BuildRequest(path=go.home, package="./cmd/m", go="1.99")
    first, second = made(request, tmp_path), made(request, tmp_path)
    assert first == second
    assert not second.reused
    assert [argv[0] for argv, _ in go.ran()].count("build") == 2
    go.say(source="changed")
    third = made(request, tmp_path)
    assert third.digest != first.digest
    assert Path(first.path).read_text() == "built"


@pytest.mark.parametrize(
    "said",
    [
        "go: The go.mod file contains one or more\n\treplace directives. It must not",
        "go: example.com/m@v1.2.3: reading https://proxy.example.com/example.com/m/@v/list: 403 Forbidden",
    ],
    ids=["replaces", "no list"],
)
def test_a_module_that_go_does_not_install_is_built_in_its_folder_and_says_so(
    go: FakeGo, tmp_path: Path, said: str
) -> None:
    go.say(fails=said)
    built = made(REQUEST, tmp_path)
    assert "built in its folder" in built.notes[0]
    assert Path(built.path).read_text() == "built"


def test_a_library_is_not_built(go: FakeGo, tmp_path: Path) -> None:
    go.say(packages=[{"ImportPath": "example.com/m/cmd/m", "Name": "m"}])
    assert refused(REQUEST, tmp_path).problems[0].code == "TRM0314"


def test_compile_errors_are_shown(go: FakeGo, tmp_path: Path) -> None:
    go.say(fails="# example.com/m/cmd/m\n./main.go:3:2: undefined: nope\n")
    (problem,) = refused(REQUEST, tmp_path).problems
    assert problem.code == "TRM0317"
    assert "./main.go:3:2: undefined: nope" in problem.detail


def test_an_absent_module_is_said_even_when_nobody_can_be_asked(go: FakeGo, tmp_path: Path) -> None:
    go.say(absent="reading http://p/m: 404 Not Found")
    assert refused(REQUEST, tmp_path).problems[0].code == "TRM0312"


def test_a_module_that_needs_a_newer_go_than_declared_is_refused(go: FakeGo, tmp_path: Path) -> None:
    (go.home / "go.mod").write_text("module example.com/m\n\ngo 2.5\n")
    (problem,) = refused(REQUEST, tmp_path).problems
    assert problem.code == "TRM0315"
    assert '"2.5"' in problem.fix


def test_without_any_go_and_proxy_it_is_said_what_to_set(
    go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert refused(REQUEST, tmp_path).problems[0].code == "TRM0305"


def test_a_folder_without_a_module_is_refused(go: FakeGo, tmp_path: Path) -> None:
    assert refused(BuildRequest(path=tmp_path / "none"), tmp_path).problems[0].code == "TRM0303"


def test_all_that_is_wrong_with_a_request_comes_at_once(tmp_path: Path) -> None:
    request = BuildRequest(module="-flag", version="", package="../x", go="x", platform="linux")
    problems = refused(request, tmp_path).problems
    assert {problem.code for problem in problems} == {"TRM0301"}
    assert len(problems) == 5


@pytest.mark.parametrize("package", ["-o", "./...", "a/../b", "x@v1", "", "a b"])
def test_no_package_can_become_a_flag_or_a_pattern(tmp_path: Path, package: str) -> None:
    assert refused(replace(REQUEST, package=package), tmp_path).problems[0].code == "TRM0301"


def test_a_cache_that_cannot_be_written_is_named(go: FakeGo, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert refused(REQUEST, tmp_path).problems[0].code == "TRM0332"


def test_tags_and_a_chosen_c_library_reach_go(go: FakeGo, tmp_path: Path) -> None:
    compiler = go.home / "musl-gcc"
    compiler.write_text("#!/bin/sh\n")
    compiler.chmod(0o755)
    asked = replace(REQUEST, cgo=Cgo.ON, tags=("netgo", "x"), libc="musl")
    built = made(asked, tmp_path)
    ran = {argv[0]: (argv, env) for argv, env in go.ran()}
    assert "-tags=netgo,x" in ran["list"][0]
    argv, env = ran["install"]
    assert argv[1:3] == ["-tags=netgo,x", '-ldflags=-linkmode=external -extldflags "-static"']
    assert env["CGO_ENABLED"] == "1"
    assert built.cgo_reason == "cgo: on is declared; musl linked in, by musl-gcc"
    # Another library is another build; without C it means nothing, and the compiler is not asked for.
    assert made(asked, tmp_path).reused
    assert not made(replace(asked, libc="glibc-static"), tmp_path).reused
    go.ran()
    made(replace(asked, cgo=Cgo.OFF), tmp_path)
    assert next(argv for argv, _ in go.ran() if argv[0] == "install")[1:2] == ["-tags=netgo,x"]
