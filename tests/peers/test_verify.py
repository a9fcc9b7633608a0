"""Files are run for real in four distributions; what was predicted is held against what was seen."""

import json
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.peers import portability_made
from tests.peers.portability_sources import BUILDS, SOURCES, Build, build
from tests.peers.verify_probe import probe
from tests.rootfs import CACHE, PATH, at_hand

from trimaran.binary import NameService, Outcome, Rule
from trimaran.errors import TrimaranError
from trimaran.facts.model import Libc
from trimaran.portability import verify as verify_module
from trimaran.portability.verify import How, Limits, Proof, verify
from trimaran.portability.verify_agree import Agreement
from trimaran.rootfs import Root, find

pytestmark = pytest.mark.peer

TRIMARAN = str(Path(sys.executable).with_name("trimaran"))
PLAIN, ENTERPRISE = NameService.PLAIN, NameService.ENTERPRISE
FAILS, RUNS = Outcome.FAILS, Outcome.RUNS
GLIBC = ("debian-11", "debian-12", "debian-13")
LIMITS = Limits(seconds=20)


@cache
def root(name: str) -> Root:
    return find(at_hand() / "trimaran/rootfs", name)


@cache
def built(source: str, way: str, **more: str) -> Path:
    place = CACHE / "verify" / "-".join((source, way, *more.values()))
    place.mkdir(parents=True, exist_ok=True)
    flags = BUILDS[way]
    saved = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        return build(SOURCES[source], Build(flags.cgo, flags.flags), place / source)
    finally:
        for name, value in saved.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def cross(source: str, machine: str, level: str = "") -> Path:
    """A program in pure Go for another processor."""
    place = CACHE / "verify" / f"{source}-{machine}{level}"
    place.mkdir(parents=True, exist_ok=True)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GO", "CGO_"))},
        **{name: value for name, value in os.environ.items() if name in {"GOPROXY", "GOCACHE", "GOMODCACHE"}},
        "PATH": PATH, "CGO_ENABLED": "0", "GOARCH": machine, "GOTOOLCHAIN": "local", "GOFLAGS": "",
    }  # fmt: skip
    environment |= {"GOAMD64": level} if level else {}
    argv = ["go", "build", "-trimpath", "-buildvcs=false", "-o", str(place / source), "."]
    subprocess.run(argv, cwd=SOURCES[source].folder, env=environment, check=True)
    return place / source


def tried(program: Path, where: str, *words: str, variant: NameService = PLAIN, **how: Any) -> Proof:
    return verify(program, root(where), words, variant=variant, limits=LIMITS, how=How(**how))


def told(proof: Proof) -> tuple[Outcome, Rule | None, Agreement]:
    return proof.seen.outcome, proof.seen.rule, proof.agreement


@pytest.mark.parametrize("name", GLIBC)
def test_a_static_program_without_cgo_runs_everywhere(name: str) -> None:
    for where in (name, "alpine-3.23"):
        for variant in NameService:
            proof = tried(built("account", "pure"), where, variant=variant)
            assert told(proof) == (RUNS, None, Agreement.AGREES)
            assert (proof.status, proof.output, proof.verdict.basis) == (0, "root\n", "proven")


def test_a_missing_interpreter_is_told_from_the_kernels_own_answer() -> None:
    proof = tried(built("account", "cgo"), "alpine-3.23")
    assert told(proof) == (FAILS, Rule.INTERPRETER, Agreement.AGREES)
    assert "ENOENT" in proof.seen.what


def test_a_missing_symbol_version_is_what_the_loader_says() -> None:
    proof = tried(built("account", "cgo"), "debian-11")
    assert told(proof) == (FAILS, Rule.SYMBOL_VERSION, Agreement.AGREES)
    assert "GLIBC_2.3" in proof.seen.what


def test_a_missing_library_is_what_the_loader_says(tmp_path: Path) -> None:
    library, program = tmp_path / "libabsent.so.7", tmp_path / "program"
    compile_c("int absent(void) { return 3; }", library, "-shared", "-fPIC", "-Wl,-soname,libabsent.so.7")
    compile_c("int absent(void); int main(void) { return absent(); }", program, str(library))
    proof = tried(program, "debian-12")
    assert told(proof) == (FAILS, Rule.LIBRARY, Agreement.AGREES)
    # With a runpath to its own folder, what stands there is shown beside it.
    beside = tmp_path / "beside"
    flags = (str(library), "-Wl,-rpath,$ORIGIN")
    compile_c("int absent(void); int main(void) { return absent(); }", beside, *flags)
    found = tried(beside, "debian-12")
    assert (found.seen.outcome, found.status, found.agree) == (RUNS, 3, True)


def test_a_symbol_that_musl_lacks_stops_its_loader(tmp_path: Path) -> None:
    program = tmp_path / "program"
    compile_c("int fcntl64(int, int); int main(void) { return fcntl64(0, 1) < 0; }", program)
    data = program.read_bytes()
    # The same file as one that was linked to musl: only the loader's name is another.
    old, new = b"/lib64/ld-linux-x86-64.so.2\0", b"/lib/ld-musl-x86_64.so.1\0\0\0\0"
    assert data.count(old) == 1
    program.write_bytes(data.replace(old, new))
    proof = tried(program, "alpine-3.23")
    assert proof.seen.outcome is FAILS
    assert proof.seen.rule is Rule.SYMBOL
    assert proof.agree


def test_a_stub_says_so_only_to_a_run_that_asks_for_it() -> None:
    program = Path("tests/fixtures/go/sqlite")
    place = CACHE / "verify/sqlite-stub/sqlite"
    place.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    argv = ["go", "build", "-trimpath", "-buildvcs=false", "-o", str(place), "."]
    subprocess.run(argv, cwd=program, env=environment, check=True)
    proof = tried(place, "debian-12")
    assert told(proof) == (FAILS, Rule.STUB, Agreement.AGREES)
    assert proof.status == 1


@pytest.mark.parametrize(
    ("where", "variant", "outcome"),
    [
        ("alpine-3.23", PLAIN, RUNS),
        ("debian-12", ENTERPRISE, RUNS),
        ("debian-11", ENTERPRISE, FAILS),
        ("debian-13", ENTERPRISE, FAILS),
        ("alpine-3.23", ENTERPRISE, FAILS),
    ],
)
def test_a_static_glibc_meets_the_name_service_of_the_distribution(
    where: str, variant: NameService, outcome: Outcome
) -> None:
    # Linked with the glibc of Debian 12.
    proof = tried(built("account", "static"), where, variant=variant)
    assert proof.seen.outcome is outcome, proof.output
    assert proof.seen.rule is (Rule.NAME_SERVICE if outcome is FAILS else None)
    assert proof.agree


def test_a_newer_processor_is_asked_for_by_name() -> None:
    program = cross("account", "amd64", "v3")
    proof = tried(program, "debian-12", cpu="v2")
    assert told(proof) == (FAILS, Rule.CPU_LEVEL, Agreement.AGREES)
    assert tried(program, "debian-12", cpu="v3").seen.outcome is RUNS


def test_what_no_processor_has_is_refused_by_the_loader_as_it_was_foretold(tmp_path: Path) -> None:
    program = tmp_path / "ahead"
    body = bytearray(portability_made.made("c-isa-v4").read_bytes())
    asked = body.index(struct.pack("<IIII", 0xC0008002, 4, 0b1001, 0))
    struct.pack_into("<I", body, asked + 8, 1 << 9)
    program.write_bytes(body)
    program.chmod(0o755)
    proof = tried(program, "debian-12")
    assert told(proof) == (Outcome.FAILS, Rule.CPU_LEVEL, Agreement.AGREES)
    assert "CPU ISA level is lower than required" in proof.seen.what


def test_another_machines_program_runs_under_an_emulator() -> None:
    proof = tried(cross("account", "arm64"), "debian-12")
    assert (proof.seen.outcome, proof.output, proof.agree) == (RUNS, "root\n", True)
    assert "qemu-aarch64" in proof.seen.what


def test_without_an_emulator_the_kernel_refuses_another_machines_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trimaran.portability.verify_machine._emulator", lambda name: None)
    proof = tried(cross("account", "arm64"), "debian-12")
    if proof.status is None:
        assert (proof.seen.outcome, proof.seen.rule, proof.agree) == (FAILS, Rule.MACHINE, True)
    else:
        assert proof.output == "root\n"  # this kernel starts an emulator by itself


def test_what_a_program_says_itself_is_not_the_loaders_word() -> None:
    forged = (
        "probe: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.99' not found (required by probe)",
        "probe: error while loading shared libraries: libx.so.1: cannot open shared object file",
        "Error relocating /tmp/program/bin/probe: gone: symbol not found",
        "bwrap: execvp /tmp/program/bin/probe: No such file or directory",
        "This program can only be run on AMD64 processors with v4 microarchitecture support.",
        "go-sqlite3 requires cgo to work. This is a stub",
        "FATAL: kernel too old",
    )
    for line in forged:
        for status in (0, 1, 127):
            if (line, status) == ("FATAL: kernel too old", 127):
                continue  # the C library itself says no more than that
            proof = tried(probe(), "debian-12", "say", line, str(status))
            assert (proof.seen.outcome, proof.status, proof.agree) == (RUNS, status, True), line


def test_a_service_that_is_still_there_has_started() -> None:
    proof = verify(probe(), root("debian-12"), ["sleep", "60"], limits=replace(LIMITS, seconds=0.5))
    assert told(proof) == (RUNS, None, Agreement.AGREES)
    assert "time limit" in proof.seen.what


@pytest.mark.parametrize(("number", "name"), [(11, "SIGSEGV"), (6, "SIGABRT"), (4, "SIGILL")])
def test_a_signal_is_told_and_contradicts_that_it_runs(number: int, name: str) -> None:
    proof = tried(probe(), "debian-12", "signal", str(number))
    assert (proof.seen.outcome, proof.seen.rule, proof.signal, proof.agree) == (FAILS, None, name, False)


def test_a_library_is_load_checked_and_not_run() -> None:
    library = next(Path("/usr/lib/x86_64-linux-gnu").glob("libm.so.6")).resolve()
    found = tried(library, "debian-12")
    assert found.seen.loaded
    assert (found.seen.outcome, found.agree) == (RUNS, True)
    assert "load-checked" in found.seen.what
    old = tried(library, "debian-11")
    assert (old.seen.outcome, old.agree) == (FAILS, True)


def test_a_trace_tells_what_was_asked_for() -> None:
    proof = tried(built("account", "static"), "debian-11", variant=ENTERPRISE, trace=True)
    assert proof.trace is not None
    assert proof.trace.programs == ("/tmp/program/bin/account",)
    assert "libnss_compat.so.2" in proof.trace.name_services
    assert "/etc/nsswitch.conf" in proof.trace.files
    started = tried(probe(), "debian-12", "list", "/srv", trace=True)
    assert started.trace is not None
    assert started.trace.programs == ("/tmp/program/bin/probe", "/bin/busybox")
    assert any(path.endswith("/libc.so.6") for path in started.trace.libraries)


def test_a_file_that_may_not_be_executed_is_an_error_of_its_own(tmp_path: Path) -> None:
    copy = tmp_path / "probe"
    shutil.copyfile(probe("-static"), copy)
    with pytest.raises(TrimaranError) as refused:
        verify(copy, root("debian-12"))
    assert refused.value.problems[0].code == "TRM1320"


def test_the_command_that_is_printed_shows_the_same() -> None:
    for where, variant, sign in (
        ("alpine-3.23", PLAIN, "No such file or directory"),
        ("debian-11", ENTERPRISE, "GLIBC_2.3"),
    ):
        proof = tried(built("account", "cgo"), where, variant=variant)
        done = subprocess.run(
            shlex.split(proof.command), capture_output=True, text=True, check=False, timeout=30
        )
        assert done.returncode != 0
        assert sign in done.stderr


def lying(where: str, **claims: Any) -> Root:
    there = root(where)
    return replace(there, distribution=replace(there.distribution, **claims))


def test_a_wrong_fact_is_contradicted_by_the_run() -> None:
    libraries = {name: each._replace(versions=each.versions | {f"GLIBC_2.{minor}" for minor in range(32, 42)})
                 for name, each in (root("debian-11").distribution.inventory or {}).items()}  # fmt: skip
    proof = verify(built("account", "cgo"), lying("debian-11", libc_version="2.41", inventory=libraries))
    assert proof.predicted.outcome is RUNS
    assert told(proof) == (FAILS, Rule.SYMBOL_VERSION, Agreement.CONTRADICTS)
    assert proof.verdict.outcome is FAILS


# -- the command


def command(
    *words: str, data: Path | None = None, home: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "XDG_DATA_HOME": str(data or at_hand()), "COLUMNS": "80", "NO_COLOR": "1"}
    environment |= {"XDG_STATE_HOME": str(home)} if home is not None else {}
    return subprocess.run(
        [TRIMARAN, "verify", *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=120,
    )


def test_the_command_tells_all_runs_and_its_status_counts_them() -> None:
    program = str(built("account", "cgo"))
    done = command(program)
    assert done.returncode == 1
    assert re.search(r"runs +debian-12, debian-13\n", done.stdout)
    assert re.search(r"fails +alpine-3.23\n", done.stdout)
    assert "8 runs; no prediction is contradicted" in done.stdout
    assert all(len(line) <= 80 or "again:" in line for line in done.stdout.splitlines() if "/" not in line)
    assert command(program, "--on", "debian-12,debian-13").returncode == 0


def test_json_keeps_to_its_schema_and_arguments_reach_the_program() -> None:
    schema = json.loads(Path(verify_module.__file__).with_name("verify.schema.json").read_text("utf-8"))
    words = ("--on", "debian-12", "--trace", "-o", "json", "--", "exit", "5")
    done = command(str(probe()), "/nowhere/at/all", *words)
    assert done.returncode == 2
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema)
    assert [run["status"] for run in found["files"][0]["runs"]] == [5, 5]
    assert found["problems"][0]["code"] == "TRM0201"
    lines = command(
        str(probe()), "--on", "debian-12", "-o", "jsonl", "--variant", "plain"
    ).stdout.splitlines()
    assert [json.loads(line)["schema"] for line in lines] == ["trimaran.dev/verify/v1"]


def test_junit_has_a_case_for_each_run() -> None:
    from xml.etree import ElementTree as ET

    done = command(str(built("account", "cgo")), "-o", "junit")
    suite = ET.fromstring(done.stdout).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("8", "4")


def test_a_contradiction_is_loud_and_leaves_a_report_without_secrets(tmp_path: Path) -> None:
    data = tmp_path / "data/trimaran/rootfs/debian-11"
    there = at_hand() / "trimaran/rootfs/debian-11"
    data.mkdir(parents=True)
    (data / "root").symlink_to(there / "root")
    record = (there / "root.json").read_text("utf-8")
    assert "GLIBC_2.31" in record
    record = re.sub(r'"GLIBC_2\.(30)"', '"GLIBC_2.30", "GLIBC_2.32", "GLIBC_2.34"', record)
    record = record.replace('"2.31"', '"2.41"')
    (data / "root.json").write_text(record, "utf-8")
    words = (
        str(built("account", "cgo")),
        "--variant",
        "plain",
        "--env",
        "TOKEN=s3cr3tvalue",
        "--",
        "t0psecret",
    )
    done = command(*words, data=tmp_path / "data", home=tmp_path / "state")
    assert done.returncode == 1
    assert "CONTRADICTED on debian-11 (plain)" in done.stdout
    assert "1 prediction is contradicted." in done.stderr
    text = (tmp_path / "state/trimaran/verify-report.json").read_text("utf-8")
    report = json.loads(text)
    assert report["schema"] == "trimaran.dev/verify-report/v1"
    entry = report["contradictions"][0]
    assert (entry["predicted"]["outcome"], entry["seen"]["rule"]) == ("runs", "symbol-version")
    assert entry["file"]["digest"].startswith("sha256:")
    assert not [
        word for word in ("s3cr3tvalue", "t0psecret", str(tmp_path), str(Path.home())) if word in text
    ]
    chosen = tmp_path / "elsewhere.json"
    assert command(*words[:3], "--report", str(chosen), data=tmp_path / "data").returncode == 1
    assert json.loads(chosen.read_text("utf-8"))["schema"] == "trimaran.dev/verify-report/v1"


def test_an_interrupt_ends_what_runs_at_once() -> None:
    environment = {**os.environ, "XDG_DATA_HOME": str(at_hand())}
    words = [
        TRIMARAN,
        "verify",
        str(probe("-static")),
        "--timeout",
        "60",
        "--",
        "sleep",
        str(900_000 + os.getpid()),
    ]
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as ours:
        deadline = time.monotonic() + 30
        while not living(words[-1], ours.pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert living(words[-1], ours.pid)
        began = time.monotonic()
        ours.send_signal(signal.SIGINT)
        assert ours.wait(30) == 130
        assert time.monotonic() - began < 10
    assert living(words[-1], ours.pid) == []


def living(mark: str, but: int) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != but:
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            found += [entry.name] if mark.encode() in words else []
    return found


def test_a_network_that_is_asked_for_comes_with_the_ways_to_names(tmp_path: Path) -> None:
    there = root("debian-12")
    folder = tmp_path / "root"
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/resolv.conf").touch()
    bare = replace(there, folder=folder)
    proof = verify(probe("-static"), bare, ["exit", "0"], how=How(network=True))
    assert "/etc/resolv.conf" in proof.command
    assert proof.status == 0
    assert "/etc/resolv.conf" not in verify(probe("-static"), bare, ["exit", "0"]).command


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("PROGRAM", "--on", "debain-12"), "TRM1121"),
        (("PROGRAM", "--env", "novalue"), "TRM1323"),
        (("PROGRAM", "--cpu", "v9;x", "--on", "debian-12"), "TRM1321"),
        (("/etc/passwd",), "TRM0204"),
        (("/dev/null",), "TRM0202"),
        (("PROGRAM", "--timeout", "0"), "TRM0002"),
    ],
)
def test_wrong_words_are_told(words: tuple[str, ...], code: str) -> None:
    done = command(*(str(probe()) if word == "PROGRAM" else word for word in words))
    assert done.returncode == 2
    assert f"error[{code}]" in done.stderr


def test_without_a_root_file_system_it_says_how_to_add_one(tmp_path: Path) -> None:
    done = command(str(probe()), data=tmp_path)
    assert done.returncode == 2
    assert "error[TRM1324]" in done.stderr
    assert "trimaran rootfs add" in done.stderr


def compile_c(source: str, to: Path, *flags: str) -> None:
    argv = ["gcc", "-xc", "-", "-xnone", *flags, "-o", str(to)]
    subprocess.run(argv, input=source, text=True, check=True, env={"PATH": PATH}, timeout=60)


def test_musl_is_what_it_is_said_to_be() -> None:
    assert root("alpine-3.23").distribution.libc is Libc.MUSL
