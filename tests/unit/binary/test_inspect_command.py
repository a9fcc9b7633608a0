"""`trimaran inspect` as a user meets it: output, exit status, all problems together."""

import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.unit.binary.elves import Elf, inline_buildinfo

from trimaran.cli.main import _run

SETTINGS = "path\texample.com/app\nmod\texample.com/app\tv1.0.0\t\nbuild\tCGO_ENABLED=1\nbuild\tGOAMD64=v1\n"


def trimaran(
    *arguments: str | Path, cwd: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from trimaran.cli.main import run; run()", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONWARNINGS": "error"} | more,
    )


@pytest.fixture
def cgo(tmp_path: Path) -> Path:
    path = tmp_path / "cgo"
    elf = Elf(
        needed=("libc.so.6",),
        versions={"libc.so.6": ("GLIBC_2.2.5", "GLIBC_2.34")},
        buildinfo=inline_buildinfo("go1.26.8", SETTINGS),
    )
    path.write_bytes(bytes(elf))
    return path


@pytest.fixture
def static(tmp_path: Path) -> Path:
    path = tmp_path / "static"
    path.write_bytes(bytes(Elf(kind=2, interpreter=None)))
    return path


def conforms(document: Any) -> None:
    schema = json.loads(resources.files("trimaran.binary").joinpath("inspect.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)


def test_json_has_the_published_form(cgo: Path, static: Path) -> None:
    done = trimaran("inspect", cgo, static, "-o", "json")
    document = json.loads(done.stdout)
    conforms(document)
    assert (done.returncode, done.stderr) == (0, "")
    assert document["schema"] == "trimaran.dev/inspect/v1"
    first, second = document["files"]
    assert first["path"] == str(cgo)
    assert (first["format"], first["machine"], first["glibc_floor"]) == ("elf64", "x86_64", "2.34")
    assert first["go"]["version"] == "go1.26.8"
    assert first["go"]["settings"]["CGO_ENABLED"] == "1"
    assert second["interpreter"] is second["glibc_floor"] is second["go"] is None
    alpine = next(each for each in first["verdicts"] if each["distribution"] == "alpine-3.23")
    assert (alpine["outcome"], alpine["rule"], alpine["basis"]) == ("fails", "interpreter", "predicted")


def test_yaml_says_the_same_as_json(cgo: Path) -> None:
    assert yaml.safe_load(trimaran("inspect", cgo, "-o", "yaml").stdout) == json.loads(
        trimaran("inspect", cgo, "-o", "json").stdout
    )


def test_jsonl_has_one_file_a_line_and_then_the_problems(cgo: Path, static: Path) -> None:
    done = trimaran("inspect", cgo, "nowhere", static, "-o", "jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row.get("path") for row in rows] == [str(cgo), str(static), None]
    assert rows[2]["problem"]["code"] == "TRM0201"
    assert {row["schema"] for row in rows} == {"trimaran.dev/inspect/v1"}


def test_text_groups_what_has_the_same_reason_and_fits_80_columns(cgo: Path) -> None:
    done = trimaran("inspect", cgo.name, cwd=cgo.parent)
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout.count("symbol-version") == 2
    assert "debian-12 (glibc 2.36)" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_table_names_each_verdict(cgo: Path) -> None:
    done = trimaran("inspect", cgo, "-o", "table", "--for", "debian-12,alpine-3.23", COLUMNS="160")
    assert "runs" in done.stdout
    assert "fails" in done.stdout
    assert "alpine-3.23" in done.stdout


def test_a_table_of_nothing_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/bin/sh\n")
    done = trimaran("inspect", tmp_path / "script", "-o", "table")
    assert (done.returncode, done.stdout) == (2, "")
    assert "TRM0204" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ((), 0),
        (("--for", "debian-12"), 0),
        (("--for", "debian-12,alpine-3.23"), 1),
        (("--for", "debian-12", "--for", "debian-11"), 1),
        (("--for", "debian-12,alpine-3.23", "--exit-zero"), 0),
    ],
)
@pytest.mark.parametrize("form", ["text", "json", "jsonl", "yaml", "table"])
def test_the_status_is_the_same_for_every_form(
    cgo: Path, arguments: tuple[str, ...], status: int, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["inspect", str(cgo), *arguments, "-o", form]) == status
    assert capsys.readouterr().out


def test_unknown_counts_as_not_running(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(Elf(needed=("libc.so.6", "libsqlite3.so.0"))))
    assert trimaran("inspect", path).returncode == 0
    assert trimaran("inspect", path, "--for", "debian-12").returncode == 1


def test_files_that_cannot_be_read_do_not_hide_the_others(cgo: Path, static: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "script").write_text("#!/bin/sh\n")
    os.mkfifo(tmp_path / "pipe")
    bad = [tmp_path / name for name in ("empty", "script", "pipe", "nowhere")]
    done = trimaran("inspect", bad[0], cgo, *bad[1:], static, "-o", "json", "--exit-zero")
    document = json.loads(done.stdout)
    conforms(document)
    assert done.returncode == 2
    assert [file["path"] for file in document["files"]] == [str(cgo), str(static)]
    assert [problem["path"] for problem in document["problems"]] == [str(path) for path in bad]
    assert done.stderr.count("error[TRM02") == 4
    assert "Traceback" not in done.stderr


def test_a_misspelt_distribution_gets_a_suggestion_and_all_slips_come_together(cgo: Path) -> None:
    done = trimaran("inspect", cgo, "--for", "debain-12,alpine-3.99,nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("error[TRM0210]") == 3
    assert "did you mean debian-12?" in done.stderr


@pytest.mark.parametrize("ids", ["", ",", " "])
def test_no_distribution_at_all_is_an_error(cgo: Path, ids: str) -> None:
    done = trimaran("inspect", cgo, "--for", ids)
    assert done.returncode == 2
    assert "TRM0210" in done.stderr


def test_standard_input_is_refused_with_the_reason() -> None:
    done = trimaran("inspect", "-")
    assert done.returncode == 2
    assert "standard input cannot be inspected" in done.stderr


def test_a_name_that_steers_terminals_is_made_harmless(tmp_path: Path) -> None:
    path = tmp_path / "\x1b[31mred\nline"
    path.write_bytes(bytes(Elf(interpreter="/lib/\x1b]0;title\x07")))
    for form in ("text", "table"):
        done = trimaran("inspect", path, "-o", form)
        assert done.returncode == 0
        assert "\x1b" not in done.stdout
        assert "\x07" not in done.stdout
    assert json.loads(trimaran("inspect", path, "-o", "json").stdout)["files"][0]["path"] == str(path)


def test_a_name_that_is_no_text_is_still_a_name(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff\xfe"
    with open(raw, "wb") as file:  # noqa: PTH123 - the name is bytes
        file.write(bytes(Elf()))
    for form in ("text", "json", "jsonl", "yaml", "table"):
        done = trimaran("inspect", os.fsdecode(raw), "-o", form)
        assert (done.returncode, done.stderr) == (0, ""), form


def test_the_json_form_loads_nothing_that_it_does_not_need(cgo: Path) -> None:
    script = (
        "import sys; from trimaran.cli.main import _run; status = _run(sys.argv[1:]);"
        "heavy = {'rich', 'pydantic', 'yaml', 'sqlalchemy', 'asyncio', 'ssl'} & sys.modules.keys();"
        "sys.exit(f'{heavy}' if heavy else status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "inspect", str(cgo), "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"]


def test_a_reader_that_leaves_early_is_no_error(cgo: Path) -> None:
    command = [sys.executable, "-c", "from trimaran.cli.main import run; run()", "inspect", *[str(cgo)] * 300]
    with subprocess.Popen(
        [*command, "-o", "jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert b"Traceback" not in running.stderr.read()
