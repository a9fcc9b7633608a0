"""`trimaran cc doctor` with real toolchains, whole ones and broken ones."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.peers.test_fix import FIXTURES, HOME
from tests.rootfs import PATH, at_hand
from tests.world import World, world

from trimaran.toolchain import BuildRequest, Cgo, build, zig

pytestmark = pytest.mark.peer

CROSS = "aarch64-linux-gnu-gcc"
SCHEMA = json.loads(resources.files("trimaran.portability").joinpath("cc.schema.json").read_text("utf-8"))
_THERE = "/usr/aarch64-linux-gnu"


@pytest.fixture
def doctor(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as here:
        here.environment.update({"XDG_CACHE_HOME": str(HOME), "XDG_DATA_HOME": str(at_hand()), "PATH": PATH})
        yield here


def examined(here: World, *words: str, status: int = 0, **settings: str) -> list[dict[str, Any]]:
    done = here.run("cc", "doctor", "-q", "-o", "json", *words, status=status, **settings)
    report = json.loads(done.stdout)
    jsonschema.validate(report, SCHEMA)
    return list(report["toolchains"])


def check(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in found["checks"] if each["name"] == name)


def bad(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["name"], each["code"]) for each in found["checks"] if each["state"] == "bad"]


def wrapper(here: World, text: str) -> str:
    """A compiler that is a script."""
    path = here.home / "broken-cc"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def without(folder: str) -> str:
    """The cross compiler as it is where the package that brings a folder is not installed."""
    return f'exec bwrap --dev-bind / / --tmpfs {folder} -- {CROSS} "$@"'


def test_the_toolchain_of_this_machine_builds_and_runs_the_probe(doctor: World) -> None:
    (found,) = examined(doctor)
    assert found["good"]
    assert found["cgo_probe"]["libc"] == "glibc"
    assert check(found, "run")["said"] == "threads 42, errno ENOENT, libc answers"


def test_the_probe_for_arm64_is_built_and_run_under_emulation(doctor: World) -> None:
    (found,) = examined(doctor, "--for", "linux/arm64", CC=CROSS)
    assert found["good"]
    assert found["sysroot"] == _THERE
    assert found["cgo_probe"]["machine"] == "aarch64"
    assert check(found, "run")["said"].startswith("under qemu-aarch64")
    assert "threads 42" in check(found, "run")["said"]


def test_a_program_with_c_for_arm64_does_its_work_under_emulation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", CROSS)
    request = BuildRequest(path=FIXTURES / "sqlite", cgo=Cgo.ON, platform="linux/arm64")
    built = build(request, HOME / "trimaran", lambda line: None)
    emulator = shutil.which("qemu-aarch64-static")
    assert emulator, "run `python -m tests.provision`"
    done = subprocess.run(
        [emulator, "-L", _THERE, built.path], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.startswith("starboard 22\nsqlite 3."), done.stderr


def test_without_cc_go_would_call_the_compiler_of_the_wrong_machine(doctor: World) -> None:
    (found,) = examined(doctor, "--for", "linux/arm64", status=1, CC_FOR_linux_arm64=CROSS)
    assert bad(found) == [("choice", "TRM1383")]
    assert check(found, "choice")["fix"] == f"export CC={CROSS} CGO_ENABLED=1"
    # The variable that looks like an answer is read by nobody, and that is said.
    assert check(found, "variables")["said"] == "nothing reads CC_FOR_linux_arm64: Go reads CC"
    assert check(found, "run")["state"] == "good"


BROKEN = {
    "no headers": (without(f"{_THERE}/include"), ("headers", "TRM1384"), "libc6-dev-arm64-cross"),
    "no startup files": (without(f"{_THERE}/lib"), ("link", "TRM1385"), "libc6-dev-arm64-cross"),
    "another machine": ('exec gcc "$@"', ("triplet", "TRM1383"), "gcc-aarch64-linux-gnu"),
    "lies of its machine": (
        f'[ "$1" = -dumpmachine ] && exec {CROSS} "$@"; exec gcc "$@"',
        ("object", "TRM1383"),
        "gcc-aarch64-linux-gnu",
    ),
    "no linker": (f'exec {CROSS} -fuse-ld=lld "$@"', ("link", "TRM1391"), "binutils-aarch64-linux-gnu"),
    "a failing script": ("echo no licence >&2; exit 3", ("compiler", "TRM1382"), None),
    "what it builds crashes": (
        f'exec {CROSS} "$@" -Wl,--defsym=pthread_create=0',
        ("run", "TRM1389"),
        None,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_cross_toolchain_is_diagnosed_by_name(name: str, doctor: World) -> None:
    script, wanted, package = BROKEN[name]
    (found,) = examined(doctor, "--for", "linux/arm64", status=1, CC=wrapper(doctor, script))
    assert bad(found) == [wanted]
    if package:
        assert check(found, wanted[0])["brings"]["debian"] == package
        assert package in check(found, wanted[0])["fix"] or "export CC=" in check(found, wanted[0])["fix"]


def test_a_compiler_that_is_not_there_is_named_with_its_package(doctor: World) -> None:
    (found,) = examined(doctor, "--for", "linux/arm64", status=1, CC="/nowhere/gcc")
    assert bad(found) == [("compiler", "TRM1381")]
    assert check(found, "compiler")["brings"] == {"debian": "gcc-aarch64-linux-gnu"}


@pytest.mark.parametrize("script", ["sleep 1000 & sleep 1000", "while :; do echo again and again; done"])
def test_a_compiler_that_does_not_end_is_given_up(script: str, doctor: World) -> None:
    began = time.monotonic()
    (found,) = examined(doctor, status=1, CC=wrapper(doctor, script))
    assert bad(found) == [("compiler", "TRM1382")]
    assert "did not answer within" in check(found, "compiler")["said"]
    assert time.monotonic() - began < 40


def test_pkg_config_that_answers_for_the_host_is_found_out(doctor: World) -> None:
    arguments = ("--for", "linux/arm64", "--pkg-config", "zlib")
    (found,) = examined(doctor, *arguments, status=1, CC=CROSS)
    assert bad(found) == [("pkg-config", "TRM1386")]
    assert "looks among this machine's libraries" in check(found, "pkg-config")["said"]
    empty = str(doctor.home / "nothing")
    (found,) = examined(doctor, "--pkg-config", "zlib", status=1, PKG_CONFIG_LIBDIR=empty)
    assert check(found, "pkg-config")["said"] == "pkg-config does not know zlib"
    assert check(found, "pkg-config")["brings"]["debian"] == "zlib1g-dev"
    folder = doctor.home / "aarch64-linux-gnu" / "pkgconfig"
    folder.mkdir(parents=True)
    (folder / "zlib.pc").write_text("Name: zlib\nDescription: zlib\nVersion: 1\nLibs: -lz\n")
    (found,) = examined(doctor, *arguments, CC=CROSS, PKG_CONFIG_LIBDIR=str(folder))
    assert found["good"]


def test_what_the_toolchain_links_is_tried_on_the_distribution(doctor: World) -> None:
    (found,) = examined(doctor, "--for", "alpine-3.23", status=1)
    assert bad(found) == [("distribution", "TRM1392")]
    assert "run there" in check(found, "distribution")["said"]
    (found,) = examined(doctor, "--for", "alpine-3.23", CC="musl-gcc")
    assert found["good"]
    assert found["cgo_probe"]["libc"] == "musl"


def test_two_toolchains_stand_side_by_side(doctor: World) -> None:
    brought = zig.ensure(HOME / "trimaran", lambda line: None)
    floor = f"{brought.command} cc -target x86_64-linux-gnu.2.31"
    ours, zigs = examined(doctor, "--compare", "gcc", floor)
    assert ours["good"]
    assert zigs["good"]
    assert tuple(map(int, zigs["cgo_probe"]["glibc_floor"].split("."))) <= (2, 31)
    assert tuple(map(int, ours["cgo_probe"]["glibc_floor"].split("."))) > (2, 31)
    shown = doctor.run("cc", "doctor", "-q", "--compare", "gcc", floor).stdout
    row = next(line for line in shown.splitlines() if "needs glibc" in line)
    assert row.startswith("≠")
    assert max(map(len, shown.splitlines())) <= 80
