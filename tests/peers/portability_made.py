"""Small C programs and libraries, each made to ask for one thing that some distributions lack.

They are compiled by the compilers of this machine, and kept in the user's cache by what they are made of.
"""

import hashlib
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.rootfs import CACHE, PATH

_SAY = '#include <stdio.h>\nint main(void) { puts("here"); return 0; }\n'
_USERS = '#include <pwd.h>\n#include <stdio.h>\nint main(void) { struct passwd *it = getpwnam("root"); puts(it ? it->pw_dir : "none"); return !it; }\n'  # noqa: E501
_HOSTS = '#include <netdb.h>\n#include <stdio.h>\nint main(void) { struct addrinfo *it; int no = getaddrinfo("localhost", "80", 0, &it); puts(no ? "none" : "found"); return no; }\n'  # noqa: E501
_ALONE = 'void _start(void) { __asm__ volatile("mov $60, %eax; xor %edi, %edi; syscall"); }\n'
_PART = "int part(void) { return 7; }\n"
_CHOICE = 'int one(void) { return 1; }\nint (*choose(void))(void) { return one; }\nint chosen(void) __attribute__((ifunc("choose"), visibility("hidden")));\nint part(void) { return chosen(); }\n'  # noqa: E501
_EXPORTED = _CHOICE.replace(', visibility("hidden")', "")
_PLUGIN = "int host(void);\nint part(void) { return host(); }\n"
_WHOLE = "int part(void);\nint main(void) { return part() != 7; }\n"


@dataclass(frozen=True, slots=True)
class Made:
    """A program to compile.

    Args:
        flags: for the compiler, behind the source; `{folder}` is where it is made.
        part: name of a library to make first, from `_PART`; empty for none.
        keep_part: whether the library stays beside the program.
        below: how many folders the program stands below that library.
        function: what that library has in it.
    """

    source: str = _SAY
    flags: tuple[str, ...] = ()
    compiler: str = "gcc"
    part: str = ""
    keep_part: bool = False
    below: int = 0
    function: str = "part"


def _calls(name: str) -> Made:
    """A program for musl that calls a function that only glibc has; a stub of libm satisfies the linker."""
    source = f"void *{name}(void);\nint main(void) {{ return {name}() == 0; }}\n"
    return Made(source, ("{folder}/libm.so",), "musl-gcc", "libm.so", function=name)


_CALLS = {
    "exit": "exit(0)", "puts": 'puts("here"); exit(0)', "getenv": 'exit(getenv("NONE") != 0)',
    "strlen": 'exit((int)strlen("") )', "getpid": "exit(getpid() < 1)",
}  # fmt: skip


def _packed(call: str) -> Made:
    """A program with packed relocations that asks for nothing else that is new."""
    headers = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n"
    table = "int one, two; int *volatile table[] = {&one, &two};\n"
    start = f"void _start(void) {{ if (table[0] != &one) __builtin_trap(); {call}; }}\n"
    flags = ("-O1", "-nostartfiles", "-fno-builtin", "-mstackrealign", "-Wl,-z,pack-relative-relocs")
    return Made(headers + table + start, flags)


MADE = {
    "c": Made(),
    "c-static": Made(flags=("-static",)),
    "c-static-pie": Made(flags=("-static-pie",)),
    "c-musl": Made(compiler="musl-gcc"),
    "c-musl-static": Made(flags=("-static",), compiler="musl-gcc"),
    "c-users": Made(_USERS),
    "c-users-static": Made(_USERS, ("-static",)),
    "c-users-static-pie": Made(_USERS, ("-static-pie",)),
    "c-users-musl": Made(_USERS, ("-static",), "musl-gcc"),
    "c-hosts-static": Made(_HOSTS, ("-static",)),
    "c-alone": Made(_ALONE, ("-nostdlib", "-static")),
    "c-no-library": Made(_ALONE, ("-nostdlib", "-pie")),
    "c-execstack": Made(flags=("-zexecstack",)),
    "c-relr": Made(flags=("-Wl,-z,pack-relative-relocs",)),
    "c-relr-static-pie": Made(flags=("-static-pie", "-Wl,-z,pack-relative-relocs")),
    # mold 1.10 packs them, and leaves out what glibc wants to be asked for then.
    "c-relr-unmarked": Made(flags=("-fuse-ld=mold", "-Wl,-z,pack-relative-relocs")),
    "c-library-relr-unmarked": Made(
        "void *table[] = {&table, &table}; int puts(const char *); int part(void) { return puts(0); }\n",
        ("-shared", "-fPIC", "-fuse-ld=mold", "-Wl,-z,pack-relative-relocs"),
    ),
    "c-sysv-hash": Made(flags=("-Wl,--hash-style=sysv",)),
    "c-gnu2-tls": Made(
        "__thread int mine;\n" + _SAY, ("-mtls-dialect=gnu2",)
    ),
    **{f"c-isa-v{level}": Made(flags=(f"-Wl,-z,x86-64-v{level}",)) for level in (2, 3, 4)},
    **{f"c-isa-v{level}-static": Made(flags=("-static", f"-Wl,-z,x86-64-v{level}")) for level in (3,)},
    "c-unloaded": Made(flags=("-pie", "-Wl,--no-dynamic-linker")),
    "c-unloaded-users": Made(_USERS, ("-pie", "-Wl,--no-dynamic-linker")),
    "c-unloaded-musl": Made(flags=("-pie", "-Wl,--no-dynamic-linker"), compiler="musl-gcc"),
    "c-loader-nowhere": Made(flags=("-Wl,--dynamic-linker=/nowhere/ld.so",)),
    "c-loader-usr": Made(flags=("-Wl,--dynamic-linker=/usr/lib64/ld-linux-x86-64.so.2",)),
    "c-loader-multiarch": Made(
        flags=("-Wl,--dynamic-linker=/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",)
    ),
    "c-part-missing": Made(_WHOLE, ("{folder}/libpart.so.1",), part="libpart.so.1"),
    "c-part-beside": Made(
        _WHOLE, ("{folder}/libpart.so.1", "-Wl,-rpath,$ORIGIN"), part="libpart.so.1", keep_part=True
    ),
    "c-part-lost": Made(_WHOLE, ("{folder}/libpart.so.1", "-Wl,-rpath,$ORIGIN"), part="libpart.so.1"),
    "c-part-rpath": Made(
        _WHOLE, ("{folder}/libpart.so.1", "-Wl,--disable-new-dtags,-rpath,/opt/none"), part="libpart.so.1"
    ),
    "c-part-far-above": Made(
        _WHOLE, ("{folder}/libpart.so.1", "-Wl,-rpath,$ORIGIN/../../.."), part="libpart.so.1",
        keep_part=True, below=3,
    ),
    "c-ifunc": Made(_CHOICE + "int main(void) { return part() != 1; }\n"),
    "c-ifunc-static": Made(_CHOICE + "int main(void) { return part() != 1; }\n", ("-static",)),
    "c-ifunc-musl": Made(_CHOICE + "int main(void) { return part() != 1; }\n", compiler="musl-gcc"),
    "c-library-ifunc": Made(_CHOICE, ("-shared", "-fPIC", "-nostdlib")),
    "c-library-ifunc-called": Made(_EXPORTED, ("-shared", "-fPIC", "-nostdlib")),
    "c-library-ifunc-exported": Made(_EXPORTED.partition("int part")[0], ("-shared", "-fPIC", "-nostdlib")),
    "c-library-plugin": Made(_PLUGIN, ("-shared", "-fPIC", "-nostdlib", "-Wl,-e,part")),
    "c-library-arm64": Made(_PART, ("-shared", "-fPIC"), "aarch64-linux-gnu-gcc"),
    **{f"c-relr-{name}": _packed(call) for name, call in _CALLS.items()},
    "c-library": Made(_PART, ("-shared", "-fPIC")),
    "c-library-alone": Made(_PART, ("-shared", "-fPIC", "-nostdlib")),
    "c-library-textrel": Made(
        "int mine; int *part(void) { return &mine; }\n",
        ("-shared", "-mcmodel=large", "-fno-pic", "-Wl,-z,notext"),
    ),
    "c-library-execstack": Made(_PART, ("-shared", "-fPIC", "-zexecstack")),
    **{
        f"c-musl-{name}": _calls(name)
        for name in ("fts_open", "backtrace", "argp_parse", "obstack_free", "gnu_get_libc_version")
    },
}  # fmt: skip


def made(name: str) -> Path:
    """The program, from the cache where it was made before."""
    what = MADE[name]
    key = hashlib.sha256(f"{what!r}{_release(what.compiler)}".encode()).hexdigest()[:16]
    ready = CACHE / "c-programs" / f"{name}-{key}"
    if not ready.is_dir():
        ready.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=ready.parent, prefix=".making-", ignore_cleanup_errors=True
        ) as temporary:
            folder = Path(temporary) / "made"
            folder.mkdir()
            _make(name, what, folder)
            folder.rename(ready)
    return ready / _place(name, what)


def _place(name: str, what: Made) -> Path:
    return Path(*["below"] * what.below, name)


def _make(name: str, what: Made, folder: Path) -> None:
    if what.part:
        (folder / "part.c").write_text(_PART.replace("part", what.function), "utf-8")
        soname = f"-Wl,-soname,{what.part}"
        _run(folder, "gcc", "-shared", "-fPIC", "-nostdlib", soname, "-o", what.part, "part.c")
    (folder / "program.c").write_text(what.source, "utf-8")
    flags = [flag.replace("{folder}", str(folder)) for flag in what.flags]
    program = _place(name, what)
    (folder / program).parent.mkdir(parents=True, exist_ok=True)
    _run(folder, what.compiler, "-w", "-o", str(program), "program.c", *flags)
    if what.part and not what.keep_part:
        (folder / what.part).unlink()


def _run(folder: Path, *argv: str) -> None:
    done = subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, check=False, env={"PATH": PATH}, timeout=60
    )
    assert done.returncode == 0, done.stderr


@cache
def _release(compiler: str) -> str:
    asked = [compiler, "--version"]
    return subprocess.run(asked, capture_output=True, text=True, check=True, env={"PATH": PATH}).stdout
