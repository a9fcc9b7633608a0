"""What an ELF file needs in order to start, from its headers. Pure."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from trimaran.binary import dynamic, elf, mapped, notes, staticglibc, stubs
from trimaran.binary.buildinfo import GoBuild, read_build
from trimaran.binary.constants import Constants
from trimaran.binary.elf import BrokenFileError, Elf, Source
from trimaran.binary.model import File, Kind, VersionNeed, number
from trimaran.binary.staticglibc import StaticGlibc

# e_machine → the name of `uname -m`, little-endian first, then big-endian (the gabi's registry of machines).
_MACHINES = {
    2: ("sparc", "sparc"),
    3: ("i386", "i386"),
    8: ("mipsle", "mips"),
    20: ("ppcle", "ppc"),
    21: ("ppc64le", "ppc64"),
    22: ("s390", "s390"),
    40: ("arm", "armeb"),
    43: ("sparc64", "sparc64"),
    62: ("x86_64", "x86_64"),
    183: ("aarch64", "aarch64_be"),
    243: ("riscv", "riscv"),
    247: ("bpf", "bpf"),
    258: ("loongarch", "loongarch"),
}
# Machines whose 32- and 64-bit programs share a number.
_WIDE = {
    "riscv": "riscv64",
    "loongarch": "loongarch64",
    "mips": "mips64",
    "mipsle": "mips64el",
    "s390": "s390x",
}
_DF_1_NODEFLIB, _DF_1_PIE = 0x800, 0x08000000
# GOOS → the system's own name.
_SYSTEMS = {
    "android": "Android",
    "dragonfly": "DragonFly BSD",
    "freebsd": "FreeBSD",
    "illumos": "illumos",
    "netbsd": "NetBSD",
    "openbsd": "OpenBSD",
    "solaris": "Solaris",
}
# EI_OSABI (the gabi's list) of those that write it.
_OS_ABI = {2: "NetBSD", 6: "Solaris", 9: "FreeBSD", 12: "OpenBSD"}
_STATIC = (Kind.STATIC, Kind.STATIC_PIE)
# What glibc asks for on amd64 and arm64. Whoever has no older kernel need not know whether it checks.
_COMMON_KERNEL = (3, 7)


# (machine, names of libraries) → whether to read a file's symbols.
Asked = Callable[[str, Sequence[str]], bool]


class NotStartedError(Exception):
    """The file is ELF, but nothing that Linux starts: an object file, a core dump, a program for FreeBSD.

    Args:
        what: as `an object file`.
        fix: what to do instead.
    """

    def __init__(self, what: str, fix: str = "inspect the program that is linked from it") -> None:
        super().__init__(what)
        self.fix = fix


def always(_: str, __: Sequence[str]) -> bool:
    """Read the symbols of every file that may meet musl."""
    return True


def read_file(path: str, source: Source, *, closely: bool = True, asked: Asked = always) -> File:
    """Everything that `inspect` tells of one file.

    Args:
        closely: whether to tell the release of a static glibc, for which all its constants are searched.
        asked: whether the symbols of a file for that machine, which needs these libraries, can decide.

    Raises:
        BrokenFileError: the file ends early or contradicts itself.
        NotStartedError: the file is ELF and no program.
    """
    opened = elf.read_elf(source)
    _refuse_unstarted(opened)
    mapped.refuse(opened)
    table = dynamic.entries(opened)
    interpreter = elf.interpreter(opened)
    needs = dict.fromkeys(
        VersionNeed(lib, name) for lib, name, weak in dynamic.version_needs(opened, table) if not weak
    )
    kind, abi_kernel, go = _kind(opened, table, interpreter), notes.abi_kernel(opened), read_build(opened)
    if abi_kernel is None and (system := _other_system(opened, kind, interpreter, go)):
        what = "a shared library" if kind is Kind.LIBRARY else "a program"
        raise NotStartedError(f"{what} for {system}", "build it for Linux; for Go, with GOOS=linux")
    machine, needed = machine_of(opened), dynamic.names(opened, table, dynamic.DT_NEEDED)
    for_musl = _is_for_musl(kind, interpreter)
    if kind is not Kind.LIBRARY:
        mapped.refuse_start(opened, interpreter)
    inside = _inside(opened, kind, abi_kernel, closely)
    return File(
        path=path,
        format=f"elf{opened.bits}",
        machine=machine,
        kind=kind,
        interpreter=interpreter,
        needed=needed,
        runpath=_runpath(opened, table),
        versions=tuple(needs),
        relr=dynamic.DT_RELR in table,
        ifunc=for_musl and dynamic.chooses_functions(opened, table),
        undefined=_missing(opened, table) if for_musl and asked(machine, needed) else None,
        soname=next(iter(dynamic.names(opened, table, dynamic.DT_SONAME)), None),
        abi_kernel=abi_kernel,
        isa=notes.isa_level(opened),
        static_tls=bool(table.get(dynamic.DT_FLAGS, [0])[0] & dynamic.DF_STATIC_TLS),
        no_default_folders=bool(_flags_1(table) & _DF_1_NODEFLIB),
        name_services=inside.name_services,
        kernel_checked=inside.kernel_checked,
        static_glibc=inside.own,
        go=go,
        stubs=stubs.linked_in(opened, go),
        size_bytes=source.size,
    )


def _refuse_unstarted(opened: Elf) -> None:
    if opened.kind not in {elf.ET_EXEC, elf.ET_DYN}:
        kinds = {elf.ET_REL: "an object file", elf.ET_CORE: "a core dump"}
        raise NotStartedError(kinds.get(opened.kind, f"an ELF file of type {opened.kind}"))
    # `objcopy --only-keep-debug` keeps the headers, and nothing that they lead to.
    if any(each.kind == elf.PT_DYNAMIC and not each.size for each in opened.segments):
        raise NotStartedError("a file of debug information, without its program")


def _other_system(opened: Elf, kind: Kind, interpreter: str | None, go: GoBuild | None) -> str | None:
    """The system that it was made for, when not Linux. The kernel starts it all the same; it crashes."""
    built_for = go.setting("GOOS") if go is not None else None
    if built_for is not None:
        return None if built_for == "linux" else _SYSTEMS.get(built_for, built_for)
    # bionic's loader; bionic's notes also stand in static programs, and those Linux can run.
    if interpreter is not None and interpreter.startswith("/system/bin/linker"):
        return "Android"
    # glibc looks at this byte of libraries; nobody looks at that of a program.
    by_header = _OS_ABI.get(opened.system) if kind is Kind.LIBRARY else None
    return by_header or notes.other_system(opened)


class _Inside(NamedTuple):
    """What is known of the glibc that was linked in."""

    name_services: bool = False
    kernel_checked: bool = False
    own: StaticGlibc | None = None


def _inside(opened: Elf, kind: Kind, abi_kernel: str | None, closely: bool) -> _Inside:
    # Only glibc's startup files write the tag, so other static programs are not searched.
    if kind not in _STATIC or abi_kernel is None:
        return _Inside()
    constants = Constants(opened)
    rare = (number(abi_kernel) or ()) > _COMMON_KERNEL
    checked = (closely or rare) and staticglibc.checks_kernel(constants)
    own = staticglibc.read(constants) if closely else None
    return _Inside(own is not None if closely else staticglibc.has(constants), checked, own)


def machine_of(opened: Elf) -> str:
    """As `uname -m` says it; `unknown-N` for one without a name here."""
    if opened.machine not in _MACHINES:
        return f"unknown-{opened.machine}"
    name = _MACHINES[opened.machine][opened.order == ">"]
    if opened.bits == 64:
        return _WIDE.get(name, name)
    # 32-bit programs for a 64-bit machine with 32-bit pointers.
    return {"x86_64": "x32", "aarch64": "aarch64_ilp32"}.get(name, name)


def _kind(opened: Elf, table: dict[int, list[int]], interpreter: str | None) -> Kind:
    if opened.kind == elf.ET_EXEC:
        return Kind.DYNAMIC if interpreter else Kind.STATIC
    pie = bool(_flags_1(table) & _DF_1_PIE)
    if interpreter is not None:
        return Kind.LIBRARY if dynamic.DT_SONAME in table and not pie else Kind.PIE
    # Older linkers do not mark a static position-independent program; a library names itself or needs others.
    alone = opened.entry and not {dynamic.DT_SONAME, dynamic.DT_NEEDED} & table.keys()
    # Of a static program the linker has found every symbol; a plug-in gets them from who loads it.
    return Kind.STATIC_PIE if pie or (alone and not _undefined(opened, table)) else Kind.LIBRARY


def _flags_1(table: dict[int, list[int]]) -> int:
    return table.get(dynamic.DT_FLAGS_1, [0])[0]


def _runpath(opened: Elf, table: dict[int, list[int]]) -> tuple[str, ...]:
    found = dynamic.names(opened, table, dynamic.DT_RUNPATH) or dynamic.names(opened, table, dynamic.DT_RPATH)
    return tuple(folder for path in found for folder in path.split(":") if folder)


def _is_for_musl(kind: Kind, interpreter: str | None) -> bool:
    # musl has no symbol versions, so only there the names themselves decide. It may load any library.
    return kind is Kind.LIBRARY or (interpreter is not None and "/ld-musl-" in interpreter)


def _missing(opened: Elf, table: dict[int, list[int]]) -> tuple[str, ...] | None:
    """What musl must find for it."""
    found = _undefined(opened, table)
    if found is None:
        return None
    try:
        return (*found, *dynamic.chosen_by_name(opened, table))
    except BrokenFileError as error:
        if error.truncated:
            raise
        return found


def _undefined(opened: Elf, table: dict[int, list[int]]) -> tuple[str, ...] | None:
    try:
        return dynamic.undefined_symbols(opened, table)
    except BrokenFileError as error:
        if error.truncated:
            raise
        return None
