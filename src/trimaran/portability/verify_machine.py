"""The machine that a file is tried on: this one, one that QEMU plays, or one of an old kernel's name."""

import os
import platform
import re
import shutil
from dataclasses import dataclass

from trimaran.binary import Conditions, File
from trimaran.errors import fail

_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
# What QEMU's own processors stand for; its emulator plays no AVX-512.
_LEVELS = {
    "v1": ("qemu64", 1),
    "v2": ("Nehalem", 2),
    "v3": ("Haswell-noTSX,-pcid,-x2apic,-tsc-deadline,-invpcid", 3),
}
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,+=-]{0,99}")
_QEMU = "/tmp/program/qemu"  # noqa: S108 - inside the sandbox
OLD_KERNEL = "2.6.60"


@dataclass(frozen=True, slots=True)
class Machine:
    """What is put before the program.

    Args:
        emulator: QEMU's path on this machine; empty where the processor itself runs the file.
        inside: the words before the program's path, inside the sandbox.
        before: a command of this machine that starts the sandbox.
        level: the x86-64 level that is played; None when the processor's own counts.
        known: whether the level is known: not for a processor that is named.
    """

    emulator: str = ""
    inside: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    level: int | None = None
    known: bool = True

    def binds(self) -> list[tuple[str, str]]:
        """What of this machine must be seen inside."""
        return [(self.emulator, _QEMU)] if self.emulator else []

    def conditions(self, known: Conditions, file: File) -> Conditions:
        """What a prediction may use there."""
        if self.before:
            known = known._replace(kernel=OLD_KERNEL)
        if self.emulator:
            cpu = (self.level if self.known else None) if file.machine == "x86_64" else None
            known = known._replace(cpu=cpu, machines=(known.machines or frozenset()) | {file.machine})
        return known


def machine(file: File, cpu: str, started: frozenset[str], *, old_kernel: bool) -> Machine:
    """The machine to try a file on.

    Args:
        cpu: an x86-64 level (`v1`, `v2`, `v3`) or a processor of QEMU's; empty for this machine's own.
        started: the machines of programs that this kernel starts.
        old_kernel: whether the kernel calls itself 2.6.

    Raises:
        TrimaranError: the processor or the emulator is not to be had (TRM1321, TRM1322).
    """
    before = _old_kernel() if old_kernel else ()
    if cpu:
        return _played(file, cpu, before)
    emulator = None if file.machine in started else _emulator(file.machine)
    if emulator is None:
        return Machine(before=before)
    return Machine(emulator, (_QEMU,), before)


def _played(file: File, cpu: str, before: tuple[str, ...]) -> Machine:
    if file.machine != "x86_64" or not _MODEL.fullmatch(cpu) or cpu == "v4":
        what = "--cpu is for x86_64 files, and QEMU's emulator knows no x86-64-v4"
        raise fail("TRM1321", what, "name v1, v2, v3 or a processor of `qemu-x86_64-static -cpu help`")
    emulator = _emulator("x86_64")
    if emulator is None:
        raise fail("TRM1322", "qemu-x86_64-static is not installed", "install the package qemu-user-static")
    model, level = _LEVELS.get(cpu, (cpu, 0))
    return Machine(emulator, (_QEMU, "-cpu", model), before, level or None, known=bool(level))


def _emulator(name: str) -> str | None:
    known = {"i686": "i386", "armv7l": "arm"}.get(name, name)
    return shutil.which(f"qemu-{known}-static", path=_PATH)


def _old_kernel() -> tuple[str, ...]:
    setarch = shutil.which("setarch", path=_PATH)
    if setarch is None:
        raise fail("TRM1322", "setarch is not installed", "install the package util-linux")
    return (setarch, platform.machine(), "--uname-2.6")
