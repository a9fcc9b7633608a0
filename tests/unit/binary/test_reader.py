"""Files as they come, honest, broken and hostile."""

import os
import socket
import struct
import time
from pathlib import Path

import pytest
from tests.unit.binary.elves import BASE, Elf, inline_buildinfo, note

from trimaran.binary import File, Kind, VersionNeed, inspect_file
from trimaran.binary.elf import BrokenFileError
from trimaran.binary.reader import OpenFile
from trimaran.errors import TrimaranError

CLASSES = [(64, "<"), (64, ">"), (32, "<"), (32, ">")]
RICH = {
    "needed": ("libc.so.6", "libm.so.6"),
    "versions": {"libc.so.6": ("GLIBC_2.2.5", "GLIBC_2.34"), "libm.so.6": ("GLIBC_2.29",)},
    "undefined": ("puts", "exit"),
    "strings": {29: "$ORIGIN/lib:/opt/lib"},
}


def inspect(body: bytes, folder: Path) -> File:
    path = folder / "program"
    path.write_bytes(body)
    return inspect_file(path)


def refused(body: bytes, folder: Path) -> str:
    with pytest.raises(TrimaranError) as error:
        inspect(body, folder)
    (problem,) = error.value.problems
    assert problem.where is not None
    assert problem.fix
    return f"{problem.code} {problem.what}"


@pytest.mark.parametrize(("bits", "order"), CLASSES)
def test_every_class_and_byte_order_reads_the_same(bits: int, order: str, tmp_path: Path) -> None:
    file = inspect(bytes(Elf(bits=bits, order=order, **RICH)), tmp_path)  # type: ignore[arg-type] # a plain dict
    assert file.format == f"elf{bits}"
    assert file.interpreter == "/lib64/ld-linux-x86-64.so.2"
    assert file.needed == ("libc.so.6", "libm.so.6")
    assert file.runpath == ("$ORIGIN/lib", "/opt/lib")
    assert VersionNeed("libm.so.6", "GLIBC_2.29") in file.versions
    assert file.glibc_floor == "2.34"


@pytest.mark.parametrize(
    ("machine", "bits", "order", "name"),
    [
        (62, 64, "<", "x86_64"),
        (62, 32, "<", "x32"),
        (3, 32, "<", "i386"),
        (183, 64, "<", "aarch64"),
        (21, 64, ">", "ppc64"),
        (21, 64, "<", "ppc64le"),
        (22, 64, ">", "s390x"),
        (243, 64, "<", "riscv64"),
        (8, 64, ">", "mips64"),
        (4242, 64, "<", "unknown-4242"),
    ],
)
def test_a_machine_has_the_name_that_uname_gives_it(
    machine: int, bits: int, order: str, name: str, tmp_path: Path
) -> None:
    assert inspect(bytes(Elf(machine=machine, bits=bits, order=order)), tmp_path).machine == name


@pytest.mark.parametrize(
    ("elf", "kind"),
    [
        (Elf(kind=2, interpreter=None), Kind.STATIC),
        (Elf(kind=2), Kind.DYNAMIC),
        (Elf(), Kind.PIE),
        (Elf(interpreter=None, numbers={0x6FFFFFFB: 0x08000000}), Kind.STATIC_PIE),
        (Elf(interpreter=None), Kind.STATIC_PIE),
        (Elf(interpreter=None, needed=("libc.so.6",)), Kind.LIBRARY),
        (Elf(interpreter=None, strings={14: "libx.so.1"}), Kind.LIBRARY),
        # A plug-in that names neither itself nor others gets its symbols from who loads it.
        (Elf(interpreter=None, undefined=("PyThing",)), Kind.LIBRARY),
        (Elf(interpreter=None, undefined=("maybe",), weak=frozenset({"maybe"})), Kind.STATIC_PIE),
        # libc.so.6 can be started, and is a library all the same.
        (Elf(strings={14: "libc.so.6"}), Kind.LIBRARY),
    ],
)
def test_how_a_file_is_started_is_told_by_its_headers(elf: Elf, kind: Kind, tmp_path: Path) -> None:
    assert inspect(bytes(elf), tmp_path).kind is kind


def test_a_weak_version_does_not_count(tmp_path: Path) -> None:
    elf = Elf(versions={"libc.so.6": ("GLIBC_2.4", "GLIBC_2.38")}, weak=frozenset({"GLIBC_2.38"}))
    assert inspect(bytes(elf), tmp_path).glibc_floor == "2.4"


def test_versions_compare_as_numbers(tmp_path: Path) -> None:
    elf = Elf(versions={"libc.so.6": ("GLIBC_2.9", "GLIBC_2.10", "GLIBC_PRIVATE", "GCC_3.0")})
    assert inspect(bytes(elf), tmp_path).glibc_floor == "2.10"


def test_symbols_are_read_only_where_they_decide(tmp_path: Path) -> None:
    musl = Elf(interpreter="/lib/ld-musl-x86_64.so.1", undefined=("puts", "maybe"), weak=frozenset({"maybe"}))
    assert inspect(bytes(musl), tmp_path).undefined == ("puts",)
    assert inspect(bytes(Elf(undefined=("puts",))), tmp_path).undefined is None


@pytest.mark.parametrize(("bits", "order"), CLASSES)
def test_a_file_cut_at_any_byte_is_refused_or_read_and_never_worse(
    bits: int, order: str, tmp_path: Path
) -> None:
    whole = bytes(Elf(bits=bits, order=order, **RICH))  # type: ignore[arg-type] # a plain dict
    seen = set()
    for size in range(len(whole)):
        try:
            inspect(whole[:size], tmp_path)
        except TrimaranError as error:
            seen.add(error.problems[0].code)
    assert seen == {"TRM0203", "TRM0204", "TRM0205"}


def test_a_truncated_file_is_refused_with_the_bytes_that_are_missing(tmp_path: Path) -> None:
    whole = bytes(Elf(**RICH))  # type: ignore[arg-type] # a plain dict
    assert refused(whole[:100], tmp_path).startswith(
        "TRM0205 ends after 100 bytes; its headers name bytes 64 to"
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "TRM0203"),
        (b"\x7fELF", "TRM0205 ends after 4 bytes"),
        (b"#!/bin/sh\necho hello\n", "TRM0204 this is a script"),
        (b"MZ" + bytes(100), "TRM0204 this is a Windows program"),
        (b"\xcf\xfa\xed\xfe" + bytes(100), "TRM0204 this is a macOS program"),
        (b"\xca\xfe\xba\xbe" + bytes(100), "TRM0204 this is a macOS universal program"),
        (b"!<arch>\n" + bytes(100), "TRM0204 this is a static library"),
        (b"\x1f\x8b" + bytes(100), "TRM0204 this is compressed with gzip"),
        (b"hello, world, this is text", "TRM0204 not an ELF file"),
        (b"\x7fELF\x07\x01" + bytes(100), "TRM0206 the ELF header names class 7"),
        (bytes(Elf(kind=1)), "TRM0207 this is an object file"),
        (bytes(Elf(kind=4)), "TRM0207 this is a core dump"),
        (bytes(Elf(kind=77)), "TRM0207 this is an ELF file of type 77"),
    ],
)
def test_what_is_no_program_is_named(body: bytes, said: str, tmp_path: Path) -> None:
    assert refused(body, tmp_path).startswith(said)


def patched(body: bytes, offset: int, layout: str, *values: int) -> bytes:
    out = bytearray(body)
    struct.pack_into(layout, out, offset, *values)
    return bytes(out)


def test_an_enormous_count_of_headers_is_refused(tmp_path: Path) -> None:
    assert "65535 program headers" in refused(patched(bytes(Elf()), 56, "<H", 65535), tmp_path)


def test_program_headers_far_behind_the_end_are_refused(tmp_path: Path) -> None:
    assert refused(patched(bytes(Elf()), 32, "<Q", 1 << 63), tmp_path).startswith("TRM0205")


def test_an_enormous_interpreter_is_refused(tmp_path: Path) -> None:
    whole = bytes(Elf())
    assert "interpreter's name" in refused(patched(whole, 64 + 56 + 32, "<Q", 1 << 40), tmp_path)


def test_a_name_in_no_segment_is_refused(tmp_path: Path) -> None:
    whole = bytes(Elf(needed=("libc.so.6",)))
    at = whole.index(struct.pack("<QQ", 5, BASE)[:8], 200)
    assert "is in no segment" in refused(patched(whole, at + 8, "<Q", 7), tmp_path)


def test_a_name_without_an_end_is_refused(tmp_path: Path) -> None:
    whole = bytes(Elf(needed=("a" * 9000,)))
    assert "has no end within 4096 bytes" in refused(whole, tmp_path)


def test_version_records_that_go_in_circles_end(tmp_path: Path) -> None:
    whole = bytes(Elf(versions={"libc.so.6": ("GLIBC_2.34",), "libm.so.6": ("GLIBC_2.29",)}))
    # The first record: 65535 versions, each of which says that the next is itself or close by.
    at = whole.index(
        struct.pack("<HH", 1, 1) + whole[whole.index(struct.pack("<HH", 1, 1), 120) + 4 :][:4], 120
    )
    looping = patched(patched(whole, at + 2, "<H", 65535), at + 16 + 12, "<I", 1)
    started = time.perf_counter()
    assert refused(looping, tmp_path).startswith(("TRM0205", "TRM0206"))
    assert time.perf_counter() - started < 2


def test_names_from_a_file_cannot_break_the_text(tmp_path: Path) -> None:
    elf = Elf(interpreter="/lib/\x1b[31mred")
    assert inspect(bytes(elf), tmp_path).interpreter == "/lib/\x1b[31mred"


def test_what_is_not_a_regular_file_is_not_opened(tmp_path: Path) -> None:
    pipe, folder, link = tmp_path / "pipe", tmp_path / "folder", tmp_path / "link"
    os.mkfifo(pipe)
    folder.mkdir()
    link.symlink_to(pipe)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for path, kind in (
            (pipe, "a named pipe"),
            (link, "a named pipe"),
            (folder, "a directory"),
            (Path("/dev/null"), "a device"),
            (tmp_path / "socket", "a socket"),
        ):
            with pytest.raises(TrimaranError, match=f"TRM0202: this is {kind}"):
                inspect_file(path)


@pytest.mark.parametrize("name", ["nowhere/program", "a\0b", "x" * 5000])
def test_what_cannot_be_opened_is_one_clear_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(TrimaranError, match="TRM0201"):
        inspect_file(os.fspath(tmp_path) + "/" + name)


def test_a_loop_of_links_is_one_clear_error(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(TrimaranError, match="TRM0201: cannot read it: Too many levels"):
        inspect_file(loop)


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(bytes(Elf())[:90])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with pytest.raises(TrimaranError):
            inspect_file(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(bytes(Elf()))
    with path.open("rb") as file:
        source = OpenFile(file.fileno(), 1_000_000)
        with pytest.raises(BrokenFileError, match="became shorter") as error:
            source.at(0, 900_000)
    assert error.value.truncated


def test_a_file_of_which_nobody_may_read_is_one_clear_error(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        # Root may read everything but what the kernel refuses to all.
        with pytest.raises(TrimaranError, match=r"TRM020[1-4]"):
            inspect_file("/proc/self/mem")
        return
    path = tmp_path / "program"
    path.write_bytes(bytes(Elf()))
    path.chmod(0)
    with pytest.raises(TrimaranError, match="TRM0201: cannot read it: Permission denied"):
        inspect_file(path)


@pytest.mark.parametrize(("kind", "machine", "chooses"), [(37, 62, True), (8, 62, False), (37, 183, False)])
@pytest.mark.parametrize(("start", "size"), [(7, 8), (23, 2)])
def test_the_last_relocation_tells_whether_functions_are_chosen(
    kind: int, machine: int, chooses: bool, start: int, size: int, tmp_path: Path
) -> None:
    rows = struct.pack("<QQq", 1, 8, 1) + struct.pack("<QQq", 2, kind, 2)
    elf = Elf(interpreter=None, machine=machine, strings={14: "libx.so.1"}, buildinfo=rows)
    elf.numbers = {start: 0, size: len(rows)}
    elf.numbers[start] = BASE + bytes(elf).index(rows)
    assert inspect(bytes(elf), tmp_path).ifunc is chooses
    # A table that is nowhere is the loader's matter.
    elf.numbers[start] = 16
    assert not inspect(bytes(elf), tmp_path).ifunc


def test_debug_information_without_its_program_is_told_so(tmp_path: Path) -> None:
    body = bytearray(bytes(Elf(interpreter=None, needed=("libc.so.6",))))
    dynamic = 64 + 56  # the second program header
    assert struct.unpack_from("<I", body, dynamic) == (2,)
    struct.pack_into("<Q", body, dynamic + 32, 0)
    with pytest.raises(TrimaranError, match="debug information") as caught:
        inspect(bytes(body), tmp_path)
    assert "TRM0207" in str(caught.value)


@pytest.mark.parametrize(
    ("elf", "system"),
    [
        (Elf(kind=2, interpreter=None, notes=note(b"FreeBSD\0", 1, bytes(4))), "FreeBSD"),
        (Elf(kind=2, interpreter=None, order=">", notes=note(b"NetBSD\0", 1, bytes(4), ">")), "NetBSD"),
        (Elf(interpreter="/usr/libexec/ld.so", notes=note(b"OpenBSD\0", 1, bytes(4))), "OpenBSD"),
        (Elf(interpreter="/system/bin/linker64", needed=("libc.so",)), "Android"),
        (Elf(interpreter="/lib/ld.so", notes=note(b"GNU\0", 1, bytes([1] + 15 * [0]))), "GNU Hurd"),
        (
            Elf(kind=2, interpreter=None, buildinfo=inline_buildinfo("go1.26.8", "build\tGOOS=dragonfly\n")),
            "DragonFly BSD",
        ),
    ],
)
def test_a_program_for_another_system_is_refused_by_that_systems_name(
    elf: Elf, system: str, tmp_path: Path
) -> None:
    assert refused(bytes(elf), tmp_path) == f"TRM0207 this is a program for {system}"


def test_the_headers_own_byte_for_the_system_decides_for_libraries_alone(tmp_path: Path) -> None:
    linux = note(b"GNU\0", 1, struct.pack("<4I", 0, 3, 2, 0))
    for elf in (Elf(kind=2, interpreter=None, notes=linux), Elf(kind=2, interpreter=None), Elf()):
        body = bytearray(bytes(elf))
        body[7] = 9  # FreeBSD's number; Linux does not look at it
        assert inspect(bytes(body), tmp_path).kind is not Kind.LIBRARY
    body = bytearray(bytes(Elf(interpreter=None, needed=("libc.so.6",))))
    body[7] = 9  # glibc does: "ELF file OS ABI invalid"
    assert refused(bytes(body), tmp_path) == "TRM0207 this is a shared library for FreeBSD"
