"""The page that explains a rule, and commands that show with stock tools what it looked at. Pure."""

import shlex
from dataclasses import dataclass

from trimaran.binary.model import File, Rule, Verdict

# `trimaran help CODE` explains each.
CODES: dict[Rule, str] = {
    Rule.KIND: "TRM0250",
    Rule.MACHINE: "TRM0251",
    Rule.INTERPRETER: "TRM0252",
    Rule.LIBRARY: "TRM0253",
    Rule.SYMBOL_VERSION: "TRM0254",
    Rule.RELOCATION: "TRM0255",
    Rule.SYMBOL: "TRM0256",
    Rule.CPU_LEVEL: "TRM0257",
    Rule.KERNEL: "TRM0258",
    Rule.STATIC: "TRM0259",
    Rule.STUB: "TRM0260",
    Rule.NAME_SERVICE: "TRM0261",
}
# Read with readelf, the tool that every Linux has packages of, and with Go's own; {} is the file.
_HERE: dict[Rule, tuple[str, ...]] = {
    Rule.KIND: ("readelf -hdW {} | grep -E 'Type|SONAME|PIE'",),
    Rule.MACHINE: ("readelf -hW {} | grep Machine",),
    Rule.INTERPRETER: ("readelf -lW {} | grep interpreter",),
    Rule.LIBRARY: ("readelf -dW {} | grep NEEDED",),
    Rule.SYMBOL_VERSION: ("readelf -VW {} | grep Name:",),
    Rule.RELOCATION: ("readelf -dW {} | grep RELR",),
    Rule.SYMBOL: ("readelf --dyn-syms -W {} | grep UND",),
    Rule.CPU_LEVEL: ("go version -m {} | grep GOAMD64",),
    Rule.KERNEL: ("go version {}", "readelf -nW {} | grep ABI"),
    Rule.STATIC: ("readelf -ldW {}",),
    Rule.STUB: ("go version -m {}",),
    Rule.NAME_SERVICE: ("strings {} | grep -E 'libnss_|nsswitch'",),
}
_THERE: dict[Rule, tuple[str, ...]] = {
    Rule.MACHINE: ("uname -m",),
    Rule.SYMBOL_VERSION: ("getconf GNU_LIBC_VERSION",),
    Rule.RELOCATION: ("getconf GNU_LIBC_VERSION",),
    Rule.SYMBOL: ("/lib/ld-musl-*.so.1",),
    Rule.CPU_LEVEL: ("grep -m1 flags /proc/cpuinfo",),
    Rule.KERNEL: ("uname -r",),
    Rule.NAME_SERVICE: ("cat /etc/nsswitch.conf",),
}


@dataclass(frozen=True, slots=True)
class Commands:
    """Lines for a shell.

    Args:
        here: read the file.
        there: show what the distribution has, when they are run there.
    """

    here: tuple[str, ...]
    there: tuple[str, ...]


def commands(file: File, verdict: Verdict) -> Commands:
    """What reproduces a verdict, with names quoted for a shell."""
    rule, name = verdict.rule, quoted(file.path)
    there = _THERE.get(rule, ())
    if rule is Rule.INTERPRETER and file.interpreter is not None:
        there = (f"ls -l {quoted(file.interpreter)}",)
    elif rule is Rule.LIBRARY:
        wanted = next((library for library in file.needed if library in verdict.reason), None)
        there = (f"find / -xdev -name {quoted(wanted)}",) if wanted is not None else ()
    return Commands(tuple(line.replace("{}", name) for line in _HERE.get(rule, ())), there)


def quoted(name: str) -> str:
    """A name as one word of a shell, which no program takes for an option."""
    return shlex.quote(f"./{name}" if name.startswith("-") else name)
