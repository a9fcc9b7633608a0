"""Archives and Go's directives in them, whole and damaged."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.portability.blame_objects import Bytes, ar, go_object, obj

from trimaran.binary.elf import BrokenFileError
from trimaran.portability.blame_archive import Import, directives, imports, members

PACKAGE = ar(
    {"__.PKGDEF": b"go object\n", "_go_.o": go_object('[["cgo_ldflag","-ldl"]]'), "_x001.o": obj(["open"])}
)


def names(body: bytes) -> list[str]:
    return [member.name for member in members(Bytes(body))]


def test_the_files_of_an_archive_have_their_names_and_bytes() -> None:
    assert names(PACKAGE) == ["__.PKGDEF", "_go_.o", "_x001.o"]
    last = list(members(Bytes(PACKAGE)))[-1]
    assert last.source.at(0, last.source.size) == obj(["open"])


def test_long_names_stand_in_a_table_and_bsds_in_front_of_the_file() -> None:
    assert names(ar({"a-very-long-name-of-a-file.o": b"abc", "short.o": b"de"})) == [
        "a-very-long-name-of-a-file.o",
        "short.o",
    ]
    bsd = b"!<arch>\n" + f"{'#1/8':<16}{0:<12}{0:<6}{0:<6}{'644':<8}{11:<10}`\n".encode() + b"name.o\0\0abc\n"
    found = list(members(Bytes(bsd)))
    assert found[0].name == "name.o"
    assert found[0].source.at(0, 3) == b"abc"


@pytest.mark.parametrize(
    "body",
    [b"", b"!<thin>\n", b"\x7fELF", PACKAGE[:90], PACKAGE.replace(b"`\n", b"??"), b"!<arch>\n" + b"x" * 60],
    ids=["empty", "thin", "another", "cut", "marks", "header"],
)
def test_what_is_no_archive_is_one_error(body: bytes) -> None:
    with pytest.raises(BrokenFileError):
        list(members(Bytes(body)))


def test_directives_name_symbols_with_and_without_versions() -> None:
    told = [
        ["cgo_import_dynamic", "free", "free#GLIBC_2.2.5", "libc.so.6"],
        ["cgo_import_dynamic", "purego_dlopen", "dlopen", "libdl.so.2"],
        ["cgo_import_dynamic", "_", "_", "libc.so.6"],
        ["cgo_import_static", "x_cgo_init"],
    ]
    found = directives(Bytes(go_object(json.dumps(told))))
    assert imports(found) == (
        Import("free", "free", "libc.so.6"),
        Import("purego_dlopen", "dlopen", "libdl.so.2"),
    )


def test_a_package_without_cgo_has_no_directives() -> None:
    assert directives(Bytes(go_object(""))) == ()
    assert directives(Bytes(b"")) == ()
    # What stands in the code behind the text is no directive.
    assert directives(Bytes(go_object("") + b"\n$$  // cgo\n[]\n\n$$")) == ()


@pytest.mark.parametrize("told", ["{", "7", '[["a"]', "[" * 100_000, "[" + '"x",' * 70_000 + '"x"]'])
def test_directives_that_are_none_are_one_error(told: str) -> None:
    with pytest.raises(BrokenFileError):
        directives(Bytes(go_object(told)))


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, len(PACKAGE) - 1), st.integers(0, 255)), max_size=8),
    st.integers(0, 3000),
)
def test_any_bytes_give_files_or_one_error(changes: list[tuple[int, int]], end: int) -> None:
    body = bytearray(PACKAGE)
    for at, value in changes:
        body[at] = value
    try:
        for member in members(Bytes(bytes(body[:end]))):
            imports(directives(member.source))
    except BrokenFileError:
        pass
