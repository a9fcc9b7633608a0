"""`trimaran inspect` of directories, packages and many files."""

import io
import json
import os
import shlex
import shutil
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.binary.elves import Elf, inline_buildinfo

from trimaran.binary import Kind, Rule, Verdict, inspect_file, verdicts
from trimaran.binary.report_rules import CODES, commands
from trimaran.cli import inspect, inspecting_workers
from trimaran.cli.main import _run
from trimaran.codes import explanations
from trimaran.facts import distributions

BUILD = inline_buildinfo("go1.26.8", "path\tx\nbuild\tCGO_ENABLED=1\n")
CGO = bytes(Elf(needed=("libc.so.6",), versions={"libc.so.6": ("GLIBC_2.34",)}, buildinfo=BUILD))
STATIC = bytes(Elf(kind=2, interpreter=None))
LIBRARY = bytes(Elf(interpreter=None, strings={14: "libx.so.1"}, needed=("libodd.so.7",)))
CLASH = bytes(Elf(interpreter=None, strings={14: "libx.so.1"}, needed=("libc.musl-x86_64.so.1",)))


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Programs, hidden ones too, among what is none and what cannot be read."""
    root = tmp_path / "tree"
    (root / "b" / ".hidden").mkdir(parents=True)
    (root / "b" / ".hidden" / "static").write_bytes(STATIC)
    (root / "a").write_bytes(CGO)
    (root / "b" / "library.so").write_bytes(LIBRARY)
    (root / "b" / "broken").write_bytes(CGO[:200])
    (root / "b" / "object.o").write_bytes(bytes(Elf(kind=1)))
    (root / "empty").write_bytes(b"")
    (root / "script").write_text("#!/bin/sh\n")
    (root / "link").symlink_to(root / "a")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe")
    return root


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    status = _run(["inspect", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def document(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, dict[str, Any]]:
    status, out, _ = run(capsys, *arguments, "-o", "json")
    return status, json.loads(out)


def paths(found: dict[str, Any], root: Path) -> list[str]:
    return [str(Path(file["path"]).relative_to(root)) for file in found["files"]]


def test_a_directory_is_walked_in_order_and_tells_what_is_broken(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found = document(capsys, tree)
    assert paths(found, tree) == ["a", "b/.hidden/static", "b/library.so"]
    assert [(problem["code"], problem["path"]) for problem in found["problems"]] == [
        ("TRM0205", str(tree / "b" / "broken"))
    ]
    # An object file, an empty one and a script; links and the pipe are not even counted.
    assert found["passed_over"] == 3
    assert status == 2


def test_a_library_beside_programs_counts_only_when_it_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "library.so").write_bytes(LIBRARY)
    assert run(capsys, tmp_path / "t", "--for", "debian-12")[0] == 0
    # Asked for by name, that nothing can be said of its start is the answer.
    assert run(capsys, tmp_path / "t" / "library.so", "--for", "debian-12")[0] == 1
    (tmp_path / "t" / "clash.so").write_bytes(CLASH)
    assert run(capsys, tmp_path / "t", "--for", "debian-12")[0] == 1


def test_a_directory_of_which_nobody_may_read_is_told(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def refusing(path: str) -> Any:
        if str(path).endswith("b"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    status, found = document(capsys, tree)
    assert paths(found, tree) == ["a"]
    assert [problem["code"] for problem in found["problems"]] == ["TRM0201"]
    assert status == 2


def test_folders_nested_deeper_than_python_recurses_are_walked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "deep"
    folder.mkdir()
    here = os.getcwd()  # noqa: PTH109 - beside chdir
    try:
        os.chdir(folder)
        for _ in range(1200):
            os.mkdir("d")  # noqa: PTH102 - as above
            os.chdir("d")
        Path("static").write_bytes(STATIC)
    finally:
        os.chdir(here)
    status, found = document(capsys, folder)
    assert (status, len(found["files"])) == (0, 1)
    # Python's own removal recurses, and would leave the folder behind.
    subprocess.run(["rm", "-r", folder], check=True)


def test_many_files_give_the_same_answer_with_and_without_helpers(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(110):
        body = (CGO, STATIC, LIBRARY, b"text", CGO[:300])[number % 5]
        (tree / f"{number:03}").write_bytes(body)
    before = _children()
    for form in ("json", "text", "junit"):
        helped = run(capsys, tree, "-o", form)
        with monkeypatch.context() as patch:
            patch.setattr(inspecting_workers, "ALONE", 10_000)
            assert run(capsys, tree, "-o", form) == helped
    assert _children() <= before


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_a_helper_that_is_ended_costs_no_answer(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(110):
        (tree / f"{number:03}").write_bytes(STATIC)
    wanted = document(capsys, tree)
    parent = os.getpid()
    real = inspecting_workers._one

    def ends(job: Any, item: Any) -> Any:
        if os.getpid() != parent and getattr(item, "path", "").endswith("/080"):
            os._exit(9)
        return real(job, item)

    monkeypatch.setattr(inspecting_workers, "_one", ends)
    assert document(capsys, tree) == wanted


def test_programs_in_a_package_are_named_by_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "dist.tar.gz"
    with tarfile.open(package, "w:gz") as archive:
        for name, body in (("bin/app", CGO), ("README", b"text"), ("bin/static", STATIC)):
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    status, found = document(capsys, package)
    assert [file["path"] for file in found["files"]] == [f"{package}!/bin/app", f"{package}!/bin/static"]
    assert status == 0
    # A directory's packages are looked into as well.
    assert [file["path"] for file in document(capsys, tmp_path)[1]["files"]] == [
        file["path"] for file in found["files"]
    ]
    (line, *_) = found["files"][0]["commands"]["symbol-version"]["here"]
    subprocess.run(line, shell=True, cwd=tmp_path, check=True)
    assert (tmp_path / "app").read_bytes() == CGO


@pytest.mark.parametrize(
    "name", ["plain", "with space", "-dash", "quote'\"$(touch owned)", "semi;touch owned"]
)
def test_the_commands_of_a_verdict_run_whatever_the_file_is_called(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    # readelf reads versions where section headers say, which the files that we make do not have.
    shutil.copy("/usr/bin/env", path)
    monkeypatch.chdir(tmp_path)
    file = replace(inspect_file(path), path=name)
    for verdict in verdicts(file, distributions().values()):
        for line in commands(file, verdict).here:
            done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (line, done.stderr)
            assert done.stdout.strip()
    assert not (tmp_path / "owned").exists()


def test_every_rule_has_commands_and_a_page() -> None:
    known = explanations()
    for rule in Rule:
        assert rule.value in known[CODES[rule]].title
        verdict = next(iter(verdicts_of(rule)))
        found = commands(FILE, verdict)
        assert found.here
        assert all(shlex.split(line, comments=True) for line in (*found.here, *found.there))


def test_a_file_that_chooses_its_functions_has_commands_of_its_own() -> None:
    musl = distributions()["alpine-3.23"]
    chooses = replace(FILE, kind=Kind.LIBRARY, interpreter=None, needed=(), versions=(), ifunc=True)
    found = commands(chooses, verdicts(chooses, [musl])[0])
    assert found.here == ("readelf -rW 'it'\"'\"'s' | grep IRELATIVE",)
    assert found.there == ("/lib/ld-musl-*.so.1",)


FILE = replace(inspect_file("/proc/self/exe"), path="it's")


def verdicts_of(rule: Rule) -> list[Verdict]:
    some = verdicts(FILE, distributions().values())[0]
    return [some._replace(rule=rule)]


def test_a_measured_root_is_used_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cgo"
    path.write_bytes(CGO)
    # A distribution as somebody measured it, whose glibc is older than the recorded one.
    mine = replace(distributions()["debian-12"], libc_version="2.30", libraries=frozenset({"libc.so.6"}))
    monkeypatch.setattr(inspect, "at_hand", lambda: {"debian-12": mine, "mine": replace(mine, id="mine")})
    status, found = document(capsys, path, "--for", "debian-12,mine,rhel-9")
    rows = {row["distribution"]: (row["outcome"], row["facts"]) for row in found["files"][0]["verdicts"]}
    assert rows == {
        "debian-12": ("fails", "measured"),
        "mine": ("fails", "measured"),
        "rhel-9": ("runs", "recorded"),
    }
    assert status == 1
    assert "debian-12 (measured)" in run(capsys, path, "--for", "debian-12")[1]
    # Without --for, only distributions that are known are judged.
    assert "mine" not in run(capsys, path)[1]


@pytest.mark.parametrize("name", ["nowhere", "a\0b", "x" * 5000])
def test_a_name_that_no_file_has_is_one_clear_error(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, f"{tmp_path}/{name}")
    assert (status, out) == (2, "")
    assert err.startswith("error[TRM0201]")


def test_text_of_many_is_short_and_text_of_one_tells_its_commands(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, many, _ = run(capsys, tree)
    assert max(map(len, many.replace(str(tree), "tree").splitlines())) <= 80
    assert "3 passed over" in many
    monkeypatch.chdir(tree)
    _, one, _ = run(capsys, "a")
    assert max(map(len, one.splitlines())) <= 80
    assert "$ readelf -lW a | grep interpreter" in one
