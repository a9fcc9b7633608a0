"""What is known of this machine and of one root file system, for predictions that a run will test."""

import os
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path, PurePosixPath

from trimaran.binary import Conditions, File, NameService, Place, inspect_file
from trimaran.binary.model import Kind
from trimaran.errors import TrimaranError
from trimaran.facts.model import Distribution, Library
from trimaran.rootfs import Root, inside, libraries
from trimaran.rootfs.sandbox_plan import OWN, PROGRAMS

_MOST = 256
_HIGHEST = 16
_OWN = frozenset((name,) for name in OWN)
_BINFMT = Path("/proc/sys/fs/binfmt_misc")
# What x86-64-v2, v3 and v4 ask for (x86-64 psABI, micro-architecture levels), in the words of /proc/cpuinfo.
_LEVELS = (
    {"cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"},
    {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"},
    {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
)


def conditions(file: File, program: Path, root: Root, names: NameService) -> Conditions:
    """What a prediction for this machine may use."""
    return Conditions(_cpu(), kernel(), _machines(), names, place(file, program, root))


def as_it_is(root: Root) -> Distribution:
    """The distribution as this root file system has it: for one kind of processor."""
    fact = root.distribution
    own = {machine: path for machine, path in fact.interpreters.items() if machine == root.machine}
    return replace(fact, interpreters=own or fact.interpreters)


def kernel() -> str:
    """The running Linux, as `6.1.0`."""
    found = re.match(r"[0-9]+(\.[0-9]+)*", os.uname().release)
    return found[0] if found else ""


@cache
def _cpu() -> int | None:
    """The level of this machine's processor; None when it is no x86-64."""
    if platform.machine() != "x86_64":
        return None
    with Path("/proc/cpuinfo").open(encoding="ascii", errors="replace") as rows:
        flags = next((set(row.partition(":")[2].split()) for row in rows if row.startswith("flags")), set())
    level = 1
    for needs in _LEVELS:
        if not needs <= flags:
            break
        level += 1
    return level


@cache
def _machines() -> frozenset[str]:
    """The kinds of programs that this kernel starts."""
    found = {platform.machine()}
    if platform.machine() == "x86_64" and Path("/proc/sys/abi/vsyscall32").exists():
        found.add("i386")  # the file is there where the kernel was built with IA32 emulation
    with_emulator = (_name(entry) for entry in _entries())
    return frozenset(found | {name for name in with_emulator if name})


def _entries() -> Iterator[Path]:
    try:
        yield from (entry for entry in _BINFMT.iterdir() if entry.name.startswith("qemu-"))
    except OSError:
        return


def _name(entry: Path) -> str:
    try:
        text = entry.read_text("ascii", "replace")
    except OSError:
        return ""
    # Without F the interpreter is looked for inside the sandbox, where it is not.
    fixed = any(line.startswith("flags:") and "F" in line for line in text.splitlines())
    return entry.name.removeprefix("qemu-") if text.startswith("enabled") and fixed else ""


def place(file: File, program: Path, root: Root) -> Place:
    """What is found where the file itself says to look."""
    named = file.interpreter
    there = None
    # What is in the sandbox's own folders, such as /proc, no root file system tells.
    if named is not None and named.startswith("/") and PurePosixPath(named).parts[1:2] not in _OWN:
        found = inside.resolve(root.folder, named)
        there = found is not None and found.is_file()
    return Place(there, _beside(file, program, root))


def _beside(file: File, program: Path, root: Root) -> Mapping[str, tuple[File, Library]]:
    loader_path = root.distribution.interpreters.get(file.machine)
    found: dict[str, tuple[File, Library]] = {}
    if not file.runpath or loader_path is None:
        return found
    loader_file = inside.resolve(root.folder, loader_path) or root.folder
    loader = libraries.Loader(root.distribution.libc, file.machine, loader_path, loader_file)
    waiting = list(file.needed)
    for name in waiting:
        path = _look(name, file, program, root)
        if name in found or path is None or len(waiting) > _MOST:
            continue
        brings = libraries.library(path, loader)
        try:
            its = inspect_file(path)
        except TrimaranError:
            continue
        if brings is not None:
            found[name] = its, brings
            waiting += its.needed
    return found


def _look(name: str, file: File, program: Path, root: Root) -> Path | None:
    if "/" in name:
        return inside.resolve(root.folder, name) if name.startswith("/") else None
    for folder in file.runpath:
        if _origin(folder) is not None:
            path = program.parent / _origin_rest(folder) / name
        elif folder.startswith("/"):
            path = inside.resolve(root.folder, f"{folder}/{name}") or Path("/nowhere")
        else:
            continue
        if path.is_file():
            return path
    return None


def _origin(folder: str) -> str | None:
    for sign in ("$ORIGIN", "${ORIGIN}"):
        if folder == sign or folder.startswith(sign + "/"):
            return folder.removeprefix(sign)
    return None


def _origin_rest(folder: str) -> str:
    return (_origin(folder) or "").lstrip("/")


def inside_of(file: File) -> str:
    """The folder in the sandbox that the file stands in.

    As deep as its runpath climbs: a library in a wheel looks in `$ORIGIN/../../../name.libs`.
    """
    rests = [_origin_rest(folder) for folder in file.runpath if _origin(folder) is not None]
    climbs = [PurePosixPath(os.path.normpath(rest)).parts.count("..") for rest in rests]
    deeper = min(max(climbs, default=0), _HIGHEST) - 1
    over, _, last = PROGRAMS.rpartition("/")
    return f"{over}{'/in' * deeper}/{last}"


def beside(file: File, program: Path) -> list[tuple[str, str]]:
    """Libraries that stand where the file's runpath leads from its own folder, each with its path inside."""
    binds: list[tuple[str, str]] = []
    for folder in file.runpath:
        if _origin(folder) is None:
            continue
        to = os.path.normpath(f"{inside_of(file)}/{_origin_rest(folder)}")
        if not PurePosixPath(to).is_relative_to("/tmp") or to == "/tmp":  # noqa: S108 - inside
            continue
        binds += [
            (str(path), f"{to}/{path.name}") for path in _libraries(program.parent / _origin_rest(folder))
        ]
    return list(dict.fromkeys(binds))[:_MOST]


def _libraries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if ".so" in path.name and path.is_file())[:_MOST]
    except OSError:
        return []


def is_library(file: File) -> bool:
    """Whether it is loaded by a program, and not started."""
    return file.kind is Kind.LIBRARY
