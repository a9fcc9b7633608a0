"""The rules for what the kernel and the processor ask before a program's first own step. Pure."""

from collections.abc import Iterable
from posixpath import basename

from trimaran.binary.model import File, Kind, Outcome, Rule, number
from trimaran.binary.verdict_needs import Finding, Needs, libc_of
from trimaran.facts.model import Distribution, GoKernel, Libc

_FAILS, _UNKNOWN = Outcome.FAILS, Outcome.UNKNOWN
# glibc 2.33 brought the comparison of the ISA level (its NEWS).
_CHECKS_ISA = (2, 33)
# Older loaders go by what the kernel says of itself in the vDSO, which nobody can see from outside; 2.36 has
# no such check any more (measured). The oldest kernel that they ask for is at most 3.2.
_LOADER_ASKS = (3, 2)
_NO_LONGER_CHECKS_KERNEL = (2, 36)


def kind(needs: Needs, _: Distribution) -> Finding | None:
    """Is it started as what it is?"""
    file = needs.file
    if file.interpreter is None and file.needed and file.kind is not Kind.LIBRARY:
        reason = f"needs {file.needed[0]} and names no interpreter: nobody loads it, and the program crashes"
        return Finding(_FAILS, Rule.KIND, reason)
    return None


def machine(needs: Needs, distribution: Distribution) -> Finding | None:
    """Is it made for this processor?"""
    file = needs.file
    if file.machine in distribution.interpreters:
        return None
    if distribution.inventory is None or not distribution.interpreters:
        reason = f"nothing is known about this distribution on {file.machine}"
        return Finding(_UNKNOWN, Rule.MACHINE, reason)
    return _foreign(needs, distribution)


def _foreign(needs: Needs, distribution: Distribution) -> Finding:
    """Whether a file of another machine than the distribution's starts all the same."""
    file, starts = needs.file, needs.conditions.machines
    there = ", ".join(sorted(distribution.interpreters))
    if file.kind is Kind.LIBRARY:
        return Finding(_FAILS, Rule.MACHINE, f"made for {file.machine}: no program there loads it", there)
    if starts is not None and file.machine in starts:
        return _foreign_but_started(file, there)
    if file.machine in {"i386", "x32"} and "x86_64" in distribution.interpreters and starts is None:
        if file.interpreter is not None:
            return Finding(_FAILS, Rule.INTERPRETER, f"{file.interpreter}, its interpreter, is not there")
        reason = f"made for {file.machine}: starts only where the kernel was built to run it too"
        return Finding(_UNKNOWN, Rule.MACHINE, reason, there)
    return Finding(_FAILS, Rule.MACHINE, f'made for {file.machine}: "Exec format error"', there)


def _foreign_but_started(file: File, there: str) -> Finding:
    if file.interpreter is not None:
        reason = f"{file.interpreter}, its interpreter for {file.machine}, is not there"
        return Finding(_FAILS, Rule.INTERPRETER, reason, f"libraries for {there}")
    return Finding(Outcome.RUNS, Rule.MACHINE, f"static, and this kernel starts programs for {file.machine}")


def interpreter(needs: Needs, distribution: Distribution) -> Finding | None:
    """Is the loader there that the file names?"""
    file, place = needs.file, needs.conditions.place
    own = distribution.interpreters[file.machine]
    if file.interpreter is None or file.interpreter == own or file.kind is Kind.LIBRARY:
        return None
    if not file.interpreter:
        return Finding(_FAILS, Rule.INTERPRETER, 'its interpreter has an empty name: "not found"')
    if place is None or place.interpreter is None:
        return _named_interpreter(file.interpreter, distribution)
    if not place.interpreter:
        reason = f'{file.interpreter}, its interpreter, is not there: the kernel answers "not found"'
        return Finding(_FAILS, Rule.INTERPRETER, reason, f"{distribution.libc}")
    if _same_loader(file.interpreter, distribution):
        return None
    reason = f"{file.interpreter}, its interpreter, is there, and is not the distribution's own"
    return Finding(_UNKNOWN, Rule.INTERPRETER, reason)


def _named_interpreter(path: str, distribution: Distribution) -> Finding:
    """What the name alone tells."""
    if not path.startswith("/"):
        reason = f"{path}, its interpreter, is looked for in the folder where it is started"
        return Finding(_UNKNOWN, Rule.INTERPRETER, reason)
    name = basename(path)
    other = distribution.elsewhere.get(name)
    if other is not None and name not in (distribution.inventory or {}):
        reason = f'{path}, its interpreter, belongs to {other}: the kernel answers "not found"'
        return Finding(_FAILS, Rule.INTERPRETER, reason, f"{distribution.libc}")
    return Finding(_UNKNOWN, Rule.INTERPRETER, f"no fact says whether {path}, its interpreter, is there")


def _same_loader(path: str, distribution: Distribution) -> bool:
    # The same name by way of another folder: /usr/lib64 where /lib64 leads there.
    return any(basename(path) == basename(own) for own in distribution.interpreters.values())


def cpu_level(needs: Needs, distribution: Distribution) -> Finding | None:
    """Does the processor have what it was built for?"""
    file, here = needs.file, needs.conditions.cpu
    level, sign = max((needs.cpu, f"GOAMD64=v{needs.cpu}"), (file.isa, "its ISA note"))
    if level <= max(distribution.cpu, here or 1):
        return None
    reason = f"built for x86-64-v{level} ({sign}): starts only on a CPU that has it"
    if here is None:
        found = f"x86-64-v{distribution.cpu} is enough for the distribution"
        return Finding(_UNKNOWN, Rule.CPU_LEVEL, reason, found)
    checked = level == needs.cpu or _loader_compares(file, distribution)
    # A library may be loaded all the same, and then crash at the first new instruction; or never meet one.
    certain = checked and file.kind is not Kind.LIBRARY
    return Finding(_FAILS if certain else _UNKNOWN, Rule.CPU_LEVEL, reason, f"x86-64-v{here}")


def _loader_compares(file: File, distribution: Distribution) -> bool:
    libc = number(distribution.libc_version)
    return (
        file.interpreter is not None
        and distribution.libc is Libc.GLIBC
        and libc is not None
        and libc >= _CHECKS_ISA
    )


def kernel(needs: Needs, distribution: Distribution) -> Finding | None:
    """Is the kernel new enough, by what it calls itself?"""
    text = needs.conditions.kernel or distribution.kernel
    here = number(text or "")
    if here is None:
        return None
    file, found = needs.file, f"Linux {text}"
    floor = number(file.abi_kernel or "")
    if file.kernel_checked and floor and here < floor:
        reason = f'the C library in it asks for Linux {file.abi_kernel}: "kernel too old"'
        return Finding(_FAILS, Rule.KERNEL, reason, found)
    if file.interpreter is not None and here < _LOADER_ASKS and _loader_may_refuse(distribution):
        reason = f'the loader of {libc_of(distribution)} may say "kernel too old"'
        return Finding(_UNKNOWN, Rule.KERNEL, reason, found)
    needed = linux_floor(file, distribution.go_kernels)
    if (floor := number(needed or "")) and here < floor:
        reason = f"its Go release is made for Linux {needed} and newer, and may not start on an older one"
        return Finding(_UNKNOWN, Rule.KERNEL, reason, found)
    return None


def _loader_may_refuse(distribution: Distribution) -> bool:
    libc = number(distribution.libc_version)
    return distribution.libc is Libc.GLIBC and libc is not None and libc < _NO_LONGER_CHECKS_KERNEL


def linux_floor(file: File, kernels: Iterable[GoKernel]) -> str | None:
    """The oldest Linux that the program's Go release starts on, as `3.2`; None when not known."""
    minor = file.go.minor if file.go is not None else None
    if minor is None:
        return None
    return next((entry.linux for entry in reversed(tuple(kernels)) if entry.first <= minor), None)
