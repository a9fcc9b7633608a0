"""The page that explains a rule, and commands that show with stock tools what it looked at. Pure."""

import re
import shlex
from typing import NamedTuple

from trimaran.binary.model import File, Rule, Verdict
from trimaran.errors import printable

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
    before, name = _brought_out(file)
    read, there = _HERE.get(rule, ()), _THERE.get(rule, ())
    if rule is Rule.INTERPRETER and file.interpreter is not None:
        there = (f"ls -l {quoted(file.interpreter)}",)
    elif rule is Rule.LIBRARY:
        wanted = next((library for library in file.needed if library in verdict.reason), None)
        there = (f"find / -xdev -name {quoted(wanted)}",) if wanted is not None else ()
    elif rule is Rule.RELOCATION and "IRELATIVE" in verdict.reason:
        read, there = ("readelf -rW {} | grep IRELATIVE",), _THERE[Rule.SYMBOL]
    return Commands((*before, *(line.replace("{}", name) for line in read)), there)


# What prints one file of a package: {0} is the package, {1} the file; of an image, {2} is the layer that it
# is in, and {3} what expands that. Some tools end a layer inside a block, and tar then calls it broken.
_PRINTERS = {
    "deb": "dpkg-deb --fsys-tarfile {0} | tar -xO {1}",
    "rpm": "rpm2cpio {0} | cpio -i --to-stdout {1}",
    "zip": "unzip -p {0} {1}",
    "folder": "({3} < {0}/{2}; head -c 2K /dev/zero) | tar -xO {1}",
    "archive": "(tar -xOf {0} --wildcards '*{2}' | {3}; head -c 2K /dev/zero) | tar -xO {1}",
    "alone": "{3} < {0}",
}
_EXPANDERS = {
    "": "cat",
    "gzip": "gzip -dc",
    "bzip2": "bzip2 -dc",
    "xz": "xz -dc",
    "lzma": "xz -dc --format=lzma",
    "zstd": "zstd -dc",
}


def _brought_out(file: File) -> tuple[tuple[str, ...], str]:
    """The command that brings a file out of the package that it is in, if it is in one; and its name then."""
    origin = file.origin
    if origin is None:
        return (), quoted(file.path)
    member, package = printable(origin.member), quoted(origin.package)
    name = quoted(member.rstrip("/").rpartition("/")[2])
    if origin.form == "adb":
        # It unpacks all of a package or nothing.
        command = f"apk extract --allow-untrusted --no-chown --destination . {package}"
        return (command,), quoted(member.lstrip("/"))
    # tar finds out how a file is compressed.
    printer = _PRINTERS.get(origin.form, "tar -xOf {0} {1}")
    layer = re.sub("[^A-Za-z0-9/._:@-]", "?", origin.layer)
    words = (package, _asked(origin.form, member), layer, _EXPANDERS.get(origin.compression, "cat"))
    return (f"{printer.format(*words)} > {name}",), name


def _asked(form: str, member: str) -> str:
    """How the package's tool is asked for a member, as words of a shell."""
    if form == "rpm":
        # cpio takes patterns; the names are as rpm2cpio writes them.
        return shlex.quote(f"./{_pattern(member.removeprefix('./').lstrip('/'))}")
    if form == "zip":
        return shlex.quote(_pattern(member))
    return f"-- {shlex.quote(member)}" if member.startswith("-") else shlex.quote(member)


def _pattern(name: str) -> str:
    """What matches that name alone, and is no option."""
    found = re.sub(r"[][*?\\]", lambda sign: f"\\{sign[0]}", name)
    return f"[-]{found[1:]}" if found.startswith("-") else found


def quoted(name: str) -> str:
    """A name as one word of a shell, which no program takes for an option."""
    return shlex.quote(f"./{name}" if name.startswith("-") else name)
