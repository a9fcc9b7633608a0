"""What may be unpacked, and how deviations are named."""

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.toolchain import archive
from trimaran.toolchain.archive import Deviation, Kind, Member, dangers, deviations

P = "m@v/"


def test_ordinary_members_are_safe() -> None:
    assert dangers([Member(f"{P}bin/go", 5, mode=0o100755), Member(f"{P}src/a.go", 5)], P) == []


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "other/x",
        P,
        f"{P}../x",
        f"{P}a/../../x",
        f"{P}a//b",
        f"{P}./a",
        f"{P}/a",
        f"{P}a\\b",
        f"{P}c:x",
        f"{P}a\nb",
        f"{P}a\0b",
    ],
)
def test_a_name_that_leaves_the_folder_is_refused(name: str) -> None:
    assert dangers([Member(name, 1)], P)


@given(st.text(st.sampled_from("ab./\\:\0\n"), max_size=12))
def test_no_accepted_name_leaves_the_folder(name: str) -> None:
    if not dangers([Member(P + name, 1)], P):
        landed = posixpath.normpath(posixpath.join("/base", name))
        assert landed.startswith("/base/")
        assert landed == f"/base/{name}"


@pytest.mark.parametrize("mode", [0o120777, 0o020644, 0o060644, 0o010644, 0o040755, 0o140777])
def test_what_is_no_plain_file_is_refused(mode: int) -> None:
    assert dangers([Member(f"{P}a", 1, mode=mode)], P) == [f"{P}a: it is not a plain file"]


@pytest.mark.parametrize(
    ("first", "second"), [("a", "a"), ("A.go", "a.go"), ("a/b", "a"), ("a", "A/b"), ("x/STRASSE", "x/straße")]
)
def test_two_members_that_would_be_one_file_are_refused(first: str, second: str) -> None:
    assert dangers([Member(P + first, 1), Member(P + second, 1)], P)


def test_what_is_too_much_is_refused_without_unpacking() -> None:
    assert "not plausible" in dangers([Member(f"{P}a", 3 << 30)], P)[0]
    assert "not plausible" in dangers([Member(f"{P}{at}", 1) for at in range(60_001)], P)[0]


def test_encrypted_and_strangely_packed_members_are_refused() -> None:
    assert dangers([Member(f"{P}a", 1, encrypted=True)], P)
    assert dangers([Member(f"{P}a", 1, method=14)], P)


def test_go_mod_files_have_another_name_in_the_zip() -> None:
    assert archive.installed_name("src/_go.mod") == "src/go.mod"
    assert archive.member_name("src/cmd/go.mod") == "src/cmd/_go.mod"
    assert archive.installed_name("my_go.mod") == "my_go.mod"


def test_the_files_that_go_runs_are_programs_and_no_others() -> None:
    for name in ("bin/go", "pkg/tool/linux_amd64/link", "lib/wasm/go_js_wasm_exec"):
        assert archive.is_program(name)
    for name in ("src/all.bash", "lib/time/zoneinfo.zip", "src/bin/go", "VERSION"):
        assert not archive.is_program(name)


def test_every_deviation_is_named_and_excused_documents_are_not() -> None:
    seen = {"a": 1, "b": 2, "new.go": 9}
    published = {"a": 1, "b": 3, "gone.go": 4, "LICENSE": 5}
    assert deviations(seen, published, ["LICENSE"]) == (
        Deviation("b", Kind.CHANGED),
        Deviation("gone.go", Kind.MISSING),
        Deviation("new.go", Kind.ADDED),
    )


def test_only_pythons_own_additions_are_left_out() -> None:
    names = frozenset({"lib/x.py", "__init__.py"})
    assert archive.uncovered("__init__.py", names, from_wheel=True)
    assert archive.uncovered("lib/__pycache__/x.cpython-311.pyc", names, from_wheel=True)
    assert archive.uncovered("misc/ios/detect.go", names, from_wheel=True)
    for name in (
        "src/fmt/extra.go",
        "lib/__pycache__/y.cpython-311.pyc",
        "lib/__init__.py",
        "src/misc/a.go",
        "lib/__pycache__/x.go",
    ):
        assert not archive.uncovered(name, names, from_wheel=True)
    assert not archive.uncovered("__init__.py", names, from_wheel=False)
