"""The page that explains a rule, and commands that show with stock tools what it looked at. Pure."""

import shlex
from typing import NamedTuple

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


class Commands(NamedTuple):
    """Lines for a shell.

    Args:
        here: read the file.
        there: show what the distribution has, when they are run there.
    """

    here: tuple[str, ...]
    there: tuple[str, ...]


def commands(file: File, verdict: Verdict) -> Commands:
    """What reproduces a verdict, with names quoted for a shell."""
    rule = verdict.rule
    before, name = _brought_out(file.path)
    read, there = _HERE.get(rule, ()), _THERE.get(rule, ())
    if rule is Rule.INTERPRETER and file.interpreter is not None:
        there = (f"ls -l {quoted(file.interpreter)}",)
    elif rule is Rule.LIBRARY:
        wanted = next((library for library in file.needed if library in verdict.reason), None)
        there = (f"find / -xdev -name {quoted(wanted)}",) if wanted is not None else ()
    elif rule is Rule.RELOCATION and "IRELATIVE" in verdict.reason:
        read, there = ("readelf -rW {} | grep IRELATIVE",), _THERE[Rule.SYMBOL]
    return Commands((*before, *(line.replace("{}", name) for line in read)), there)


# How a package's kind shows in its name → what prints one of its files; {0} is the package, {1} the file.
_PRINTERS = (
    (".deb", "dpkg-deb --fsys-tarfile {0} | tar -xO {1}"),
    (".rpm", "rpm2cpio {0} | cpio -i --to-stdout {1}"),
    (".apk", "tar -xOzf {0} {1}"),
    ((".whl", ".zip"), "unzip -p {0} {1}"),
    ("", "tar -xOf {0} {1}"),
)
# Members of tar and cpio archives may begin with `./`, which these tools do not take off.
_DOTTED = (".deb", ".rpm")


def _brought_out(path: str) -> tuple[tuple[str, ...], str]:
    """The command that brings a file out of the package that it is in, if it is in one; and its name then."""
    package, inside, member = path.partition("!/")
    if not inside:
        return (), quoted(path)
    name = quoted(member.rpartition("/")[2])
    if "!/" in member:
        return (f"# unpack {quoted(path.rpartition('!/')[0])}",), name
    printer = next(line for suffix, line in _PRINTERS if package.lower().endswith(suffix))
    dotted = f"./{member}" if package.lower().endswith(_DOTTED) else member
    return (f"{printer.format(quoted(package), quoted(dotted))} > {name}",), name


def quoted(name: str) -> str:
    """A name as one word of a shell, which no program takes for an option."""
    return shlex.quote(f"./{name}" if name.startswith("-") else name)
