"""Every bad file of the corpus gives one clear result, in little time and memory."""

import os
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from tests.corpus.elves import WHOLE, Bad, files, write

from trimaran.binary import report, report_text, verdicts
from trimaran.binary.reader import look_at
from trimaran.binary.wantsread import look
from trimaran.cli.main import _run
from trimaran.errors import TrimaranError
from trimaran.facts import distributions


@pytest.mark.parametrize("bad", [*files()], ids=lambda bad: bad.name)
def test_a_bad_file_gives_its_one_result(bad: Bad, tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(bad.body)
    started = time.perf_counter()
    tracemalloc.start()
    try:
        assert result(path) == bad.code
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 10e6
    assert time.perf_counter() - started < 2


def result(path: Path) -> str:
    try:
        file, wants = look_at(path, look)
    except TrimaranError as error:
        (problem,) = error.problems
        assert problem.fix
        assert problem.where is not None
        return problem.code
    inspected = report.Inspected(file, verdicts(file, distributions().values()), wants)
    assert all(line.isprintable() for line in report_text.text(inspected, None, 80))
    return ""


def test_the_command_tells_each_of_a_folder_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = tmp_path / "corpus"
    folder.mkdir()
    written = write(folder)
    os.mkfifo(folder / "pipe")
    status = _run(["inspect", str(folder), "-o", "jsonl", "--wants"])
    captured = capsys.readouterr()
    assert status == 2
    read = [path for path, bad in written if not bad.code]
    assert captured.out.count('"verdicts"') == len(read)
    broken = [path for path, bad in written if bad.code in {"TRM0205", "TRM0206", "TRM0240"}]
    assert captured.err.count("error[TRM02") == len(broken)
    assert all(str(path) in captured.err for path in broken)


_CHANGING = """
import select, sys
path, whole = sys.argv[1], open(sys.argv[2], "rb").read()
print("ready", flush=True)
number = 0
while not select.select([0], [], [], 0)[0]:
    number += 1
    with open(path, "r+b") as file:
        file.truncate(number * 97 % len(whole))
        file.seek(0)
        file.write(whole[: number * 31 % len(whole)] if number % 3 else whole)
"""


def test_a_file_that_changes_while_it_is_read_is_read_or_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "program", tmp_path / "whole"
    path.write_bytes(WHOLE)
    whole.write_bytes(WHOLE)
    seen: dict[str, int] = {}
    with subprocess.Popen(
        [sys.executable, "-c", _CHANGING, path, whole],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdout.readline()
        ends = time.monotonic() + 1
        while time.monotonic() < ends:
            code = result(path)
            seen[code] = seen.get(code, 0) + 1
        writer.stdin.write("end")
        writer.stdin.close()
        assert writer.wait(10) == 0
    assert set(seen) <= {"", "TRM0203", "TRM0204", "TRM0205", "TRM0206", "TRM0207"}
    assert len(seen) >= 2
    assert sum(seen.values()) > 20
