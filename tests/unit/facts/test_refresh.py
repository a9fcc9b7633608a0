"""The pure parts of `python -m tools.facts`."""

import pytest
from tools.facts import abilists, glibc, packages, texts, toolchain
from tools.facts.debian import libraries
from tools.facts.toml import changed

SYMBOLS = """\
libc.so.6 libc6 #MINVER#
| libc6 (>> 2.36), libc6 (<< 2.37)
* Build-Depends-Package: libc6-dev
 GLIBC_2.34@GLIBC_2.34 2.34
 GLIBC_PRIVATE@GLIBC_PRIVATE 0 1
 __private@GLIBC_PRIVATE 0 1
 memcpy@GLIBC_2.14 2.14
 memcpy@GLIBC_2.2.5 2.2.5
libdl.so.2 libc6 #MINVER#
 __libdl_version_placeholder@GLIBC_2.2.5 2.2.5
"""


def test_a_symbols_file_tells_libraries_symbols_and_versions() -> None:
    assert glibc.debian(SYMBOLS) == {"libc.so.6": {"memcpy": {"2.14", "2.2.5"}}}


def test_versions_are_written_oldest_first_and_by_machine() -> None:
    found = glibc.rendered(
        {"x86_64": {"libc.so.6": {"memcpy": {"2.14", "2.2.5"}, "iopl": {"2.2.5"}}},
         "aarch64": {"libc.so.6": {"memcpy": {"2.17"}}}},
        "2.36", "0.17.0", "2026-11-23",
    )  # fmt: skip
    assert found.splitlines()[-2:] == ["libc.so.6 2.2.5 - iopl", "libc.so.6 2.2.5,2.14 2.17 memcpy"]
    assert "up to glibc 2.17" in found


def made(*inclusions: bytes, objects: tuple[bytes, ...] = ()) -> bytes:
    """A list as zig has it: one library, versions 2.2.5 and 2.34, x86_64 and aarch64."""
    head = b"\x01c\0" + b"\x02\x02\x02\x05\x02\x22\x00" + b"\x02x86_64-linux-gnu\0aarch64-linux-gnu\0"
    return (
        head
        + len(inclusions).to_bytes(2, "little") + b"".join(inclusions)
        + len(objects).to_bytes(2, "little") + b"".join(objects)
    )  # fmt: skip


def test_zigs_list_is_read_to_its_end() -> None:
    # A name stands once, before all that is said of it; 0x80 marks what is the last.
    image = made(b"dlopen\0\x01\x00\x00\x81", b"\x02\x80\x81", objects=(b"environ\0\x03\x08\x80\x80",))
    found = abilists.machines(image)
    assert found["x86_64"] == {"libc.so.6": {"dlopen": {"2.2.5", "2.34"}, "environ": {"2.2.5"}}}
    assert found["aarch64"] == {"libc.so.6": {"dlopen": {"2.34"}, "environ": {"2.2.5"}}}


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_a_list_that_is_cut_or_too_long_is_refused(cut: int) -> None:
    image = made(b"dlopen\0\x01\x80\x81", b"x\0\x01\x80\x81") + b"\0\0"
    assert abilists.machines(image)
    for wrong in (image[:-cut] if cut > 2 else image[:-3], image + b"\x01"):
        with pytest.raises((ValueError, IndexError)):
            abilists.machines(wrong)


def test_a_key_is_changed_and_nothing_else() -> None:
    text = '# why\n["a"]\nx = 1\nchecked = 2020-01-01\n\n["b"]\nx = 1 # kept\nchecked = 2020-01-01\n'
    assert changed(text, '["a"]', "x", "1", "2026-01-01") == text
    new = changed(text, '["a"]', "x", "2", "2026-01-01")
    assert new == text.replace("x = 1\n", "x = 2\n").replace("2020", "2026", 1)
    with pytest.raises(KeyError):
        changed(text, '["c"]', "x", "2", "2026-01-01")
    with pytest.raises(KeyError):
        changed(text, '["a"]', "y", "2", "2026-01-01")


def test_only_the_day_is_no_difference() -> None:
    old = texts.rendered("What", "measured", "2020-01-01", [("a", "b")])
    assert texts.dated(old.replace("2020", "2026"), old) == old
    new = texts.rendered("What", "measured", "2026-01-01", [("a", "c")])
    assert texts.dated(new, old) == new


def test_a_library_is_asked_for_by_the_name_of_its_link() -> None:
    row = "-rw-r--r-- root/root 1 2022-01-01 10:00 ./"
    link = "lrwxrwxrwx root/root 0 2022-01-01 10:00 ./"
    assert libraries(
        [
            f"{row}lib/x86_64-linux-gnu/libz.so.1.2.13",
            f"{link}lib/x86_64-linux-gnu/libz.so.1 -> libz.so.1.2.13",
            f"{row}usr/lib/x86_64-linux-gnu/libc.so.6",
            f"{row}usr/lib/x86_64-linux-gnu/gconv/UTF-16.so",
            f"{row}usr/share/doc/libz.so.1",
        ]
    ) == {"libz.so.1", "libc.so.6"}


def test_the_same_row_of_two_releases_stands_once() -> None:
    row = packages.Row("libz.so.1", "zlib1g", "zlib1g-dev", ("zlib",))
    assert packages.grouped({"debian-11": [row], "debian-12": [row]}) == {row: ["debian-11", "debian-12"]}


def test_the_levels_are_the_bits_that_go_tests() -> None:
    source = (
        "#define V2_FEATURES_CX (1 << 0 | 1 << 23)\n#define V2_EXT_FEATURES_CX (1 << 0)\n"
        "#define V3_EXT_FEATURES_BX (1 << 5)\n#define V3_OS_SUPPORT_AX (1 << 1 | 1 << 2)\n"
    )
    assert toolchain.asked(source) == {2: ["lahf_lm", "pni", "popcnt"], 3: ["avx2"]}
