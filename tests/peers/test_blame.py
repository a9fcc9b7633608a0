"""`blame` beside what the linker says that it linked, and what nm finds in that."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import jsonschema
import pytest
from tests.programs import FIXTURES, go, rqlite_source, rqlited

from trimaran.cli import paths
from trimaran.portability import blame_report
from trimaran.portability.blame import blame
from trimaran.portability.blame_archive import members
from trimaran.portability.blame_files import opened
from trimaran.portability.blame_model import Blame, Owner, Part
from trimaran.portability.predict_request import request

pytestmark = [pytest.mark.peer, pytest.mark.timeout(280)]
TRIMARAN = str(Path(sys.executable).with_name("trimaran"))
DNS = FIXTURES.parents[2] / "examples" / "article" / "dns"


def quiet(line: str) -> None:
    del line


def blamed(program: Path, source: Path | str) -> Blame:
    return blame(str(program), request(str(source), ""), paths.cache(), quiet)


def versioned(program: Path) -> dict[str, str]:
    """Symbol → version, as nm prints what the program asks for, copied variables included."""
    printed = subprocess.run(["nm", "-D", str(program)], capture_output=True, text=True, check=True).stdout
    names = [line.split()[-1] for line in printed.splitlines() if "@" in line and "@@" not in line]
    return dict(name.split("@") for name in names)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """go-sqlite3, linked so that the linker keeps what it linked, and a list of it."""
    place = tmp_path_factory.mktemp("sqlite")
    (place / "linked").mkdir()
    flags = f"-tmpdir={place}/linked -extldflags '-Wl,-Map={place}/map'"
    go(
        "build",
        f"-ldflags={flags}",
        "-o",
        str(place / "sqlite"),
        ".",
        folder=FIXTURES / "sqlite",
        CGO_ENABLED="1",
    )
    return place / "sqlite"


def referrers(map_file: Path) -> dict[str, set[str]]:
    """Symbol → the object files that lack it, as nm says, of those that the linker says it linked."""
    loaded = [
        line.split()[1] for line in map_file.read_text("utf-8").splitlines() if line.startswith("LOAD ")
    ]
    found: dict[str, set[str]] = defaultdict(set)
    for path in loaded:
        if path.endswith(".o"):
            for name in subprocess.check_output(["nm", "-uj", path], text=True).split():
                found[name].add(path)
    return found


def packages_of(files: Path) -> dict[bytes, str]:
    """What each object file is → the package that it was compiled for."""
    listed = go(
        *("list", "-export", "-deps", "-f", "{{if .CgoFiles}}{{.ImportPath}} {{.Export}}{{end}}", "."),
        folder=files,
        CGO_ENABLED="1",
    )
    found = {}
    for line in listed.splitlines():
        package, archive = line.split()
        with opened(archive) as source:
            for member in members(source):
                if member.source.at(0, 4) == b"\x7fELF":
                    found[member.source.at(0, member.source.size)] = package
    return found


def test_every_symbol_of_go_sqlite3_has_the_owners_that_the_linker_names(sqlite: Path) -> None:
    found = blamed(sqlite, FIXTURES / "sqlite")
    assert {each.name: each.version for each in found.symbols} == versioned(sqlite)
    assert len(found.symbols) > 80
    assert found.unattributed == ()
    owner = {
        str(path): packages.get(path.read_bytes())
        for packages in [packages_of(FIXTURES / "sqlite")]
        for path in (sqlite.parent / "linked").glob("*.o")
    }
    linked = referrers(sqlite.parent / "map")
    for symbol in found.symbols:
        theirs = {owner.get(file) or Path(file).name for file in linked[symbol.name]}
        ours = {share.owner.package or share.owner.file for share in symbol.shares}
        assert ours == theirs, symbol.name


def test_the_known_causes_are_named(sqlite: Path) -> None:
    found = {each.name: each for each in blamed(sqlite, FIXTURES / "sqlite").symbols}
    stat = found["stat64"]
    assert (stat.version, [share.owner.module for share in stat.shares]) == (
        "GLIBC_2.33",
        ["github.com/mattn/go-sqlite3"],
    )
    assert stat.shares[0].owner.version == "v1.14.53"
    assert [share.owner.package for share in found["pthread_create"].shares] == [
        "github.com/mattn/go-sqlite3",
        "runtime/cgo",
    ]
    assert found["__libc_start_main"].shares[0].owner == Owner(Part.STARTUP, file="crt1.o")


def test_every_symbol_of_a_large_service_has_an_owner() -> None:
    program = rqlited()
    found = blamed(program, rqlite_source())
    assert {each.name: each.version for each in found.symbols} == versioned(program)
    assert found.unattributed == ()
    assert found.differences == ()
    owners = {share.owner.module for each in found.symbols for share in each.shares}
    assert {"std", "github.com/rqlite/go-sqlite3"} <= owners


@pytest.mark.parametrize(
    "how",
    [(), ("-buildmode=pie",), ("-ldflags=-s -w",), ("-ldflags=-linkmode=external", "-buildmode=pie")],
    ids=str,
)
def test_programs_that_go_links_itself_are_blamed_as_well(how: tuple[str, ...], tmp_path: Path) -> None:
    program = tmp_path / "dns"
    go("build", *how, "-o", str(program), ".", folder=DNS, CGO_ENABLED="1")
    found = blamed(program, DNS)
    assert {each.name: each.version for each in found.symbols} == versioned(program)
    assert found.unattributed == ()
    startup = {share.owner.part for each in found.symbols for share in each.shares} - {Part.PACKAGE}
    assert found.external == ("-linkmode=external" in " ".join(how))
    assert found.external or not startup


def test_a_static_library_of_a_package_is_an_owner(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module trimaran.dev/tests/archive\n\ngo 1.21\n", "utf-8")
    (tmp_path / "main.go").write_text(
        'package main\n\n// #cgo LDFLAGS: ${SRCDIR}/libslow.a\n// int slow(void);\nimport "C"\n\n'
        "func main() { println(int(C.slow())) }\n",
        "utf-8",
    )
    slow = "#include <threads.h>\nint slow(void) { return thrd_yield(), 0; }\n"
    never = "#include <unistd.h>\nint never(void) { return fork(); }\n"
    for name, text in (("slow", slow), ("never", never)):
        subprocess.run(
            ["gcc", "-c", "-x", "c", "-o", f"{name}.o", "-"], input=text, text=True, cwd=tmp_path, check=True
        )
    subprocess.run(["ar", "rc", "libslow.a", "slow.o", "never.o"], cwd=tmp_path, check=True)
    for name in ("slow.o", "never.o"):
        (tmp_path / name).unlink()
    program = tmp_path / "program"
    go("build", "-o", str(program), ".", folder=tmp_path, CGO_ENABLED="1", CGO_LDFLAGS_ALLOW=".*")
    found = blamed(program, tmp_path)
    assert found.unattributed == ()
    share = next(each for each in found.symbols if each.name == "thrd_yield").shares[0]
    assert (share.owner.part, share.owner.file, share.owner.package) == (
        Part.ARCHIVE,
        "libslow.a",
        "trimaran.dev/tests/archive",
    )
    assert "fork" not in {each.name for each in found.symbols}


def test_a_program_without_cgo_has_nothing_to_blame(tmp_path: Path) -> None:
    program = tmp_path / "dns"
    go("build", "-o", str(program), ".", folder=DNS, CGO_ENABLED="0")
    found = blamed(program, DNS)
    assert "static" in found.nothing
    assert found.symbols == ()


def test_the_command_prints_what_its_schema_says_and_exits_1_for_an_older_distribution(sqlite: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [TRIMARAN, "blame", str(sqlite), "--source", str(FIXTURES / "sqlite"), *words]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    document = json.loads(run("-o", "json").stdout)
    schema = Path(blame_report.__file__).with_name("blame.schema.json").read_text("utf-8")
    jsonschema.validate(document, json.loads(schema))
    assert document["unattributed"] == 0
    older, same = run("--for", "debian-11"), run("--for", "debian-13")
    assert (older.returncode, same.returncode) == (1, 0)
    assert "fstat64, lstat64, stat64 <- github.com/mattn/go-sqlite3 v1.14.53" in older.stdout
    assert max(len(line) for line in older.stdout.split("the same with stock tools")[0].splitlines()) <= 80
    assert run("--for", "alpine-3.23").returncode == 2


def test_the_printed_command_names_the_same_package(sqlite: Path) -> None:
    found = blamed(sqlite, FIXTURES / "sqlite")
    line = next(each for each in found.commands if "go list" in each)
    done = subprocess.run(
        ["bash", "-c", line], cwd=FIXTURES / "sqlite", capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["github.com/mattn/go-sqlite3"]


@pytest.mark.parametrize(
    ("program", "source", "code"),
    [("/bin/ls", "sqlite", "TRM1340"), ("sqlite", "account", "TRM1342"), ("/nowhere", "sqlite", "TRM0201")],
)
def test_what_cannot_be_blamed_is_one_error(program: str, source: str, code: str, sqlite: Path) -> None:
    named = str(sqlite) if program == "sqlite" else program
    argv = [TRIMARAN, "blame", named, "--source", str(FIXTURES / source)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error[{code}]")
