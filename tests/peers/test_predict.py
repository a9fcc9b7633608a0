"""`predict` beside the programs that are then really built."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from tests.programs import FIXTURES, copied, go, rqlite_source, rqlited

from trimaran.binary import File, Outcome, inspect_file, verdicts
from trimaran.binary.model import number
from trimaran.cli import paths
from trimaran.errors import TrimaranError
from trimaran.facts import distributions
from trimaran.portability import predict_report
from trimaran.portability.predict import predict
from trimaran.portability.predict_model import Brings, Prediction, Way
from trimaran.portability.predict_request import package_request, request
from trimaran.toolchain import build
from trimaran.toolchain.model import Cgo

pytestmark = [pytest.mark.peer, pytest.mark.timeout(280)]
TRIMARAN = str(Path(sys.executable).with_name("trimaran"))
PROGRAMS = {
    "sqlite": FIXTURES / "sqlite",
    "loads": FIXTURES / "loads",
    "account": FIXTURES / "account",
    "cplusplus": FIXTURES / "cplusplus",
    "dns": FIXTURES.parents[2] / "examples" / "article" / "dns",
}
# Parts of the C library, and what libstdc++.so.6 itself needs: where the one is, the others are.
IMPLIED = {"libresolv.so.2", "libm.so.6", "libdl.so.2", "libpthread.so.0", "libgcc_s.so.1"}
# C++ alone has nothing to be built from without cgo.
BUILDS = [(name, cgo) for name in PROGRAMS for cgo in "01" if (name, cgo) != ("cplusplus", "0")]

DECLARED = """\
apiVersion: trimaran.dev/v1alpha1
kind: PlatformAgnosticSpec
metadata: {{name: hello}}
spec:
  build: {{path: ., libc: {libc}}}
  runsOn: [debian-11, alpine-3.23]
"""


def quiet(line: str) -> None:
    del line


def predicted(folder: Path, cgo: Cgo = Cgo.AUTO) -> Prediction:
    asked = package_request(str(folder), cgo=cgo)
    return predict(str(folder), asked, tuple(distributions().values()), paths.cache(), quiet)


def compare(way: Way, built: File) -> None:
    """What was predicted is what was built, and no certain verdict is another one."""
    file = way.file
    assert file is not None
    assert (file.kind, file.interpreter, file.machine) == (built.kind, built.interpreter, built.machine)
    assert set(built.needed) - IMPLIED <= set(file.needed)
    floor, least = number(built.glibc_floor or ""), number(file.glibc_floor or "")
    assert (floor is None) == (least is None)
    if floor and least:
        assert least <= floor
        assert way.most is None or floor <= (number(way.most) or ())
        assert way.most is not None or floor == least
    real = verdicts(built, distributions().values())
    for ours, theirs in zip(way.verdicts, real, strict=True):
        assert ours.outcome in {theirs.outcome, Outcome.UNKNOWN}, f"{ours}\n{theirs}"


@pytest.mark.parametrize(("name", "cgo"), BUILDS)
def test_what_is_predicted_is_what_is_built(name: str, cgo: str, tmp_path: Path) -> None:
    program = tmp_path / name
    go("build", "-o", str(program), ".", folder=PROGRAMS[name], CGO_ENABLED=cgo)
    way = next(each for each in predicted(PROGRAMS[name]).ways if each.cgo == (cgo == "1"))
    assert not way.fault
    built = inspect_file(program)
    compare(way, built)
    open_still = [each.outcome for each in verdicts(built, distributions().values())].count(Outcome.UNKNOWN)
    assert sum(each.outcome is Outcome.UNKNOWN for each in way.verdicts) <= open_still + 4


def test_a_library_of_cplusplus_is_foretold_where_no_flag_names_it() -> None:
    wanted = tuple(distributions().values())
    way = predict("letters", package_request(str(PROGRAMS["cplusplus"])), wanted, paths.cache(), quiet).ways[
        0
    ]
    assert way.file is not None
    assert "libstdc++.so.6" in way.file.needed
    found = {each.distribution: (each.outcome, str(each.rule)) for each in way.verdicts}
    # Of Alpine's musl and of the old glibc other rules speak first.
    assert found["rhel-9"] == (Outcome.UNKNOWN, "library")


@pytest.mark.parametrize("libc", ["musl", "glibc-static", "glibc-2.17", "glibc-2.28", "glibc-2.35"])
@pytest.mark.parametrize("name", ["sqlite", "account"])
def test_what_is_declared_to_be_linked_is_predicted_too(name: str, libc: str) -> None:
    asked = replace(package_request(str(PROGRAMS[name]), cgo=Cgo.ON), libc=libc)
    way = predict(name, asked, tuple(distributions().values()), paths.cache(), quiet).ways[0]
    built = build(asked, paths.cache(), quiet)
    assert way.cgo
    assert built.cgo
    compare(way, inspect_file(built.path))
    serves = {each.distribution for each in way.verdicts if each.outcome is Outcome.RUNS}
    assert {"debian-13", "ubuntu-24.04"} <= serves
    assert ("alpine-3.23" in serves) == (libc in {"musl", "glibc-static"})


def test_a_declaration_is_predicted_as_it_would_be_built(tmp_path: Path) -> None:
    place = copied("sqlite", tmp_path)
    declaration = place / "service.yaml"

    def run(libc: str, *words: str) -> tuple[int, dict[str, str]]:
        declaration.write_text(DECLARED.format(libc=libc), "utf-8")
        argv = [TRIMARAN, "predict", *words, "-o", "json"]
        done = subprocess.run(argv, cwd=place, capture_output=True, text=True, check=False)
        way = json.loads(done.stdout)["ways"][0]
        return done.returncode, {each["distribution"]: each["outcome"] for each in way["verdicts"]}

    assert run("glibc-2.28") == (1, {"debian-11": "runs", "alpine-3.23": "fails"})
    assert run("musl", "service.yaml") == (0, {"debian-11": "runs", "alpine-3.23": "runs"})
    assert run("musl", str(place), "--libc", "glibc-2.28", "--for", "debian-11") == (0, {"debian-11": "runs"})
    assert run("musl", "service.yaml", "--cgo", "off")[0] == 1


def test_a_large_service_is_predicted_as_it_was_built() -> None:
    asked = replace(request(str(rqlite_source()), ""), package="./cmd/rqlited")
    found = predict("rqlited", asked, tuple(distributions().values()), paths.cache(), quiet)
    assert found.packages > 500
    assert found.ways[0].cgo
    compare(found.ways[0], inspect_file(rqlited()))
    assert {each.package for each in found.brought if each.kind is Brings.STUB} == {
        "github.com/rqlite/go-sqlite3"
    }


def test_a_stub_is_known_before_it_is_built() -> None:
    found = predicted(PROGRAMS["sqlite"], Cgo.OFF)
    assert not found.ways[0].cgo
    assert {(each.outcome, str(each.rule)) for each in found.ways[0].verdicts} == {(Outcome.FAILS, "stub")}
    stub = next(each for each in found.brought if each.kind is Brings.STUB)
    assert (stub.module, stub.version, stub.certain) == ("github.com/mattn/go-sqlite3", "v1.14.53", True)
    assert "This is a stub" in stub.evidence[0]


def test_pragmas_make_a_program_dynamic_without_cgo() -> None:
    found = predicted(PROGRAMS["loads"], Cgo.OFF)
    file = found.ways[0].file
    assert file is not None
    assert file.interpreter == "/lib64/ld-linux-x86-64.so.2"
    assert {"libdl.so.2", "libc.so.6"} <= set(file.needed)
    loads = {each.package for each in found.brought if each.kind is Brings.PRAGMA}
    assert loads == {"github.com/ebitengine/purego", "github.com/ebitengine/purego/internal/fakecgo"}


def module(folder: Path, **files: str) -> Path:
    (folder / "go.mod").write_text("module trimaran.dev/tests/made\n\ngo 1.21\n", "utf-8")
    for name, text in files.items():
        place = folder / name.replace("__", "/").replace("_go", ".go")
        place.parent.mkdir(exist_ok=True)
        place.write_text(text, "utf-8")
    return folder


OPENS = (
    'package main\n\nimport "plugin"\n\nfunc main() { _, err := plugin.Open("x.so"); print(err.Error()) }\n'
)
MAIN = 'package main\n\nimport "trimaran.dev/tests/made/x"\n\nfunc main() { x.Open() }\n'
WITH = """package x

// int zero(void) { return 0; }
import "C"

func Open() error { _ = C.zero(); return nil }
"""
STUB = """//go:build !cgo

package x

import "errors"

func Open() error { return errors.New("x needs cgo here") }
"""
PURE = "//go:build !cgo\n\npackage x\n\nfunc Open() error {\n\tprintln(1)\n\tprintln(2)\n\treturn nil\n}\n"


def test_where_some_calls_alone_fail_without_cgo_a_program_is_expected_to_run(tmp_path: Path) -> None:
    found = predicted(module(tmp_path, main_go=OPENS), Cgo.OFF)
    (partly,) = [each for each in found.brought if each.kind is Brings.PARTLY]
    assert "plugin: not implemented" in partly.evidence[0]
    assert {each.outcome for each in found.ways[0].verdicts} == {Outcome.RUNS}


def test_files_that_only_fail_without_cgo_are_a_possible_stub(tmp_path: Path) -> None:
    found = predicted(module(tmp_path, main_go=MAIN, x__with_go=WITH, x__without_go=STUB), Cgo.OFF)
    possible = next(each for each in found.brought if each.kind is Brings.POSSIBLE_STUB)
    assert not possible.certain
    assert "x needs cgo here" in possible.evidence[0]
    assert {each.outcome for each in found.ways[0].verdicts} == {Outcome.UNKNOWN}


def test_files_that_do_the_work_without_cgo_are_none(tmp_path: Path) -> None:
    found = predicted(module(tmp_path, main_go=MAIN, x__with_go=WITH, x__without_go=PURE), Cgo.OFF)
    assert {each.kind for each in found.brought} == {Brings.CGO}
    assert {each.outcome for each in found.ways[0].verdicts} == {Outcome.RUNS}


def test_a_package_of_which_nothing_is_left_does_not_build_without_cgo(tmp_path: Path) -> None:
    found = predicted(module(tmp_path, main_go=MAIN, x__with_go=WITH), Cgo.OFF)
    assert "does not compile without cgo" in found.ways[0].fault
    assert found.ways[0].verdicts == ()
    assert not builds_without_cgo(tmp_path)


USES = 'package main\n\nimport "trimaran.dev/tests/made/x"\n\nfunc main() { println(x.Sum()) }\n'
GONE = 'package x\n\n// int sum(void) { return 3; }\nimport "C"\n\nfunc Sum() int { return int(C.sum()) }\n'
LEFT = "package x\n\nconst Three = 3\n"


@pytest.mark.parametrize(
    ("main", "left", "fault"),
    [
        (USES, LEFT, "does not compile without cgo"),
        (USES.replace("x.Sum()", "x.Three"), LEFT, ""),
        # The name alone does not tell whether it is the function that is gone.
        (USES.replace("x.Sum()", "x.Three"), LEFT + "\nfunc Add(Sum int) int { return Sum + Three }\n", None),
    ],
)
def test_a_name_that_only_c_declares_is_looked_for_where_it_is_used(
    main: str, left: str, fault: str | None, tmp_path: Path
) -> None:
    way = predicted(module(tmp_path, main_go=main, x__with_go=GONE, x__left_go=left), Cgo.OFF).ways[0]
    if fault is None:
        assert "may not compile without cgo" in way.doubt
        assert {each.outcome for each in way.verdicts} == {Outcome.UNKNOWN}
        return
    assert (fault in way.fault) if fault else not way.fault
    assert builds_without_cgo(tmp_path) == (not fault)


def builds_without_cgo(folder: Path) -> bool:
    environment = {**os.environ, "GOFLAGS": "", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    done = subprocess.run(["go", "build", "."], cwd=folder, env=environment, capture_output=True, check=False)
    return done.returncode == 0


def test_a_library_that_this_machine_lacks_is_told_before_the_linker_tells(tmp_path: Path) -> None:
    lacking = WITH.replace("// int zero", "// #cgo LDFLAGS: -lnosuchlibrary\n// int zero")
    found = predicted(module(tmp_path, main_go=MAIN, x__with_go=lacking))
    assert "-lnosuchlibrary" in found.ways[0].fault


def test_without_a_c_compiler_the_build_with_cgo_is_not_predicted_to_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CC", "/nowhere/cc")
    found = predicted(PROGRAMS["sqlite"])
    assert "no C compiler" in found.ways[0].fault
    assert found.ways[0].verdicts == ()
    assert not predicted(PROGRAMS["account"]).ways[0].fault


def test_a_compiler_for_musl_gives_musls_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "musl-gcc")
    way = predicted(PROGRAMS["sqlite"]).ways[0]
    assert way.file is not None
    assert way.file.interpreter == "/lib/ld-musl-x86_64.so.1"
    outcomes = {each.distribution: each.outcome for each in way.verdicts}
    assert outcomes["debian-12"] is Outcome.FAILS
    assert outcomes["alpine-3.23"] is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("text", "code"),
    [("package x\n", "TRM0314"), ('package main\n\nimport "no.such/module"\n', "TRM0313"), (None, "TRM0313")],
)
def test_what_cannot_be_listed_is_one_error(text: str | None, code: str, tmp_path: Path) -> None:
    files = {"main_go": text} if text is not None else {}
    with pytest.raises(TrimaranError) as raised:
        predicted(module(tmp_path, **files))
    assert raised.value.problems[0].code == code


def test_the_command_prints_what_its_schema_says_and_its_verdicts_count(tmp_path: Path) -> None:
    place = copied("sqlite", tmp_path)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [TRIMARAN, "predict", str(place), *words]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    document = json.loads(run("-o", "json").stdout)
    schema = Path(predict_report.__file__).with_name("predict.schema.json").read_text("utf-8")
    jsonschema.validate(document, json.loads(schema))
    assert run("--for", "debian-13").returncode == 0
    failing = run("--for", "debian-11")
    assert failing.returncode == 1
    told = failing.stdout.split("the same with stock tools")
    assert max(len(line) for line in told[0].splitlines()) <= 80 + len(str(place))
    first = told[1].splitlines()[1].strip()
    printed = subprocess.run(
        ["bash", "-c", first], cwd=place, capture_output=True, text=True, check=False
    ).stdout
    assert "github.com/mattn/go-sqlite3 [-ldl]" in printed
    assert sorted(place.iterdir()) == sorted(place / path.name for path in (FIXTURES / "sqlite").iterdir())


def test_nothing_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOCACHE", str(tmp_path))
    predicted(PROGRAMS["sqlite"])
    assert sum(path.stat().st_size for path in tmp_path.rglob("*-d")) < 1 << 20
