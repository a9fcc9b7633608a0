"""`trimaran fix` with real compilers, and its programs in real root file systems."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.rootfs import CACHE, at_hand, rootfs, run_in
from tests.world import ROOT, World, world

from trimaran.deliver.programs import programs
from trimaran.spec import load

pytestmark = pytest.mark.peer

FIXTURES = ROOT / "tests/fixtures/go"
# Zig and what it compiled are kept from one run of the tests to the next: bringing both takes minutes.
HOME = CACHE / "fix-home"
SCHEMA = json.loads(resources.files("trimaran.portability").joinpath("fix.schema.json").read_text("utf-8"))
DECLARATION = """\
apiVersion: trimaran.dev/v1alpha1
kind: PlatformAgnosticSpec
metadata: {name: sqlite}
spec:
  build:
    path: .
  runsOn: [debian-11, debian-12, alpine-3.23]
"""


@pytest.fixture
def mender(tmp_path: Path) -> Iterator[World]:
    """A home with four root file systems, and with Zig in its cache."""
    with world(tmp_path) as here:
        here.environment.update({"XDG_CACHE_HOME": str(HOME), "XDG_DATA_HOME": str(at_hand())})
        yield here


def fixture(here: World, name: str) -> Path:
    folder = here.home / name
    shutil.copytree(FIXTURES / name, folder)
    return folder


def fixed(here: World, *words: str, status: int = 0) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(here.run("fix", "-q", "-o", "json", *words, status=status).stdout)
    jsonschema.validate(report, SCHEMA)
    return report


def outcomes(way: dict[str, Any]) -> dict[str, str]:
    """Distribution → what was seen there; a prediction is marked, because it proves nothing."""
    return {
        each["distribution"]: each["outcome"] if each["basis"] == "proven" else f"{each['outcome']}?"
        for each in way["verdicts"]
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_go_sqlite3_comes_to_an_older_glibc_and_to_alpine_by_one_line(mender: World) -> None:
    folder = fixture(mender, "sqlite")
    declaration = folder / "service.yaml"
    declaration.write_text(DECLARATION)
    before = contents(folder)
    report = fixed(mender, str(declaration))

    assert outcomes(report["before"]) == {"debian-11": "fails", "debian-12": "runs", "alpine-3.23": "fails"}
    ways = {way["name"]: way for way in report["ways"]}
    assert "is a stub without cgo" in ways["pure"]["refused"]
    assert "go-sqlite3 requires cgo to work" in ways["pure"]["refused"]
    assert ways["pure"]["program"] is None
    everywhere = {"debian-11": "runs", "debian-12": "runs", "alpine-3.23": "runs"}
    assert outcomes(ways["musl"]) == outcomes(ways["static"]) == everywhere
    assert outcomes(ways["glibc-2.31"]) == everywhere | {"alpine-3.23": "fails"}
    assert [way["name"] for way in report["ways"]][-1] == "pure"
    assert report["chosen"] == "musl"
    assert report["change"] == {"place": f"{declaration}:5", "build": {"libc": "musl"}}
    assert any("modernc.org/sqlite" in line for line in report["instead"])
    assert contents(folder) == before, "the user's tree is left alone"

    # Each program does its work there: it creates a table, inserts and selects.
    served = (("musl", "debian-11"), ("musl", "alpine-3.23"), ("glibc-2.31", "debian-11"))
    for name, distribution in served:
        seen = run_in(rootfs(distribution), Path(ways[name]["program"]["path"]))
        assert seen.status == 0
        assert "starboard 22\nsqlite 3." in seen.output

    # The one line makes every build of the declaration that program; and then there is nothing to mend.
    declaration.write_text(DECLARATION.replace("path: .", "path: .\n    libc: musl"))
    built = programs(load.service(str(declaration)), HOME / "trimaran", lambda line: None)
    assert built["amd64"].digest == ways["musl"]["program"]["digest"]
    again = fixed(mender, str(declaration))
    assert (again["serves"], again["chosen"], again["ways"]) == (True, None, [])
    assert again["before"]["program"]["digest"] == built["amd64"].digest


def test_the_way_that_is_refused_does_lead_to_a_stub(mender: World) -> None:
    folder = fixture(mender, "sqlite")
    program = mender.home / "stub"
    environment = mender.environment | {"CGO_ENABLED": "0"}
    subprocess.run(["go", "build", "-o", program, "."], cwd=folder, env=environment, check=True)
    seen = run_in(rootfs("debian-12"), program)
    assert seen.status == 1
    assert "go-sqlite3 requires cgo to work. This is a stub" in seen.output


def test_the_commands_that_are_printed_build_and_run_the_same(mender: World) -> None:
    folder = fixture(mender, "sqlite")
    report = fixed(mender, str(folder), "--for", "alpine-3.23", "--ways", "musl")
    build, _, run = report["ways"][0]["commands"]
    program = mender.home / "by-hand"
    for command in (build, run):
        typed = command.replace("/tmp/program ", f"{program} ", 1)
        done = subprocess.run(
            ["sh", "-c", typed], env=mender.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert "starboard 22" in done.stdout


def test_a_folder_without_a_declaration_is_mended_by_leaving_c_out(mender: World) -> None:
    folder = fixture(mender, "account")
    report = fixed(mender, str(folder), "--for", "debian-11,alpine-3.23,rhel-8", "--ways", "pure,tags")
    assert outcomes(report["before"])["alpine-3.23"] == "fails"
    ways = {way["name"]: way for way in report["ways"]}
    assert ways["tags"]["build"]["tags"] == ["osusergo"]
    for way in ways.values():
        assert outcomes(way) == {"debian-11": "runs", "alpine-3.23": "runs", "rhel-8": "runs?"}
    assert report["chosen"] == "pure"


def test_a_static_glibc_is_shown_with_what_name_services_do_to_it(mender: World) -> None:
    folder = fixture(mender, "account")
    report = fixed(mender, str(folder), "--for", "debian-11,debian-13", "--ways", "static")
    (way,) = report["ways"]
    assert outcomes(way) == {"debian-11": "runs", "debian-13": "runs"}
    assert [note.partition(" ")[0] for note in way["notes"]] == ["debian-11", "debian-13"]
    assert all("name services of an enterprise" in note and "SIG" in note for note in way["notes"])


def test_a_way_that_serves_not_all_is_not_taken(mender: World) -> None:
    folder = fixture(mender, "sqlite")
    done = mender.run("fix", "-q", str(folder), "--for", "alpine-3.23", "--ways", "pure", status=1)
    assert "error[TRM1363]" in done.stderr
    assert "refused" in done.stdout
    assert "take " not in done.stdout


def test_cplusplus_is_linked_to_musl_by_a_compiler_that_has_one_for_it(mender: World) -> None:
    report = fixed(
        mender, str(fixture(mender, "cplusplus")), "--for", "debian-11,alpine-3.23", "--ways", "musl"
    )
    (way,) = [each for each in report["ways"] if each["name"] == "musl"]
    assert outcomes(way) == {"debian-11": "runs", "alpine-3.23": "runs"}
    # g++ would have linked it to glibc, and it would run too.
    assert b"GNU C Library" not in Path(way["program"]["path"]).read_bytes()
    assert "CXX='zig c++ -target" in way["commands"][0]
