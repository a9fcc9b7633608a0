"""A prediction that a real run contradicts is a bug in our facts."""

import subprocess
from pathlib import Path

import pytest
from tests.peers.portability_sources import BUILDS, SOURCES, build, built
from tests.rootfs import RECIPES, rootfs, run_in

from trimaran.binary import Outcome, Rule, inspect_file, verdict
from trimaran.facts import distributions

pytestmark = pytest.mark.peer


_WAYS = {"pure", "cgo", "pie", "pie-cgo", "static-pie", "static"}
_NAMES = ("dns", "account", "article", "podinfo")


@pytest.fixture(
    scope="session",
    params=[(name, way) for name in _NAMES for way in SOURCES[name].builds if way in _WAYS],
    ids="-".join,
)
def program(request: pytest.FixtureRequest) -> tuple[str, str, Path]:
    source, way = request.param
    return source, way, built(source, way)


@pytest.mark.parametrize("name", RECIPES)
def test_a_prediction_agrees_with_a_real_run(program: tuple[str, str, Path], name: str) -> None:
    source, _, path = program
    predicted = verdict(inspect_file(path), distributions()[name])
    seen = run_in(rootfs(name), path, *SOURCES[source].arguments, timeout=SOURCES[source].patience_s)
    if predicted.outcome is Outcome.RUNS:
        assert (seen.failed, seen.status) == (None, 0), seen.output
    else:
        assert predicted.outcome is Outcome.FAILS
        assert seen.failed is predicted.rule, seen.output


@pytest.mark.parametrize(
    ("way", "on", "outcome", "rule"),
    [
        ("pure", "alpine-3.23", Outcome.RUNS, Rule.STATIC),
        ("pure", "debian-12", Outcome.RUNS, Rule.STATIC),
        ("cgo", "alpine-3.23", Outcome.FAILS, Rule.INTERPRETER),
        ("cgo", "debian-12", Outcome.RUNS, Rule.SYMBOL_VERSION),
        # Without cgo and without a library, and still it does not start on Alpine.
        ("pie", "alpine-3.23", Outcome.FAILS, Rule.INTERPRETER),
        ("pie", "debian-12", Outcome.RUNS, Rule.INTERPRETER),
        ("static-pie", "alpine-3.23", Outcome.RUNS, Rule.STATIC),
    ],
)
def test_each_build_is_decided_by_its_rule(
    way: str, on: str, outcome: Outcome, rule: Rule, tmp_path: Path
) -> None:
    path = build(SOURCES["dns"], BUILDS[way], tmp_path / "dns")
    found = verdict(inspect_file(path), distributions()[on])
    assert (found.outcome, found.rule) == (outcome, rule)


def test_a_newer_symbol_version_stops_the_real_loader_as_predicted(tmp_path: Path) -> None:
    path = build(SOURCES["dns"], BUILDS["cgo"], tmp_path / "dns")
    newer = path.read_bytes().replace(b"GLIBC_2.34\0", b"GLIBC_2.99\0")
    for byte_order in ("little",):
        old, new = (_elf_hash(name).to_bytes(4, byte_order) for name in (b"GLIBC_2.34", b"GLIBC_2.99"))
        newer = newer.replace(old, new)
    path.write_bytes(newer)
    file = inspect_file(path)
    assert file.glibc_floor == "2.99"
    predicted = verdict(file, distributions()["debian-12"])
    assert (predicted.outcome, predicted.rule) == (Outcome.FAILS, Rule.SYMBOL_VERSION)
    assert run_in(rootfs("debian-12"), path).failed is Rule.SYMBOL_VERSION


def _elf_hash(name: bytes) -> int:
    """The hash of the System V ABI, which the loader compares before the names."""
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    return value


def test_alpines_own_programs_run_at_home_and_nowhere_else() -> None:
    program = (rootfs("alpine-3.23") / "bin/busybox").resolve()
    file = inspect_file(program)
    home, abroad = (verdict(file, distributions()[name]) for name in ("alpine-3.23", "debian-12"))
    assert (home.outcome, home.rule) == (Outcome.RUNS, Rule.SYMBOL)
    assert (abroad.outcome, abroad.rule) == (Outcome.FAILS, Rule.INTERPRETER)
    assert run_in(rootfs("alpine-3.23"), program, "true").failed is None
    assert run_in(rootfs("debian-12"), program, "true").failed is Rule.INTERPRETER


def test_the_build_information_is_what_go_itself_reads(program: tuple[str, str, Path]) -> None:
    _, _, path = program
    done = subprocess.run(["go", "version", "-m", str(path)], capture_output=True, text=True, check=True)
    head, *rows = done.stdout.splitlines()
    build = inspect_file(path).go
    assert build is not None
    assert build.version == head.rpartition(": ")[2]
    by_kind = {
        kind: [row.split("\t")[2:] for row in rows if row.split("\t")[1] == kind]
        for kind in ("path", "mod", "dep", "build")
    }
    assert [[build.package]] == by_kind["path"]
    assert build.main is not None
    assert build.main.path == by_kind["mod"][0][0]
    assert [[module.path, module.version] for module in build.modules] == [row[:2] for row in by_kind["dep"]]
    assert [key for key, _ in build.settings] == [
        row[0].partition("=")[0].strip('"') for row in by_kind["build"]
    ]
