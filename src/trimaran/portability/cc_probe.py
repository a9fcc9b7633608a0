"""The cgo probe: a small program of Go and C that is built by Go with the toolchain, and run."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from trimaran.binary import File, inspect_file
from trimaran.binary.dynamic import DT_FLAGS_1, entries
from trimaran.binary.elf import BrokenFileError, read_elf
from trimaran.binary.reader import OpenFile
from trimaran.errors import TrimaranError, printable
from trimaran.portability import cc_packages, cc_reading
from trimaran.portability.cc_bench import BUILDING, RUNNING, Bench
from trimaran.portability.cc_model import Check, Linked, State

SAID = "threads 42, errno ENOENT, libc answers"
_SOURCE = """package main

/*
#cgo LDFLAGS: -pthread
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void *add(void *number) { ++*(int *)number; return number; }

static int threads(void) {
	pthread_t thread;
	int number = 41;
	if (pthread_create(&thread, 0, add, &number)) return -1;
	pthread_join(thread, 0);
	return number;
}

static int look(void) { struct stat found; return stat("/trimaran/is/not/here", &found); }
static int asks(void) { return sysconf(_SC_PAGESIZE) > 0; }
*/
import "C"

import (
	"fmt"
	"syscall"
)

func main() {
	libc := "libc is silent"
	if C.asks() == 1 {
		libc = "libc answers"
	}
	name := "another"
	if _, err := C.look(); err == syscall.ENOENT {
		name = "ENOENT"
	}
	fmt.Printf("threads %d, errno %s, %s\\n", int(C.threads()), name, libc)
}
"""
_MODULE = "module trimaran.dev/probe\n\ngo 1.20\n"
_PT_GNU_RELRO, _DT_BIND_NOW, _DT_FLAGS = 0x6474E552, 24, 30


@dataclass(frozen=True, slots=True)
class Emulator:
    """What runs programs of another machine.

    Args:
        command: its path.
        sysroot: the folder that stands for `/` when it looks for a loader; empty for `/` itself.
    """

    command: Path
    sysroot: str

    def argv(self, program: Path) -> list[str]:
        more = ["-L", self.sysroot] if self.sysroot else []
        return [str(self.command), *more, str(program)]


def build(bench: Bench) -> tuple[Check, Path | None]:
    """Build the probe with Go."""
    folder = bench.folder / "probe"
    folder.mkdir(exist_ok=True)
    (folder / "go.mod").write_text(_MODULE, "utf-8")
    (folder / "main.go").write_text(_SOURCE, "utf-8")
    made = folder / "probe"
    argv = [str(bench.go.command), "-C", str(folder), "build", "-o", str(made), "."]
    if bench.go.version.minor < 20:  # -C is of Go 1.20
        argv = ["/usr/bin/env", "-C", str(folder), str(bench.go.command), "build", "-o", str(made), "."]
    answer = bench.run(argv, BUILDING)
    if answer.good and made.is_file():
        return Check("probe", State.GOOD, "a Go program with C in it builds"), made
    missing = cc_reading.lack(answer.err)
    needs = {"library": "startup"}.get(missing.what, missing.what)
    packages = cc_packages.brings(needs, bench.target.arch, bench.native)
    said = f"the cgo probe {answer.why or 'does not build'}"
    if missing.name:
        said += f": {printable(missing.name)} is missing"
    fix = cc_packages.install(packages, bench.family) or "mend what the compiler names"
    detail = tuple(map(printable, cc_reading.shown(answer.err)))
    return Check("probe", State.BAD, said, "TRM1388", fix, packages, detail), None


def run(bench: Bench, program: Path, sysroot: str) -> tuple[Check, Emulator | None]:
    """Run the probe, under an emulator when it is another machine's."""
    file = inspect_file(program)
    emulator = None
    if not _runs_here(file.machine):
        found = _emulator(file.machine)
        if found is None:
            packages = cc_packages.brings("emulator", bench.target.arch, bench.native)
            said = f"not run: nothing here runs programs for {file.machine}"
            fix = cc_packages.install(packages, bench.family)
            return Check("run", State.WARNING, said, "TRM1390", fix, packages), None
        emulator = Emulator(found, sysroot)
    loader = file.interpreter
    if loader is not None and not Path(f"{sysroot if emulator else ''}{loader}").exists():
        said = f"not run: {printable(loader)}, its loader, is not on this machine"
        fix = f"run it where it belongs, or install the C library for {file.machine}"
        return Check("run", State.WARNING, said, "TRM1390", fix), emulator
    answer = bench.run(emulator.argv(program) if emulator else [str(program)], RUNNING)
    if answer.out.strip() == SAID:
        under = f"under {emulator.command.name}: " if emulator else ""
        return Check("run", State.GOOD, f"{under}{SAID}"), emulator
    said = f"the probe {answer.why or f'ended with status {answer.status}'}"
    detail = tuple(map(printable, (*answer.out.splitlines()[:2], *cc_reading.shown(answer.err))))
    fix = "the toolchain builds what does not work: compare it with another by --compare"
    return Check("run", State.BAD, said, "TRM1389", fix, {}, detail), emulator


def _runs_here(machine: str) -> bool:
    here = os.uname().machine
    return machine == here or (machine == "i386" and here == "x86_64")


def _emulator(machine: str) -> Path | None:
    for name in (f"qemu-{machine}-static", f"qemu-{machine}"):
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    return None


def linked(program: Path) -> Linked | None:
    """What a linked program shows; None when it cannot be read."""
    try:
        file = inspect_file(program)
    except TrimaranError:
        return None
    return Linked(file.machine, file.kind, _libc(file), file.glibc_floor, _relro(program))


def _libc(file: File) -> str:
    if file.interpreter is None:
        return "linked in"
    name = file.interpreter.rpartition("/")[2]
    return "musl" if name.startswith("ld-musl-") else "glibc" if name.startswith("ld") else "unknown"


def _relro(program: Path) -> str:
    """Whether the tables that the loader fills are read-only afterwards."""
    with program.open("rb") as file:
        source = OpenFile(file.fileno(), program.stat().st_size)
        try:
            elf = read_elf(source)
            table = entries(elf)
        except BrokenFileError:
            return "none"
    if not any(segment.kind == _PT_GNU_RELRO for segment in elf.segments):
        return "none"
    now = _DT_BIND_NOW in table or table.get(_DT_FLAGS, [0])[0] & 8 or table.get(DT_FLAGS_1, [0])[0] & 1
    return "full" if now or not table else "partial"
