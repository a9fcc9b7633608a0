"""What compilers print of their own dry run."""

from trimaran.portability.predict_linker import (
    asked_archives,
    asked_folders,
    asked_libraries,
    read,
    script_files,
)

GCC = """Using built-in specs.
COLLECT_GCC=gcc
COLLECT_GCC_OPTIONS='-no-pie' '-mtune=generic'
 /usr/lib/gcc/x86_64-linux-gnu/12/collect2 "-plugin-opt=-pass-through=-lgcc" \
-dynamic-linker /lib64/ld-linux-x86-64.so.2 -o a.out /usr/lib/x86_64-linux-gnu/crt1.o \
/usr/lib/x86_64-linux-gnu/crti.o /usr/lib/gcc/12/crtbegin.o -L/usr/lib/gcc/12 -L/usr/lib/x86_64-linux-gnu \
trimaran-stand-in.o -lgcc --push-state --as-needed -lgcc_s --pop-state -lc -lgcc /usr/lib/gcc/12/crtend.o
COLLECT_GCC_OPTIONS='-no-pie' '-dumpdir' 'a.'
"""
CLANG = """clang version 14
 "/usr/bin/ld" "-pie" "--dynamic-linker" "/lib/ld-musl-x86_64.so.1" "-o" "a.out" "/usr/lib/musl lib/Scrt1.o" \
"-L/usr/lib/musl lib" "trimaran-stand-in.o" "-lc"
"""


def test_gccs_line_has_interpreter_startup_files_and_libraries() -> None:
    line = read(GCC)
    assert line is not None
    assert line.interpreter == "/lib64/ld-linux-x86-64.so.2"
    assert [path.rpartition("/")[2] for path in line.startup] == [
        "crt1.o",
        "crti.o",
        "crtbegin.o",
        "crtend.o",
    ]
    assert line.folders == ("/usr/lib/gcc/12", "/usr/lib/x86_64-linux-gnu")
    assert line.libraries == ("gcc", "gcc_s", "c")


def test_clangs_quoted_line_is_read_as_well() -> None:
    line = read(CLANG)
    assert line is not None
    assert line.interpreter == "/lib/ld-musl-x86_64.so.1"
    assert line.startup == ("/usr/lib/musl lib/Scrt1.o",)


def test_a_compiler_that_does_not_tell_is_no_line() -> None:
    assert read("error: unknown option -###") is None
    assert read("ld -o 'trimaran-stand-in.o") is None
    assert read("") is None


def test_a_linker_script_names_its_files() -> None:
    script = """/* GNU ld script
   Use the shared library */
OUTPUT_FORMAT(elf64-x86-64)
GROUP ( /lib/libc.so.6 /usr/lib/libc_nonshared.a  AS_NEEDED ( /lib64/ld-linux-x86-64.so.2 ) )
"""
    assert script_files(script) == ("/lib/libc.so.6", "/usr/lib/libc_nonshared.a")
    assert script_files("INPUT(-lncursesw, libtinfo.so)") == ("-lncursesw", "libtinfo.so")
    assert script_files("GROUP (" * 10_000) == ()


def test_flags_tell_libraries_folders_and_archives() -> None:
    flags = ["-lz", "-L/opt/x", "/m/lib/libfoo.a", "-Wl,-rpath,/x", "-lz", "-l:libbar.a"]
    assert asked_libraries(flags) == ("z", ":libbar.a")
    assert asked_folders(flags) == ("/opt/x",)
    assert asked_archives(flags) == ("/m/lib/libfoo.a",)
