"""Facts are read again from their sources: what was changed is found, shown and mended."""

import re
import shutil
from pathlib import Path

import pytest
from tools.facts.__main__ import FACTS, main

pytestmark = pytest.mark.peer


def copied(folder: Path) -> Path:
    """The product's data files, to be damaged."""
    copy = folder / "facts"
    copy.mkdir()
    for pattern in ("*.toml", "*.txt"):
        for file in FACTS.glob(pattern):
            shutil.copy(file, copy)
    return copy


def damage(facts: Path, file: str, good: str, bad: str) -> None:
    text = (facts / file).read_text("utf-8")
    assert good in text, f"{file} no longer has {good!r}"
    (facts / file).write_text(text.replace(good, bad, 1), "utf-8")


def undated(folder: Path, file: str) -> str:
    """The text without days: what is mended today was checked today."""
    return re.sub(r"checked(:| =) [\d-]+", "", (folder / file).read_text("utf-8"))


# Steps of the command, and what is damaged for each: file, a part of it, what stands there instead.
CASES = {
    "debian": {
        "distributions": ("distributions.toml", 'version = "2.36"', 'version = "2.35"'),
        "glibc": ("glibc_versions.txt", " pthread_create", " pthread_creates"),
        "musl": ("musl_debian.txt", " +fts_open", ""),
        "packages": ("packages_debian.txt", "libssl3t64", "libssl3"),
    },
    "base": {"base": ("base.txt", " libz.so.1", " libzz.so.1")},
    "go": {
        "dynamic": ("dynamic.toml", '"libdl.so.2", ', ""),
        "levels": ("go.toml", '"avx2", ', ""),
        "refusals": ("refusals.toml", "undefined: VersionInfo", "undefined: Version_"),
        "stubs": ("stubs.toml", "message = 'plugin: not implemented'", "message = 'plugin: gone'"),
    },
}


@pytest.mark.parametrize("group", CASES)
def test_a_changed_value_is_found_shown_and_mended(
    group: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts, cases = copied(tmp_path), CASES[group]
    for file, good, bad in cases.values():
        damage(facts, file, good, bad)
    assert main([*cases, "--write", "--facts", str(facts)]) == 1
    shown = capsys.readouterr().out
    for file, _, _ in cases.values():
        assert f"--- a/{file}" in shown
        assert "\n+" in shown
        assert undated(facts, file) == undated(FACTS, file).replace(
            # A message is written as an expression that matches what was seen, and nothing else.
            "message = 'plugin: not implemented'",
            r"message = 'plugin:\ not\ implemented'",
        )
    untouched = {file.name for file in FACTS.glob("*.toml")} - {file for file, _, _ in cases.values()}
    for file in untouched:
        assert (facts / file).read_text("utf-8") == (FACTS / file).read_text("utf-8")
    # A second run has nothing to do; one step is enough to show it.
    assert main([min(cases), "--facts", str(facts)]) == 0
    assert capsys.readouterr().out == ""


def test_without_write_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = copied(tmp_path)
    damage(facts, "go.toml", '"avx2", ', "")
    before = (facts / "go.toml").read_text("utf-8")
    assert main(["levels", "--facts", str(facts)]) == 1
    assert '+flags = ["abm", "avx", "avx2",' in capsys.readouterr().out
    assert (facts / "go.toml").read_text("utf-8") == before


def test_a_source_that_is_not_there_is_no_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["levels"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "there is no go on the PATH" in said.err


def test_a_name_that_is_no_step_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["everything"])
    assert ended.value.code == 2
    assert "there is no everything" in capsys.readouterr().err
