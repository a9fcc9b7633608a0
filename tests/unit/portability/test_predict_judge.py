"""What a listing means for the program, without any input or output."""

from dataclasses import replace

import pytest

from trimaran.binary import Kind, Outcome, Rule
from trimaran.facts import distributions
from trimaran.portability.blame_model import Contribution, Owner, Part
from trimaran.portability.predict_judge import (
    Machine,
    certain_floor,
    is_external,
    judged,
    possible_floor,
    program,
)
from trimaran.portability.predict_model import Brings, Brought, Floor, Way
from trimaran.toolchain.golist import Package

RUNTIME = Package("runtime/cgo", standard=True, cgo_files=("cgo.go",))
NET = Package("net", standard=True, cgo_files=("cgo_unix.go",))
SQLITE = Package(
    "github.com/mattn/go-sqlite3", module="github.com/mattn/go-sqlite3", cgo_files=("sqlite3.go",)
)
MAIN = Package("a.b/c", "main", module="a.b/c")
GNU = "/lib64/ld-linux-x86-64.so.2"
SYMBOLS = {
    "pthread_create": "GLIBC_2.34",
    "res_search": "GLIBC_2.34",
    "open": "GLIBC_2.2.5",
    "stat64": "GLIBC_2.33",
}
STARTUP = (Contribution(Owner(Part.STARTUP, file="crt1.o"), {"__libc_start_main": False, "hook": True}),)
BASE = ("debian-11", "rhel-9", "ubuntu-22.04", "debian-12", "alpine-3.23")
HERE = [distributions()[name] for name in BASE]


@pytest.mark.parametrize(
    ("packages", "arch", "external"),
    [
        ((RUNTIME, NET), "amd64", False),
        ((RUNTIME, NET), "riscv64", True),
        ((RUNTIME, SQLITE), "amd64", True),
        ((MAIN,), "riscv64", False),
        ((Package("x", module="x", objects=("a.syso",)),), "amd64", True),
    ],
)
def test_the_c_compiler_links_what_others_than_go_bring(
    packages: tuple[Package, ...], arch: str, external: bool
) -> None:
    assert is_external(packages, arch) is external


def test_what_go_links_itself_has_no_startup_files_and_not_all_of_net() -> None:
    calls = {"runtime/cgo": ["pthread_create", "nothing"], "net": ["res_search"]}
    symbols = SYMBOLS | {"__libc_start_main": "GLIBC_2.34", "hook": "GLIBC_2.40"}
    inside = certain_floor(calls, STARTUP, symbols, external=False)
    outside = certain_floor(calls, STARTUP, symbols, external=True)
    assert [(each.name, each.by) for each in inside] == [("pthread_create", "runtime/cgo")]
    assert {each.name for each in outside} == {"pthread_create", "res_search", "__libc_start_main"}
    assert all(each.certain for each in outside)


def test_calls_in_other_sources_are_a_hint() -> None:
    found = possible_floor({"x": ["stat64", "mine"]}, SYMBOLS)
    assert found == (Floor("stat64", "GLIBC_2.33", "x", certain=False),)


def way(*floor: Floor, most: str | None, cgo: bool = True, interpreter: str | None = GNU) -> Way:
    file = program(
        (SQLITE, MAIN),
        Machine("amd64", "v1", "go1.26.8"),
        cgo=cgo,
        interpreter=interpreter,
        needed=("libc.so.6",) if interpreter else (),
        floor=floor,
    )
    return Way(cgo, True, "", file=file, most=most, floor=floor)


def outcomes(found: Way) -> dict[str, Outcome]:
    return {each.distribution: each.outcome for each in found.verdicts}


CGO = Brought(Brings.CGO, SQLITE.path, SQLITE.module, "v1.14.53", ())
CERTAIN = Floor("pthread_create", "GLIBC_2.34", "runtime/cgo", certain=True)
HINT = Floor("later", "GLIBC_2.36", "x", certain=False)


def test_between_what_is_certain_and_what_is_possible_nothing_is_said() -> None:
    found = judged(way(CERTAIN, HINT, most="2.36"), [CGO], HERE)
    assert outcomes(found) == {
        "debian-11": Outcome.FAILS,
        "rhel-9": Outcome.UNKNOWN,
        "ubuntu-22.04": Outcome.UNKNOWN,
        "debian-12": Outcome.RUNS,
        "alpine-3.23": Outcome.FAILS,
    }
    unknown = found.verdicts[1]
    assert unknown.rule is Rule.SYMBOL_VERSION
    assert "GLIBC_2.34 at least and GLIBC_2.36 at most: github.com/mattn/go-sqlite3" in unknown.reason
    assert unknown.reason.endswith("there: glibc 2.34")


def test_where_all_is_known_there_is_no_doubt() -> None:
    found = outcomes(judged(way(CERTAIN, most=None), [], HERE))
    assert found["rhel-9"] is Outcome.RUNS
    assert found["debian-11"] is Outcome.FAILS


def test_of_what_may_not_build_nobody_says_that_it_runs() -> None:
    doubted = replace(way(CERTAIN, most=None), doubt="x may not compile without cgo")
    found = judged(doubted, [], HERE)
    assert outcomes(found)["rhel-9"] is Outcome.UNKNOWN
    assert outcomes(found)["debian-11"] is Outcome.FAILS
    reasons = {each.reason for each in found.verdicts if each.outcome is Outcome.UNKNOWN}
    assert reasons == {"if it builds: x may not compile without cgo"}


def test_a_stub_fails_where_it_starts() -> None:
    stub = Brought(Brings.STUB, "a.b/stub", "a.b/stub", "v1.0.0", ())
    found = judged(way(most=None, cgo=False, interpreter=None), [stub], HERE)
    assert found.file is not None
    assert found.file.kind is Kind.STATIC
    assert set(outcomes(found).values()) == {Outcome.FAILS}
    assert {each.rule for each in found.verdicts} == {Rule.STUB}


def test_what_may_be_a_stub_is_unknown_and_what_does_not_start_stays_so() -> None:
    possible = Brought(Brings.POSSIBLE_STUB, "a.b/stub", "a.b/stub", "v1.0.0", (), certain=False)
    file = program(
        (MAIN,),
        Machine("amd64", "v1", "go1.26.8"),
        cgo=False,
        interpreter=GNU,
        needed=("libc.so.6",),
        floor=(),
    )
    found = outcomes(judged(Way(False, True, "", file=file), [possible], HERE))
    assert found["debian-12"] is Outcome.UNKNOWN
    assert found["alpine-3.23"] is Outcome.FAILS


def test_what_does_not_build_has_no_verdict() -> None:
    from dataclasses import replace

    assert judged(replace(way(most=None), fault="no C compiler"), [], HERE).verdicts == ()


def test_the_program_tells_of_its_build_as_if_it_had_been_read() -> None:
    file = way(CERTAIN, most=None).file
    assert file is not None
    assert file.go is not None
    assert (file.machine, file.glibc_floor, file.go.setting("GOAMD64")) == ("x86_64", "2.34", "v1")
    assert [module.path for module in file.go.modules] == ["github.com/mattn/go-sqlite3"]
