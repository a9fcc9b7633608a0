"""`inspect`: one large file beside pyelftools, a thousand files beside readelf, and what starting costs."""  # noqa: A005 - named for the command that it measures

import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from functools import cache
from pathlib import Path

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.segments import InterpSegment

from bench.case import Case, Cost, cpu, elapsed, folder, peak, wall
from trimaran.binary import inspect_file

TRIMARAN = str(Path(sys.executable).with_name("trimaran"))
GO = Path(__file__).parents[1] / "tests" / "fixtures" / "go" / "wants"
EMBEDDED_BYTES = 100_000_000
FILES = 1000

MAIN = """package main

import (
	_ "embed"
	"fmt"
	"net"
)

//go:embed blob
var blob string

func main() {
	_, err := net.LookupHost("localhost")
	fmt.Println(len(blob), err)
}
"""


@cache
def large() -> Path:
    """A Go program of more than 100 MB, linked to the C library, built once."""
    place = folder("large-go-program")
    program = place / "large"
    if program.exists():
        return program
    (place / "go.mod").write_text("module trimaran.dev/bench/large\n\ngo 1.22\n", "utf-8")
    (place / "main.go").write_text(MAIN, "utf-8")
    with (place / "blob").open("wb") as blob:
        for _ in range(EMBEDDED_BYTES // 1_000_000):
            blob.write(os.urandom(1_000_000))
    environment = {**os.environ, "CGO_ENABLED": "1", "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    built = place / "large.new"
    subprocess.run(
        ["go", "build", "-buildvcs=false", "-o", str(built), "."], cwd=place, env=environment, check=True
    )
    (place / "blob").unlink()
    built.rename(program)
    return program


@cache
def thousand() -> list[str]:
    """A thousand real programs and libraries, every fourth of them a Go program, under names of their own."""
    place, go = folder("thousand-mixed"), go_programs()
    real = [Path(sys.executable).resolve()]
    for source in ("/usr/bin", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"):
        found = sorted(Path(source).iterdir()) if Path(source).is_dir() else []
        real += [path for path in found if path.is_file() and not path.is_symlink() and _is_program(path)]
    names = []
    for number in range(FILES):
        name = place / f"{number:04}"
        if not name.exists():
            _copy(go[number // 4 % len(go)] if number % 4 == 0 else real[number % len(real)], name)
        names.append(str(name))
    return names


@cache
def go_programs() -> list[Path]:
    """Go programs built in three ways from the tests' sources, and those of the Go toolchain itself."""
    place = folder("go-programs")
    ways = {"pure": ("0", ()), "pie": ("0", ("-buildmode=pie",)), "cgo": ("1", ())}
    for source in sorted(each.name for each in GO.iterdir() if each.is_dir()):
        for way, (cgo, flags) in ways.items():
            program = place / f"{source}-{way}"
            if not program.exists():
                environment = {**os.environ, "CGO_ENABLED": cgo, "GOTOOLCHAIN": "local", "GOFLAGS": ""}
                command = ["go", "build", "-buildvcs=false", *flags, "-o", str(program), f"./{source}"]
                subprocess.run(command, cwd=GO, env=environment, check=True)
    root = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    tools = [*Path(root, "bin").iterdir(), *Path(root, "pkg", "tool").glob("*/*")]
    return [*sorted(place.iterdir()), *sorted(path for path in tools if _is_program(path))]


@cache
def auditwheel_symbols() -> str:
    """The peer's program, in an environment of its own, installed once."""
    place = folder("auditwheel-symbols")
    program = place / "bin" / "auditwheel-symbols"
    if not program.exists():
        venv.create(place, with_pip=True)
        install = [str(place / "bin" / "pip"), "install", "--quiet", "auditwheel-symbols==0.1.13"]
        subprocess.run(install, check=True)
    return str(program)


def _is_program(path: Path) -> bool:
    with path.open("rb") as file:
        # ET_EXEC and ET_DYN; object files are refused by inspect and would end it with an error.
        head = file.read(18)
    return head[:4] == b"\x7fELF" and head[16] in {2, 3}


def _copy(source: Path, name: Path) -> None:
    try:
        name.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, name)


def pyelftools(path: Path) -> tuple[object, ...]:
    """What our reader answers, read with pyelftools."""
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        interpreter, needed, versions = "", [], []
        for segment in elf.iter_segments():
            if isinstance(segment, InterpSegment):
                interpreter = str(segment.get_interp_name())
            if isinstance(segment, DynamicSegment):
                needed = [getattr(tag, "needed", "") for tag in segment.iter_tags("DT_NEEDED")]
        for section in elf.iter_sections():
            if isinstance(section, GNUVerNeedSection):
                versions = [name.name for _, names in section.iter_versions() for name in names]
        block = elf.get_section_by_name(".go.buildinfo")
        return interpreter, needed, versions, go_build(block.data()) if block else ()


def go_build(block: bytes) -> tuple[object, ...]:
    """The release and the lines of the build information, which pyelftools does not know."""
    at, texts = 32, []
    for _ in range(2):
        size = shift = 0
        while block[at] & 0x80:
            size, shift, at = size | (block[at] & 0x7F) << shift, shift + 7, at + 1
        size, at = size | block[at] << shift, at + 1
        texts.append(block[at : at + size])
        at += size
    rows = [line.split("\t") for line in texts[1][16:-16].decode().splitlines()]
    return texts[0].decode(), rows


def _thousand(*command: str) -> float:
    return elapsed([*command, *thousand()])()


def _folder(*command: str) -> float:
    return elapsed([*command, str(Path(thousand()[0]).parent)])()


def _together(*command: str) -> float:
    """The most memory that a command and its children have at once, in MB; what they share counts once."""
    with subprocess.Popen([*command, str(Path(thousand()[0]).parent)], stdout=subprocess.DEVNULL) as running:
        most = 0
        while running.poll() is None:
            children = _read(f"/proc/{running.pid}/task/{running.pid}/children").split()
            most = max(most, sum(map(_share, [str(running.pid), *children])))
            time.sleep(0.005)
    return most * 1024 / 1e6


def _share(child: str) -> int:
    lines = _read(f"/proc/{child}/smaps_rollup").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _read(path: str) -> str:
    try:
        return Path(path).read_text("ascii", "replace")
    except OSError:
        return ""


def _script(code: Callable[[], str]) -> Cost:
    return lambda: peak(code()) - peak("pass")


OURS = "from trimaran.binary import inspect_file; inspect_file({!r})"
PEER = "from pathlib import Path; from bench.inspect import pyelftools; pyelftools(Path({!r}))"

CASES = (
    Case(
        "inspect: read one Go program of 100 MB",
        ours=wall(lambda: inspect_file(large()), times=20),
        peer=wall(lambda: pyelftools(large()), times=20),
        peer_name="pyelftools, the same answers",
        limit=0.001,
        ratio=20,
    ),
    Case(
        "inspect: memory above the interpreter for that program",
        ours=_script(lambda: OURS.format(str(large()))),
        peer=_script(lambda: PEER.format(str(large()))),
        peer_name="pyelftools, the same answers",
        unit="MB",
        limit=10,
    ),
    Case(
        "inspect: 1,000 programs in one command, for every known distribution",
        ours=lambda: _folder(TRIMARAN, "inspect", "-o", "json"),
        # The loop that people write today; the shell is the peer.
        peer=lambda: _thousand("sh", "-c", 'for f; do readelf -dV "$f"; done', "sh"),
        peer_name="a shell loop of readelf -dV",
        ratio=10,
        rounds=7,
    ),
    Case(
        "inspect: 1,000 programs in one command, for one distribution",
        ours=lambda: _folder(TRIMARAN, "inspect", "-o", "json", "--for", "rhel-7", "--exit-zero"),
        # It takes one file a command, and judges it for one policy.
        peer=lambda: _thousand(
            "sh", "-c", f'for f; do {auditwheel_symbols()} -m 2_17 "$f" 2>/dev/null; done; true', "sh"
        ),
        peer_name="auditwheel-symbols -m 2_17, one command a file",
        ratio=10,
        rounds=3,
    ),
    Case(
        "inspect: 1,000 programs in one command, beside what only lists build information",
        ours=lambda: _folder(TRIMARAN, "inspect", "-o", "json", "--for", "rhel-7", "--exit-zero"),
        peer=lambda: _folder("go", "version", "-m"),
        peer_name="one go version -m DIRECTORY",
        ratio=1 / 3,
        rounds=7,
    ),
    Case(
        "inspect: memory of all its processes for those 1,000 programs",
        ours=lambda: _together(TRIMARAN, "inspect", "-o", "json"),
        unit="MB",
        limit=80,
        rounds=3,
    ),
    Case(
        "start: trimaran --help, processor time",
        ours=cpu([TRIMARAN, "--help"]),
        peer=cpu([sys.executable, "-c", "pass"]),
        peer_name="python -c pass",
        limit=0.1,
        rounds=11,
    ),
    Case(
        "start: trimaran --version, processor time",
        ours=cpu([TRIMARAN, "--version"]),
        peer=cpu([sys.executable, "-c", "pass"]),
        peer_name="python -c pass",
        limit=0.1,
        rounds=11,
    ),
)
