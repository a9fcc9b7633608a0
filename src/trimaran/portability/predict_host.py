"""Asks this machine what a program gets that is linked here: the interpreter, the C library's symbols."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trimaran.binary import elf
from trimaran.binary.elf import BrokenFileError
from trimaran.binary.model import glibc_number
from trimaran.errors import TrimaranError
from trimaran.portability import blame_elf, blame_files, predict_compiler, predict_linker
from trimaran.portability.blame_model import Contribution
from trimaran.portability.predict_compiler import Compiler
from trimaran.portability.predict_model import Host
from trimaran.toolchain import gocommand
from trimaran.toolchain.gocommand import Limits
from trimaran.toolchain.golist import Package

# GOARCH → the machine's number in ELF files.
_MACHINES = {
    "386": 3,
    "amd64": 62,
    "arm": 40,
    "arm64": 183,
    "loong64": 258,
    "ppc64le": 21,
    "riscv64": 243,
    "s390x": 22,
}
_ASKING = Limits(total_s=20)
# What compilers link for C++ beyond what C gets: GCC's, and LLVM's.
_CPLUSPLUS = frozenset({"stdc++", "c++"})


@dataclass(frozen=True, slots=True)
class Linking:
    """What linking on this machine adds to a program.

    Args:
        symbols: name → version, of the C library; empty when it has no versions.
        startup: what the compiler's startup files ask for.
        folders: where libraries are looked for.
    """

    host: Host
    symbols: Mapping[str, str] = field(default_factory=dict)
    startup: tuple[Contribution, ...] = ()
    folders: tuple[str, ...] = ()


def linking(settings: Mapping[str, str], arch: str, scratch: Path, env: Mapping[str, str]) -> Linking:
    """What the C compiler of `go env`'s settings links a program with.

    Args:
        arch: GOARCH; a compiler for another one counts as not found.
    """
    compiler = predict_compiler.ask(settings, ["-no-pie"], scratch, env)
    line = compiler.line
    if line is None:
        lacks = "" if compiler.found else f"there is no C compiler {compiler.name}"
        return Linking(Host(compiler.name, compiler.found, lacks))
    paths = predict_compiler.library("c", line.folders)
    path = next((each for each in paths if Path(each).name.startswith("libc.so")), "")
    machine, symbols, versions = _library(path)
    if machine is not None and machine != _MACHINES.get(arch, machine):
        lacks = f"the C compiler {compiler.name} makes programs for another processor than {arch}"
        return Linking(Host(compiler.name, found=False, lacks=lacks))
    numbers = [number for name in versions if (number := glibc_number(name)) is not None]
    newest = ".".join(map(str, max(numbers, default=())))
    host = Host(compiler.name, True, "", line.interpreter, path if newest else "", newest)
    return Linking(host, symbols, _startup(compiler), line.folders)


def _library(path: str) -> tuple[int | None, Mapping[str, str], Sequence[str]]:
    try:
        with blame_files.opened(path) as source:
            read = elf.read_elf(source)
            return read.machine, blame_elf.offered(read), blame_elf.definitions(read)
    except (BrokenFileError, OSError):
        return None, {}, ()


def _startup(compiler: Compiler) -> tuple[Contribution, ...]:
    return tuple(blame_files.startup(compiler.line.startup)) if compiler.line is not None else ()


@dataclass(frozen=True, slots=True)
class Libraries:
    """What the packages' flags link.

    Args:
        needed: names that the program will ask the loader for.
        cplusplus: those that C++ in it asks for beside, as this machine's C++ compiler links it.
        static: files of libraries that are linked in.
        missing: why the link would fail, one line each.
    """

    needed: tuple[str, ...]
    static: tuple[str, ...]
    missing: tuple[str, ...]
    cplusplus: tuple[str, ...] = ()


def libraries(
    packages: Sequence[Package],
    found: Linking,
    settings: Mapping[str, str],
    scratch: Path,
    env: Mapping[str, str],
) -> Libraries:
    """The libraries that packages outside the standard library ask for, as this machine has them."""
    needed: dict[str, None] = {}
    static: dict[str, None] = {}
    missing: dict[str, None] = {}
    for package in packages:
        if package.standard or not package.cgo_files:
            continue
        flags = list(package.ldflags)
        if package.pkg_config:
            told = _pkg_config(package.pkg_config, settings, scratch, env)
            if told is None:
                missing[
                    f"{package.path} asks pkg-config for {' '.join(package.pkg_config)}, which it lacks"
                ] = None
            flags += told or ()
        folders = (*predict_linker.asked_folders(flags), *found.folders)
        static |= dict.fromkeys(predict_linker.asked_archives(flags))
        for name in predict_linker.asked_libraries(flags):
            paths = predict_compiler.library(name, folders)
            if not paths and found.folders:
                missing[f"{package.path} links -l{name}, which this machine lacks"] = None
            for path in paths:
                if path.endswith(".a"):
                    static[path] = None
                else:
                    needed[predict_compiler.soname(path)] = None
    beside: tuple[str, ...] = ()
    if found.host.found and any(each.cplusplus and not each.standard for each in packages):
        beside, lacks = _cplusplus(settings, scratch, env)
        missing |= dict.fromkeys(lacks)
    return Libraries(tuple(needed), tuple(static), tuple(missing), beside)


def _cplusplus(
    settings: Mapping[str, str], scratch: Path, env: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The C++ library that the compiler links, which hardly any C++ does without, and what is missing."""
    compiler = predict_compiler.ask(settings, ["-no-pie"], scratch, env, cplusplus=True)
    if not compiler.found:
        return (), (f"there is no C++ compiler {compiler.name}",)
    line = compiler.line
    asked = [name for name in (line.libraries if line is not None else ()) if name in _CPLUSPLUS]
    paths = [each for name in asked for each in predict_compiler.library(name, line.folders if line else ())]
    return tuple(predict_compiler.soname(path) for path in paths if not path.endswith(".a")), ()


def _pkg_config(
    names: Sequence[str], settings: Mapping[str, str], scratch: Path, env: Mapping[str, str]
) -> tuple[str, ...] | None:
    argv = [settings.get("PKG_CONFIG") or "pkg-config", "--libs", "--", *names]
    try:
        finished = gocommand.run(argv, scratch, env, _silent, _ASKING)
    except TrimaranError:
        return None
    return None if finished.status else tuple(finished.out.split())


def _silent(line: object) -> None:
    del line
