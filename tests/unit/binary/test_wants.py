"""What is concluded from what was seen in a file, and from files in which nothing can be trusted."""

import struct
from pathlib import Path

import pytest
from tests.unit.binary.elves import Elf, inline_buildinfo

from trimaran.binary import File, GoBuild, Kind
from trimaran.binary.reader import look_at
from trimaran.binary.wants import Asks, Confidence, Seen, Want, c_wants, go_wants
from trimaran.binary.wantsread import look

STATIC = File("static", "elf64", "x86_64", Kind.STATIC, go=GoBuild("go1.26.8"))
DYNAMIC = File("dynamic", "elf64", "x86_64", Kind.PIE, "/lib64/ld-linux-x86-64.so.2", ("libc.so.6",))


def told(found: tuple[Want, ...]) -> dict[str, str]:
    assert all(want.evidence for want in found)
    return {want.asks.value: want.confidence.value for want in found}


@pytest.mark.parametrize(
    ("functions", "wanted"),
    [
        (set(), {}),
        ({"os/exec.Command"}, {"program": "likely"}),
        ({"syscall.Exec"}, {"program": "likely"}),
        ({"crypto/x509.loadSystemRoots"}, {"certificates": "possible"}),
        ({"crypto/x509.loadSystemRoots", "crypto/tls.Dial"}, {"certificates": "likely"}),
        (
            {"crypto/x509.loadSystemRoots", "crypto/tls.Dial", "crypto/x509.SetFallbackRoots"},
            {"certificates": "possible"},
        ),
        ({"time.LoadLocation"}, {"time-zones": "likely"}),
        ({"time.LoadLocation", "time/tzdata.loadFromEmbeddedTZData"}, {}),
        ({"net._C_getaddrinfo"}, {"name-service": "likely"}),
        ({"os/user._C_getpwnam_r"}, {"name-service": "likely"}),
        ({"plugin.Open"}, {"library": "likely"}),
    ],
)
def test_functions_of_go_tell_what_may_be_asked_for(functions: set[str], wanted: dict[str, str]) -> None:
    assert told(go_wants(STATIC, Seen(frozenset(functions)))) == wanted


def test_a_program_whose_name_stands_in_the_call_is_certain() -> None:
    (want,) = go_wants(STATIC, Seen(frozenset({"os/exec.Command"}), programs=("git",)))
    assert (want.asks, want.confidence, want.names) == (Asks.PROGRAM, Confidence.CERTAIN, ("git",))


def test_a_static_glibc_is_said_to_load_modules_of_its_own_release() -> None:
    seen = Seen(frozenset({"net._C_getaddrinfo"}), texts=frozenset({"libnss_"}))
    (want,) = go_wants(STATIC, seen)
    assert "its own release" in want.note
    (alone,) = c_wants(STATIC, Seen(texts=frozenset({"libnss_"})))
    assert alone.asks is Asks.NAME_SERVICE
    # A dynamic program gets the modules of the system that it runs on.
    assert c_wants(DYNAMIC, Seen(texts=frozenset({"libnss_"}))) == ()


@pytest.mark.parametrize(
    ("symbols", "wanted"),
    [
        ({"execvp"}, {"program": "likely"}),
        ({"SSL_CTX_set_default_verify_paths"}, {"certificates": "likely"}),
        ({"localtime_r"}, {"time-zones": "possible"}),
        ({"getaddrinfo", "getpwnam"}, {"name-service": "likely"}),
        ({"dlopen"}, {"library": "likely"}),
        (set(), {}),
    ],
)
def test_symbols_tell_of_other_programs(symbols: set[str], wanted: dict[str, str]) -> None:
    assert told(c_wants(DYNAMIC, Seen(symbols=frozenset(symbols)))) == wanted


def test_the_shell_is_named_where_a_function_always_starts_it() -> None:
    (want,) = c_wants(DYNAMIC, Seen(symbols=frozenset({"system"})))
    assert want.names == ("/bin/sh",)
    (other,) = c_wants(DYNAMIC, Seen(symbols=frozenset({"execve"})))
    assert other.names == ()


def test_a_real_symbol_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(bytes(Elf(needed=("libc.so.6",), undefined=("dlopen", "puts"))))
    file, wants = look_at(path, look)
    assert file.kind is Kind.PIE
    assert told(wants) == {"library": "likely"}
    path.write_bytes(bytes(Elf(needed=("libc.so.6",), undefined=("puts",))))
    assert look_at(path, look)[1] == ()


def _table(linked: tuple[bytes, ...], **wrong: int) -> bytes:
    text = b"\0".join((b"", *linked, b""))
    words = {"functions": 0, "files": 0, "text": 0, "names": 72, "units": 72 + len(text)} | wrong
    after = [words["units"]] * 3
    head = struct.pack("<IHBB8Q", 0xFFFFFFF1, 0, 1, 8, *words.values(), *after)
    return head + text + bytes(64)


def _go(tmp_path: Path, table: bytes) -> Path:
    path = tmp_path / "go"
    build = inline_buildinfo("go1.26.8", "path\tx\nbuild\tCGO_ENABLED=0\n")
    path.write_bytes(bytes(Elf(kind=2, interpreter=None, buildinfo=build.ljust(256, b"\0") + table)))
    return path


def test_the_table_of_functions_is_found_without_section_headers(tmp_path: Path) -> None:
    path = _go(tmp_path, _table((b"main.main", b"os/exec.Command", b"time.LoadLocation")))
    assert told(look_at(path, look)[1]) == {"program": "likely", "time-zones": "likely"}


def test_a_name_that_is_only_part_of_another_does_not_count(tmp_path: Path) -> None:
    path = _go(tmp_path, _table((b"main.main", b"os/exec.CommandX", b"xos/exec.Command")))
    assert look_at(path, look)[1] == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"names": 1 << 62},
        {"names": 0, "units": 0},
        {"units": (1 << 64) - 1},
        {"names": 500, "units": 10},
        {"functions": 1 << 60},
    ],
)
def test_a_table_that_lies_is_no_evidence_and_no_error(tmp_path: Path, wrong: dict[str, int]) -> None:
    path = _go(tmp_path, _table((b"main.main", b"time.LoadLocation"), **wrong))
    file, wants = look_at(path, look)
    assert file.go is not None
    assert set(told(wants)) <= {"time-zones"}
