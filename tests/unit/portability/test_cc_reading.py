"""What compilers print when something is missing, read into its name."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.cli.main import _run
from trimaran.portability import cc_packages, cc_report
from trimaran.portability.cc_bench import variables
from trimaran.portability.cc_model import Check, Examination, Linked, State, Target
from trimaran.portability.cc_reading import Lack, lack, machine, shown, words


# Printed by gcc 12 with GNU ld 2.40 and by Zig 0.17; the wording of clang and lld is Zig's.
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.c:1:10: fatal error: stdlib.h: No such file or directory", Lack("headers", "stdlib.h")),
        ("a.c:1:10: fatal error: 'errno.h' file not found", Lack("headers", "errno.h")),
        (
            "a.c:1:20: error: no include path in which to search for stdlib.h",
            Lack("headers", "stdlib.h"),
        ),
        ("x.c:1:10: fatal error: linux/errno.h: No such file", Lack("kernel-headers", "linux/errno.h")),
        ("/usr/bin/ld: cannot find crt1.o: No such file or directory", Lack("startup", "crt1.o")),
        ("ld: cannot find /usr/lib/Scrt1.o: No such file", Lack("startup", "Scrt1.o")),
        ("/usr/bin/ld: cannot find -lnope: No such file or directory", Lack("library", "nope")),
        ("/usr/bin/ld: cannot find -lc", Lack("library", "c")),
        (
            'error: unable to find dynamic system library "nope" using strategy paths_first.',
            Lack("library", "nope"),
        ),
        ("/usr/bin/ld: cannot find /lib/libc.so.6 inside /sys", Lack("library", "/lib/libc.so.6")),
        ("collect2: fatal error: cannot find 'ld'", Lack("linker", "ld")),
        ("ld: a.o: Relocations in generic ELF (EM: 183)", Lack("machine")),
        ("something else", Lack("other")),
        ("", Lack("other")),
    ],
)
def test_what_is_missing_has_a_name(text: str, found: Lack) -> None:
    assert lack(text) == found


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("gcc", ["gcc"]),
        ("  gcc   -m32 ", ["gcc", "-m32"]),
        ("'/my tools/zig' cc -target x", ["/my tools/zig", "cc", "-target", "x"]),
        ('"a b"', ["a b"]),
        ("", []),
    ],
)
def test_cc_is_read_as_go_reads_it(text: str, command: list[str]) -> None:
    assert words(text) == command


@pytest.mark.parametrize("text", ['"gcc', "gcc 'x"])
def test_a_quotation_without_an_end_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="unterminated"):
        words(text)


@given(st.text(max_size=200))
def test_no_text_ends_in_another_exception(text: str) -> None:
    lack(text)
    shown(text)
    try:
        words(text)
    except ValueError:
        return


def test_an_object_file_tells_its_machine() -> None:
    start = b"\x7fELF\x02\x01" + bytes(10) + b"\x01\x00"
    assert machine(start + b"\xb7\x00") == "aarch64"
    assert machine(start + b"\x3e\x00") == "x86_64"
    assert machine(start + b"\xff\xff") == "unknown-65535"
    assert machine(b"\x7fELF\x02\x02" + bytes(10) + b"\x00\x01\x00\x16") == "s390x"
    assert machine(b"int main") == ""
    assert machine(b"") == ""


def test_a_missing_part_has_a_package_on_each_family() -> None:
    assert cc_packages.brings("headers", "amd64", native=True) == {
        "debian": "libc6-dev", "rhel": "glibc-devel", "alpine": "musl-dev",
    }  # fmt: skip
    assert cc_packages.brings("startup", "arm64", native=False) == {"debian": "libc6-dev-arm64-cross"}
    assert cc_packages.brings("compiler", "arm64", native=False) == {"debian": "gcc-aarch64-linux-gnu"}
    assert cc_packages.brings("nonsense", "arm64", native=False) == {}
    assert cc_packages.install({"debian": "gcc", "alpine": "gcc"}, "alpine") == "apk add gcc"
    assert cc_packages.install({"debian": "gcc"}, "") == "gcc on debian"


@pytest.mark.parametrize(
    ("identity", "like", "family"),
    [
        ("debian", "", "debian"),
        ("ubuntu-22.04", "", "debian"),
        ("rocky", "rhel centos fedora", "rhel"),
        ("amazon-2023", "", "rhel"),
        ("alpine-3.23", "", "alpine"),
        ("nixos", "", ""),
    ],
)
def test_a_distribution_belongs_to_a_family(identity: str, like: str, family: str) -> None:
    assert cc_packages.family(identity, like) == family


def test_a_variable_that_nobody_reads_is_named() -> None:
    given_there = {"CC_x86_64_redhat_linux": "gcc", "CC": "gcc", "CC_FOR_linux_arm64": "x", "HOME": os.sep}
    assert variables(given_there) == ("CC_FOR_linux_arm64", "CC_x86_64_redhat_linux")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--for", "linux/plan9"],
        ["--for", "windows/amd64"],
        ["--for", "debain-12"],
        ["--for", "../../etc/passwd"],
        ["--for", "\x1b[2J"],
        ["--for", "linux/arm64", "--compare", "gcc", "clang"],
    ],
)
def test_a_target_that_is_none_is_refused(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert _run(["cc", "doctor", *arguments]) == 2
    said = capsys.readouterr().err
    assert "error[TRM1380]" in said
    assert "\x1b" not in said


def test_two_toolchains_stand_side_by_side_and_differences_are_marked() -> None:
    def made(name: str, floor: str) -> Examination:
        linked = Linked("x86_64", "pie", "glibc", floor, "partial")
        good = (Check("probe", State.GOOD, "builds"), Check("run", State.GOOD, "runs"))
        return Examination(Target(name, "linux/amd64"), good, name, "v1", "t", "", linked, linked)

    lines = list(cc_report.compared((made("gcc", "2.34"), made("zig cc " + "x" * 90, "2.17")), 80))
    assert max(len(line) for line in lines) <= 80
    marked = {line[2:].split()[0] for line in lines if line.startswith("≠")}
    assert marked == {"compiler", "needs"}
