"""SARIF and JUnit as their readers want them."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.unit.binary.elves import Elf

from trimaran.cli import junit, sarif
from trimaran.cli.main import _run

SCHEMA = Path(__file__).parents[2] / "fixtures" / "sarif" / "sarif-2.1.0-rtm.5.json"
CGO = bytes(Elf(needed=("libc.so.6",), versions={"libc.so.6": ("GLIBC_2.34",)}))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").write_bytes(CGO)
    (tmp_path / "a b:ü<&\x01").write_bytes(CGO)
    (tmp_path / "static").write_bytes(bytes(Elf(kind=2, interpreter=None)))
    (tmp_path / "script").write_text("#!/bin/sh\n")
    return "app", "a b:ü<&\x01", "static", "script"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = _run(["inspect", *arguments])
    return status, capsys.readouterr().out


def log(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    status, out = printed(capsys, *arguments, "-o", "sarif")
    found = json.loads(out)
    # The schema is of draft 7 and calls its formats by a URL.
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(found)
    return status, found["runs"][0]


def test_sarif_is_what_the_standard_says(files: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    status, run = log(capsys, *files, "--for", "debian-12,alpine-3.23,debian-11")
    assert status == 2
    rows = [(row["ruleId"], row["level"], uri(row)) for row in run["results"]]
    odd = "./a%20b%3A%C3%BC%3C%26%01"
    assert rows == [
        ("TRM0252", "error", "app"),
        ("TRM0254", "error", "app"),
        ("TRM0252", "error", odd),
        ("TRM0254", "error", odd),
        ("TRM0204", "error", "script"),
    ]
    assert {row["ruleId"] for row in run["results"]} <= {
        rule["id"] for rule in run["tool"]["driver"]["rules"]
    }
    assert run["invocations"][0]["executionSuccessful"] is False


def uri(row: dict[str, Any]) -> str:
    found: str = row["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    return found


@pytest.mark.parametrize(
    ("names", "wanted"),
    [(("static",), []), (("static", "static", "app"), ["TRM0252"]), (("script",), ["TRM0204"])],
)
def test_sarif_has_no_comma_too_many(
    files: tuple[str, ...], names: tuple[str, ...], wanted: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, run = log(capsys, *names, "--for", "alpine-3.23")
    assert [row["ruleId"] for row in run["results"]] == wanted


def test_verdicts_that_do_not_count_are_notes(
    files: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    status, run = log(capsys, "app")
    assert status == 0
    assert {row["level"] for row in run["results"]} == {"note"}


def test_a_path_becomes_a_reference() -> None:
    assert sarif.uri("/a b/c") == "file:///a%20b/c"
    assert sarif.uri("dist/app") == "dist/app"
    assert sarif.uri("c:/x") == "./c%3A/x"
    assert sarif.uri(b"\xff".decode("utf-8", "surrogateescape")) == "%FF"


def test_junit_counts_what_failed(files: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    status, out = printed(capsys, *files, "-o", "junit", "--for", "debian-12,alpine-3.23")
    root = ET.fromstring(out)
    suites = {suite.get("name"): suite for suite in root}
    assert (status, root.tag, len(suites)) == (2, "testsuites", 4)
    assert {key: suites["app"].get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "2",
        "failures": "1",
        "errors": "0",
        "skipped": "0",
    }
    case = suites["app"][1]
    assert (case.get("classname"), case.get("name")) == ("app", "alpine-3.23")
    assert "interpreter" in (case[0].get("message") or "")
    assert case[0].text == "readelf -lW app | grep interpreter"
    assert suites["script"].get("errors") == "1"
    assert "a b:ü<&\N{REPLACEMENT CHARACTER}" in suites


def test_junit_skips_what_does_not_count(files: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    status, out = printed(capsys, "app", "-o", "junit")
    (suite,) = ET.fromstring(out)
    assert status == 0
    assert suite.get("failures") == "0"
    assert int(suite.get("skipped") or 0) > 5


def test_xml_holds_whatever_a_file_says() -> None:
    nasty = "".join(map(chr, range(0x300))) + "\ufffe\uffff\ud800\U0001f600]]>"
    text = junit.suite(nasty, [junit.Test(nasty, junit.Result.FAILURE, nasty, nasty, nasty)])
    assert text.isascii()
    assert ET.fromstring(text)[0][0].tag == "failure"
