"""What is taken for an archive, what a look gets, and where programs are kept while they are read."""

import io
import os
import random
import tarfile
from pathlib import Path

import pytest
from tests.corpus import images
from tests.corpus.bundles import PROGRAM, TREE, X
from tests.corpus.pack import PACK, ar, deb, tar

from trimaran.binary import File
from trimaran.binary.bundle import files_in, is_bundle, spool
from trimaran.binary.elf import BrokenFileError, Source
from trimaran.binary.linkage import read_file
from trimaran.errors import TrimaranError, fail

BIG = PROGRAM + random.Random(1).randbytes(5 << 20)
LAYOUTS = {case.name: case for case in images.cases() if case.name.endswith(".oci.tar")}


def codes(path: Path) -> list[str]:
    return [result.problems[0].code for result in files_in(str(path)) if isinstance(result, TrimaranError)]


@pytest.mark.parametrize(
    "content", [b"", b"\x7fELF", PROGRAM, ar([("x.o", b"1")]), b"#!/bin/sh\n", bytes(1024), b"PK", b"\x1f"]
)
def test_other_files_are_no_archives(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    assert not is_bundle(str(path))


def test_what_is_no_file_is_no_archive(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "index.json").mkdir()
    (tmp_path / "oci-layout").write_text("{}")
    for path in (tmp_path / "pipe", tmp_path / "nothing", tmp_path, Path("/dev/null"), Path("/dev/tty")):
        assert not is_bundle(str(path))
    assert not is_bundle("a\0b")


def test_what_went_away_is_one_error(tmp_path: Path) -> None:
    assert codes(tmp_path / "gone.deb") == ["TRM0201"]


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_folder_is_read_like_the_archive_of_it(tmp_path: Path, name: str) -> None:
    case, folder = LAYOUTS[name], tmp_path / "layout"
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(case.content)) as archive:
        archive.extractall(folder, filter="data")
    assert is_bundle(str(folder))
    results = list(files_in(str(folder)))
    found = [result.path for result in results if isinstance(result, File)]
    assert found == [f"{folder}{'' if place[0] == '@' else '!'}{place}" for place in case.programs]
    assert [each.problems[0].code for each in results if isinstance(each, TrimaranError)] == list(case.codes)


def test_a_look_gets_each_program_with_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.deb"
    path.write_bytes(deb(tar({**TREE, "./usr/bin/big": BIG}), "zst"))

    def look(name: str, source: Source) -> tuple[str, bytes, bytes]:
        return name, source.at(0, 4), source.at(source.size - 4, 4)

    assert list(files_in(str(path), look)) == [
        (f"{path}!/usr/bin/x", b"\x7fELF", PROGRAM[-4:]),
        (f"{path}!/usr/bin/big", b"\x7fELF", BIG[-4:]),
    ]


@pytest.mark.parametrize("ending", ["gz", ""])
def test_a_look_behind_the_end_is_the_programs_error(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(PACK[ending](tar({"a": PROGRAM, "b": PROGRAM})))

    def look(name: str, source: Source) -> File:
        if name.endswith("/a"):
            source.at(source.size - 1, 2)
        return read_file(name, source)

    first, second = files_in(str(path), look)
    assert isinstance(first, TrimaranError)
    assert first.problems[0].code == "TRM0205"
    assert first.problems[0].where is not None
    assert first.problems[0].where.file == f"{path}!/a"
    assert isinstance(second, File)


def test_what_a_look_raises_is_a_result(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(tar({"a": PROGRAM, "b": PROGRAM}))

    def look(name: str, source: Source) -> str:
        if name.endswith("a"):
            raise BrokenFileError("is broken")
        raise fail("TRM0204", "is nothing")

    results = list(files_in(str(path), look))
    assert [result.problems[0].code for result in results if isinstance(result, TrimaranError)] == [
        "TRM0206",
        "TRM0204",
    ]


def test_without_room_a_big_program_is_an_error_and_a_small_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "_FOLDERS", ())
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nothing"))
    path = tmp_path / "x.tar.gz"
    path.write_bytes(PACK["gz"](tar({"big": BIG, **X})))
    big, small = files_in(str(path))
    assert isinstance(big, TrimaranError)
    assert big.problems[0].code == "TRM0225"
    assert isinstance(small, File)


def test_the_room_is_named_by_tmpdir_and_left_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setenv("TMPDIR", str(room))
    path = tmp_path / "x.tar.gz"
    path.write_bytes(PACK["gz"](tar({"big": BIG})))
    opened = list[str]()

    def look(name: str, source: Source) -> int:
        links = [entry.readlink() for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
        opened.extend(str(link) for link in links if str(link).startswith(str(room)))
        assert list(room.iterdir()) == []
        return source.size

    assert list(files_in(str(path), look)) == [len(BIG)]
    assert len(opened) == 1
    assert opened[0].endswith("(deleted)")
    assert list(room.iterdir()) == []


def test_names_cannot_steer_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(tar({"a\x1b[2J\u202eb": PROGRAM}))
    (result,) = files_in(str(path))
    assert isinstance(result, File)
    assert result.path == f"{path}!/a\ufffd[2J\ufffdb"


def test_a_file_that_shrinks_while_it_is_read_ends_in_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(PACK["gz"](tar({"a": PROGRAM, "big": BIG})))
    results = files_in(str(path))
    assert isinstance(next(results), File)
    os.truncate(path, 700)
    (rest,) = results
    assert isinstance(rest, TrimaranError)
    assert rest.problems[0].code == "TRM0212"
