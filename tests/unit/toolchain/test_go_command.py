"""`trimaran go`: what it prints and how it ends, against a proxy on the loopback."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.unit.toolchain.liar import DATABASE, NAME, QUICK, TOOLCHAIN, Liar, lying, plant

from trimaran.cli.main import cli
from trimaran.errors import TrimaranError
from trimaran.toolchain import database, install, network
from trimaran.toolchain import situation as at_hand


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, liar: Liar) -> Liar:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("GOENV", "off")
    monkeypatch.setenv("GOPROXY", liar.url)
    monkeypatch.setenv("GOSUMDB", f"{NAME} {liar.url}/database")
    monkeypatch.setattr(network, "Patience", lambda: QUICK)
    monkeypatch.setattr(database, "trusted", lambda: DATABASE)
    monkeypatch.setattr(install, "this_machine", lambda: ("linux", "amd64"))
    for module in (at_hand, network):
        monkeypatch.setattr(module, "wheel_root", lambda: None)
    from trimaran.toolchain import locate

    monkeypatch.setattr(locate, "wheel_root", lambda: None)
    return liar


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, ["go", *args], standalone_mode=False)


def test_a_go_is_listed_installed_found_and_verified(served: Liar, tmp_path: Path) -> None:
    assert run("list").stdout == "1.99.1     available\n"
    first = run("install", "1.99")
    assert first.stdout.startswith("Go 1.99.1 is installed in ")
    assert run("install", "1.99.1").stdout.startswith("Go 1.99.1 was installed in ")
    assert "at hand    module, proven" in run("list").stdout
    command = Path(run("path", "1.99").stdout.strip())
    assert command == tmp_path / "trimaran/toolchains" / TOOLCHAIN.name / "bin/go"
    verified = run("verify")
    assert verified.return_value == 0
    assert verified.stdout.endswith("  as published\n")


def test_a_deviation_is_named_and_ends_with_1(served: Liar, tmp_path: Path) -> None:
    root = plant(tmp_path / "go")
    (root / "go.env").write_text("GOTOOLCHAIN=local\n")
    found = run("verify", str(root))
    assert found.return_value == 1
    assert "\n  changed    go.env\n" in found.stdout
    assert "1 deviating" in found.stdout


def test_json_is_versioned_and_alone_on_standard_output(served: Liar, tmp_path: Path) -> None:
    root = plant(tmp_path / "go")
    (root / "extra.go").write_text("package x\n")
    document = json.loads(run("verify", str(root), "-o", "json").stdout)
    assert document["schema"] == "trimaran.dev/go-verify/v1"
    (tree,) = document["trees"]
    assert tree["deviations"] == [{"file": "extra.go", "kind": "added"}]
    assert (tree["holds"], tree["database"]["record"]) == (False, 137)
    listed = json.loads(run("list", "-o", "json").stdout)
    assert listed["toolchains"] == [
        {"version": "1.99.1", "state": "available", "origin": None, "path": None, "proven": False}
    ]


def test_without_the_proxy_what_is_here_is_listed_and_the_status_says_partial(
    served: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("install", "1.99.1")
    monkeypatch.setenv("GOPROXY", "off")
    found = run("list")
    assert found.return_value == 3
    assert found.stdout.startswith("1.99.1     at hand")
    assert "TRM0305" in found.stderr


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["path", "1.99"], "TRM0331"),
        (["verify"], "TRM0331"),
        (["verify", "/nowhere"], "TRM0331"),
        (["install", "nonsense"], "TRM0301"),
        (["install", "1.98"], "TRM0302"),
        (["install", "1.99.7"], "TRM0333"),
    ],
)
def test_what_is_not_there_is_one_clear_error(served: Liar, args: list[str], code: str) -> None:
    error = run(*args).exception
    assert isinstance(error, TrimaranError)
    assert [problem.code for problem in error.problems] == [code]


def test_progress_goes_to_standard_error(served: Liar) -> None:
    found = run("install", "1.99.1")
    assert "unpacking Go 1.99.1" in found.stderr
    assert "unpacking" not in found.stdout


def test_a_liar_is_not_believed_by_the_command(served: Liar) -> None:
    with lying() as other:
        served.routes[served.lookup_path] = other.routes[other.lookup_path].replace(b"137\n", b"9\n", 1)
        error = run("install", "1.99.1").exception
    assert isinstance(error, TrimaranError)
    assert error.problems[0].code == "TRM0322"


def test_a_full_disk_is_one_clear_error(served: Liar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "_ROOM", 1 << 60)
    error = run("install", "1.99.1").exception
    assert isinstance(error, TrimaranError)
    assert error.problems[0].code == "TRM0316"
