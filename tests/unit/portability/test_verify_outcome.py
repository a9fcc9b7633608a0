"""What a run shows, from how it ended and what was printed: the texts are those of real runs."""

from dataclasses import replace

import pytest

from trimaran.binary import Basis, File, GoBuild, Kind, Module, Outcome, Rule, Verdict
from trimaran.facts import stubs
from trimaran.portability.outcome import Seen, judge, judge_load, loader_says, nobody_loads
from trimaran.portability.verify_agree import Agreement, compare, proven
from trimaran.rootfs.sandbox_ended import Ended
from trimaran.rootfs.sandbox_plan import Stop

FILE = File(
    path="x", format="elf64", machine="x86_64", kind=Kind.PIE, interpreter="/lib64/ld-linux-x86-64.so.2",
    needed=("libc.so.6",),
)  # fmt: skip
STATIC = replace(FILE, kind=Kind.STATIC, interpreter=None, needed=(), name_services=True)
DONE = Ended(None, 0, None, None, "", "", None, 0.01)
RUNS, FAILS, UNKNOWN = Outcome.RUNS, Outcome.FAILS, Outcome.UNKNOWN


def go(*modules: str, cgo: str = "0") -> File:
    build = GoBuild(
        version="go1.26.8", package="x", main=None,
        modules=tuple(Module(path, "v1.0.0") for path in modules), settings=(("CGO_ENABLED", cgo),),
    )  # fmt: skip
    return replace(FILE, go=build)


def ended(errors: str = "", status: int | None = 1, **more: object) -> Ended:
    return replace(DONE, status=status, errors=errors, output=errors, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (
            "x: error while loading shared libraries: libz.so.1: cannot open shared object file: No such",
            Rule.LIBRARY,
        ),
        ("Error loading shared library libz.so.1: No such file or directory (needed by x)", Rule.LIBRARY),
        ("x: /lib/libc.so.6: version `GLIBC_2.34' not found (required by x)", Rule.SYMBOL_VERSION),
        ("x: /lib/libc.so.6: version `GLIBC_ABI_DT_RELR' not found (required by x)", Rule.RELOCATION),
        ("x: error while loading shared libraries: x: unexpected reloc type 0x25", Rule.RELOCATION),
        ("Error relocating x: unsupported relocation type 37", Rule.RELOCATION),
        ("x: symbol lookup error: x: undefined symbol: gone", Rule.SYMBOL),
        ("Error relocating x: fcntl64: symbol not found", Rule.SYMBOL),
        ("x: error while loading shared libraries: x: CPU ISA level is lower than required", Rule.CPU_LEVEL),
        (
            "x: relocation error: x: symbol gone version GLIBC_2.2.5 not defined in file libc.so.6 with",
            Rule.SYMBOL_VERSION,
        ),
        ("usage: x [options]", None),
        ("dial tcp: lookup db: no such host", None),
    ],
)
def test_a_loaders_message_names_its_rule(text: str, rule: Rule | None) -> None:
    found = loader_says(f"first\n{text}\n")
    assert (found[0] if found else None) is rule
    seen = judge(FILE, ended(text + "\n", 127), ())
    assert (seen.rule, seen.doubtful) == (rule, rule is not None)
    # With status 0 it is the program's own talk; so it is in a file without a loader.
    assert judge(FILE, ended(text, 0), ()).outcome is RUNS
    assert judge(STATIC, ended(text, 127), ()).outcome is RUNS


def test_the_first_rule_in_the_loaders_order_counts() -> None:
    both = "Error relocating x: a: symbol not found\nError loading shared library libz.so.1: No such file\n"
    assert loader_says(both) == (Rule.LIBRARY, "Error loading shared library libz.so.1: No such file")


@pytest.mark.parametrize(
    ("errno", "rule"),
    [
        ("ENOENT", Rule.INTERPRETER),
        ("ENOEXEC", Rule.MACHINE),
        ("ELIBBAD", Rule.INTERPRETER),
        ("EACCES", None),
    ],
)
def test_the_kernels_refusal_decides_first(errno: str, rule: Rule | None) -> None:
    seen = judge(FILE, replace(DONE, status=None, refused=errno), stubs())
    assert (seen.outcome, seen.rule, seen.doubtful) == (FAILS, rule, False)


@pytest.mark.parametrize("stop", Stop)
def test_what_we_ended_has_started(stop: Stop) -> None:
    seen = judge(FILE, replace(DONE, status=None, stop=stop), ())
    assert (seen.outcome, seen.rule) == (RUNS, None)


STUB = "sqlite: Binary was compiled with 'CGO_ENABLED=0', go-sqlite3 requires cgo to work. This is a stub\n"


def test_a_stub_is_known_by_its_message_and_its_module() -> None:
    assert judge(go("github.com/mattn/go-sqlite3"), ended(STUB), stubs()).rule is Rule.STUB
    # It may go on after that, as services do, or end well.
    assert judge(go("github.com/mattn/go-sqlite3"), ended(STUB, 0), stubs()).rule is Rule.STUB
    assert judge(go("example.com/other"), ended(STUB), stubs()).outcome is RUNS
    assert judge(go("github.com/mattn/go-sqlite3", cgo="1"), ended(STUB), stubs()).outcome is RUNS
    assert judge(FILE, ended(STUB), stubs()).outcome is RUNS


CRASH = """SIGFPE: floating-point exception
PC=0x7fa08e407d59 m=0 sigcode=1
signal arrived during cgo execution

goroutine 1 gp=0xdd5743021e0 m=0 mp=0x67e640 [syscall]:
os/user._Cfunc_mygetpwuid_r(0x0, 0xdd5743aa000, 0x400, 0xdd574394008, 0xdd57439400c)
"""


def test_a_static_glibc_that_dies_looking_up_a_name_is_the_name_services() -> None:
    file = replace(STATIC, go=go(cgo="1").go)
    assert judge(file, ended(CRASH, 2), ()).rule is Rule.NAME_SERVICE
    assert judge(replace(file, name_services=False), ended(CRASH, 2), ()).rule is None
    assert judge(file, ended("panic: runtime error\n[signal SIGSEGV]\n", 2), ()).outcome is RUNS


@pytest.mark.parametrize(
    ("signal", "change", "rule"),
    [
        ("SIGSEGV", {"relr": True}, Rule.RELOCATION),
        ("SIGSEGV", {"interpreter": None}, Rule.KIND),
        ("SIGILL", {"isa": 3}, Rule.CPU_LEVEL),
        ("SIGABRT", {}, None),
    ],
)
def test_a_signal_is_a_failure_and_may_name_its_rule(
    signal: str, change: dict[str, object], rule: Rule | None
) -> None:
    file = replace(FILE, **change)  # type: ignore[arg-type]
    seen = judge(file, replace(DONE, status=None, signal=signal), ())
    assert (seen.outcome, seen.rule) == (FAILS, rule)
    assert signal in seen.what


def test_other_known_first_words() -> None:
    assert judge(STATIC, ended("FATAL: kernel too old\n", 127), ()).rule is Rule.KERNEL
    v3 = "This program can only be run on AMD64 processors with v3 microarchitecture support.\n"
    assert judge(go(), ended(v3), ()).rule is Rule.CPU_LEVEL
    assert judge(FILE, ended(v3), ()).outcome is RUNS
    qemu = "qemu: Could not open '/lib64/ld-linux-x86-64.so.2': No such file or directory\n"
    assert judge(FILE, ended(qemu, 255), (), emulated=True).rule is Rule.INTERPRETER
    assert judge(FILE, ended(qemu, 255), ()).outcome is RUNS


def test_a_library_of_another_machine_is_loaded_by_nobody() -> None:
    library = replace(FILE, machine="aarch64", kind=Kind.LIBRARY, interpreter=None)
    seen = nobody_loads(library)
    assert (seen.outcome, seen.rule, seen.loaded) == (FAILS, Rule.MACHINE, True)
    assert "aarch64" in seen.what


def test_a_library_that_lacks_symbols_may_find_them_in_its_program() -> None:
    assert judge_load(DONE).outcome is RUNS
    assert judge_load(ended("Error relocating x: PyList_New: symbol not found\n", 127)).outcome is UNKNOWN
    missing = judge_load(ended("Error loading shared library libz.so.1: No such file\n", 127))
    assert (missing.outcome, missing.rule, missing.loaded) == (FAILS, Rule.LIBRARY, True)
    assert judge_load(ended("something else\n", 1)).outcome is UNKNOWN
    assert judge_load(replace(DONE, status=None, refused="ENOENT")).outcome is UNKNOWN


def predicted(outcome: Outcome, rule: Rule = Rule.LIBRARY) -> Verdict:
    return Verdict("debian-12", outcome, rule, "a reason")


@pytest.mark.parametrize(
    ("said", "seen", "agreement"),
    [
        (predicted(RUNS), Seen(RUNS, None, ""), Agreement.AGREES),
        (predicted(RUNS), Seen(FAILS, None, ""), Agreement.CONTRADICTS),
        (predicted(FAILS), Seen(FAILS, Rule.LIBRARY, ""), Agreement.AGREES),
        (predicted(FAILS), Seen(FAILS, Rule.SYMBOL, ""), Agreement.CONTRADICTS),
        (predicted(FAILS), Seen(RUNS, None, ""), Agreement.CONTRADICTS),
        (predicted(FAILS, Rule.STUB), Seen(RUNS, None, ""), Agreement.NOT_REACHED),
        (predicted(FAILS, Rule.NAME_SERVICE), Seen(RUNS, None, ""), Agreement.NOT_REACHED),
        (predicted(FAILS, Rule.STUB), Seen(FAILS, Rule.LIBRARY, ""), Agreement.CONTRADICTS),
        (predicted(UNKNOWN), Seen(FAILS, Rule.LIBRARY, ""), Agreement.SETTLED),
        (predicted(UNKNOWN), Seen(RUNS, None, ""), Agreement.SETTLED),
        (predicted(RUNS), Seen(UNKNOWN, None, ""), Agreement.NOT_RUN),
    ],
)
def test_a_prediction_is_held_against_the_run(said: Verdict, seen: Seen, agreement: Agreement) -> None:
    assert compare(said, seen) is agreement
    known = proven(said, seen)
    learned = agreement not in {Agreement.NOT_RUN, Agreement.NOT_REACHED}
    assert known.basis is (Basis.PROVEN if learned else Basis.PREDICTED)
    assert known.outcome is (seen.outcome if learned else said.outcome)
