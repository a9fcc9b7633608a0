"""What `fix` says: the order of the ways, the line to write, and the commands."""

import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from trimaran.binary import Basis, Outcome, Rule, Verdict
from trimaran.cli.main import _run
from trimaran.errors import Problem
from trimaran.portability import fix_report
from trimaran.portability.fix_model import Subject, Tried, change_line, changes, go_command, ranked
from trimaran.portability.ways import Way

WANTED = ("debian-11", "alpine-3.23")
SUBJECT = Subject("x", "/src/x", "./cmd/x", "", "linux/amd64", {"cgo": "on"}, "service.yaml:5")
MUSL = Way("musl", "musl linked in", cgo="on", libc="musl", caveats=("no NSS",), needs="musl-gcc or zig")
PURE = Way("pure", "pure Go", cgo="off", refused="m is a stub without cgo")
FLOOR = Way("glibc-2.31", "linked for glibc 2.31", cgo="on", libc="glibc-2.31")


def tried(way: Way, *outcomes: str, basis: Basis = Basis.PREDICTED) -> Tried:
    verdicts = tuple(
        Verdict(name, Outcome(outcome), Rule.STATIC, "because", basis)
        for name, outcome in zip(WANTED, outcomes, strict=True)
    )
    return Tried(way, "/cache/x", "sha256:" + "a" * 64, 1_500_000, "static", None, True, "by it", verdicts)


def report(*ways: Tried, before: str = "fails") -> fix_report.Report:
    first = tried(Way("before", "as it is built now"), before, before)
    return fix_report.Report(SUBJECT, first, ranked(ways, WANTED), WANTED, {"musl": ("$ one", "$ two")})


def test_the_way_that_serves_all_comes_first_and_a_refused_one_last() -> None:
    found = ranked([Tried(PURE), tried(FLOOR, "runs", "fails"), tried(MUSL, "runs", "runs")], WANTED)
    assert [each.way.name for each in found] == ["musl", "glibc-2.31", "pure"]


def test_of_equal_ways_the_one_that_changes_less_comes_first() -> None:
    found = ranked([tried(FLOOR, "runs", "runs"), tried(MUSL, "runs", "runs")], WANTED)
    assert [each.way.name for each in found] == ["glibc-2.31", "musl"]
    unsure = ranked([tried(FLOOR, "runs", "unknown"), tried(MUSL, "runs", "runs")], WANTED)
    assert [each.way.name for each in unsure] == ["musl", "glibc-2.31"]


def test_a_way_that_is_unknown_somewhere_is_not_taken() -> None:
    assert report(tried(MUSL, "runs", "unknown")).chosen is None
    assert report(tried(MUSL, "runs", "runs")).chosen is not None
    assert report(tried(MUSL, "runs", "runs"), before="runs").chosen is None


@pytest.mark.parametrize(
    ("way", "declared", "line"),
    [
        (Way("pure", "", cgo="off"), {}, "cgo: off"),
        (Way("pure", "", cgo="off"), {"cgo": "on", "libc": "musl"}, "cgo: off, without libc"),
        (Way("musl", "", libc="musl"), {"cgo": "off"}, "libc: musl, without cgo"),
        (Way("musl", "", libc="musl"), {"cgo": "on"}, "libc: musl"),
        (Way("tags", "", tags=("a", "netgo")), {"tags": "[a]"}, "tags: [a, netgo]"),
        (Way("musl", "", libc="musl"), {"libc": "musl"}, ""),
    ],
)
def test_the_change_names_what_to_write_and_what_to_remove(
    way: Way, declared: dict[str, str], line: str
) -> None:
    assert change_line(changes(way, declared)) == line


def test_the_stock_command_says_the_same_to_go() -> None:
    assert go_command(MUSL, SUBJECT, ("CC=musl-gcc",)) == (
        "CGO_ENABLED=1 CC=musl-gcc go -C /src/x build -trimpath "
        "'-ldflags=-linkmode=external -extldflags \"-static\"' -o /tmp/program ./cmd/x"
    )
    module = Subject("x", "", "./cmd/x", "example.com/m@v1.2.3", "linux/arm64")
    assert go_command(Way("pure", "", cgo="off", tags=("a",)), module, ()) == (
        "GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go install -trimpath -tags=a example.com/m/cmd/x@v1.2.3"
    )


def test_a_run_is_told_from_a_prediction() -> None:
    seen = report(tried(MUSL, "runs", "fails", basis=Basis.PROVEN), Tried(PURE), Tried(FLOOR))
    rows = {row[0]: row[1:] for row in fix_report.table(seen)}
    assert rows[""] == ("before", "musl", "glibc-2.31", "pure")
    assert rows["debian-11"] == ("fails", "ran", "no build", "refused")
    assert rows["alpine-3.23"] == ("fails", "failed", "no build", "refused")


def test_the_report_fits_eighty_columns_and_ends_with_the_line_to_write() -> None:
    lines = list(fix_report.text(report(tried(MUSL, "runs", "runs"), Tried(PURE)), 80))
    assert max(len(line) for line in lines) <= 80
    assert "    libc: musl" in lines
    assert "  take musl. In service.yaml:5, below spec.build:" in lines
    assert any("m is a stub without cgo" in line for line in lines)


def test_what_a_program_prints_cannot_steer_the_terminal() -> None:
    evil = Tried(MUSL, problem=Problem("TRM0317", "x\x1b[2Jy", "z"))
    assert not any("\x1b" in line for line in fix_report.text(report(evil), 80))


def test_the_document_is_what_its_schema_says() -> None:
    schema = json.loads(
        resources.files("trimaran.portability").joinpath("fix.schema.json").read_text("utf-8")
    )
    problem = Tried(FLOOR, problem=Problem("TRM0317", "does not compile", "mend it"))
    for each in (report(tried(MUSL, "runs", "runs"), Tried(PURE), problem), report(before="runs")):
        jsonschema.validate(fix_report.document(each), schema)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["/nowhere/at/all"], "TRM1361"),
        (["nowhere.yaml"], "TRM0101"),
        (["."], "TRM1361"),
        (["m", "--for", "debain-12"], "TRM0210"),
        (["m", "--for", ","], "TRM0210"),
        (["m", "--ways", "best"], "TRM1362"),
        (["m", "--ways", ""], "TRM1362"),
        (["image.yaml"], "TRM1361"),
        (["\x1b]0;evil\x07"], "TRM1361"),
    ],
)
def test_what_cannot_be_mended_is_refused_with_its_code(
    arguments: list[str], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "go.mod").write_text("module example.com/m\n\ngo 1.21\n")
    (tmp_path / "image.yaml").write_text(
        "apiVersion: trimaran.dev/v1alpha1\nkind: PlatformAgnosticSpec\nmetadata: {name: x}\n"
        "spec: {image: registry.example.com/x}\n"
    )
    assert _run(["fix", *arguments]) == 2
    said = capsys.readouterr().err
    assert f"error[{code}]" in said
    assert "\x1b" not in said
