"""The supervisor's log: whole lines, bounded files, no loss it does not count."""

import itertools
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimaran.supervise import control, supervisor
from trimaran.supervise.supervisor import LINE_MAX, Log


def written(folder: Path) -> list[bytes]:
    """All files of a log, oldest first."""
    numbered = sorted(folder.glob("log.*"), key=lambda path: -int(path.suffix[1:]))
    return [path.read_bytes() for path in (*numbered, folder / "log") if path.exists()]


@settings(max_examples=60)
@given(
    lines=st.lists(st.integers(0, 300), max_size=40),
    cuts=st.lists(st.integers(0, 8000), max_size=20),
    most=st.integers(1, 2000),
)
def test_no_line_is_lost_or_split_however_it_arrives(
    tmp_path_factory: pytest.TempPathFactory, lines: list[int], cuts: list[int], most: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    whole = b"".join(b"%d:" % number + b"x" * length + b"\n" for number, length in enumerate(lines))
    log = Log(str(folder / "log"), most, 1000)
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    for begin, end in itertools.pairwise(places):
        log.write(whole[begin:end])
    files = written(folder)
    assert b"".join(files) == whole
    assert all(each.endswith(b"\n") for each in files)
    # One line that arrives in parts may go over by its own length.
    assert all(len(each) <= most + 310 for each in files)


def test_only_the_wanted_number_of_files_is_kept(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"), 10, 2)
    for number in range(50):
        log.write(b"line %03d\n" % number)
    assert written(tmp_path) == [b"line 047\n", b"line 048\n", b"line 049\n"]


def test_a_line_without_end_becomes_several_and_the_files_stay_bounded(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"), 1 << 17, 100)
    for _ in range(40):
        log.write(b"x" * 50_000)
    files = written(tmp_path)
    assert sum(each.count(b"x") for each in files) == 2_000_000
    assert max(map(len, files)) <= (1 << 17) + LINE_MAX
    assert max(len(line) for each in files for line in each.split(b"\n")) <= LINE_MAX


def test_a_new_supervisor_continues_an_unfinished_line(tmp_path: Path) -> None:
    Log(str(tmp_path / "log"), 1000, 2).write(b"half")
    later = Log(str(tmp_path / "log"), 1000, 2)
    later.note("hello")
    assert (tmp_path / "log").read_bytes() == b"half\ntrimaran: hello\n"


FULL = """
import resource, sys
sys.path.insert(0, sys.argv[2])
import supervisor
log = supervisor.Log(sys.argv[1], 1 << 20, 2)
log.write(b"first\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (6, resource.RLIM_INFINITY))
for number in range(5):
    log.write(b"lost one\\nlost two\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.write(b"last\\n")
"""


def test_what_a_full_disk_swallows_is_counted(tmp_path: Path) -> None:
    # A limit of file size stands for the full disk; the real one is among the crash tests.
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    folder = Path(str(supervisor.__file__)).parent
    subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "log"), str(folder)], check=True, timeout=20)
    text = (tmp_path / "log").read_text()
    assert text == "first\n\ntrimaran: 10 lines were dropped here: File too large\nlast\n"


def test_the_tail_reaches_over_rotated_files(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"), 30, 5)
    for number in range(10):
        log.write(b"line %d\n" % number)
    assert control.tail(tmp_path, 7) == tuple(f"line {number}" for number in range(3, 10))
    assert control.tail(tmp_path, 100) == tuple(f"line {number}" for number in range(10))
    assert control.tail(tmp_path, 0) == ()


def test_the_tail_is_fit_for_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\x1b[31mred\xff\n")
    assert control.tail(tmp_path, 1) == ("\ufffd[31mred\ufffd",)


HALF = """
import resource, sys
sys.path.insert(0, sys.argv[2])
import supervisor
supervisor.write_whole(sys.argv[1], b"old")
resource.setrlimit(resource.RLIMIT_FSIZE, (6, resource.RLIM_INFINITY))
try:
    supervisor.write_whole(sys.argv[1], b"much too long")
except OSError as full:
    print(full.strerror)
"""


def test_a_file_that_fits_only_in_part_leaves_the_old_one_whole(tmp_path: Path) -> None:
    folder = Path(str(supervisor.__file__)).parent
    argv = [sys.executable, "-c", HALF, str(tmp_path / "file"), str(folder)]
    done = subprocess.run(argv, check=True, timeout=20, capture_output=True, text=True)
    assert done.stdout == "File too large\n"
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]
