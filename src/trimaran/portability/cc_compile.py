"""The checks of a C compiler itself: is it there, what does it make, and can it make a program?"""

import os
from collections.abc import Iterator
from pathlib import Path

from trimaran.errors import printable
from trimaran.portability import cc_packages, cc_reading
from trimaran.portability.cc_bench import ASKING, Answer, Bench
from trimaran.portability.cc_model import MACHINES, TRIPLETS, Check, State
from trimaran.toolchain.situation import program

_HEADERS = "".join(f"#include <{name}.h>\n" for name in ("errno", "pthread", "stdio", "stdlib", "sys/stat"))
_KERNEL_HEADERS = "#include <linux/errno.h>\n"
_MAIN = "int main(void) { return 0; }\n"
_THREADS = """#include <pthread.h>
static void *run(void *given) { return given; }
int main(void) {
  pthread_t thread;
  if (pthread_create(&thread, 0, run, 0)) return 1;
  return pthread_join(thread, 0);
}
"""


def checks(bench: Bench) -> Iterator[Check]:
    """Every check until one is bad; each further one would only fail for the same reason."""
    for ask in (compiler, triplet, headers, object_file, link, threads):
        found = ask(bench)
        yield found
        if found.state is State.BAD:
            return


def _bad(
    bench: Bench, name: str, code: str, said: str, needs: str = "", answer: Answer | None = None
) -> Check:
    packages = cc_packages.brings(needs, bench.target.arch, bench.native) if needs else {}
    by_hand = "mend what the compiler names" if answer else "call it by hand, and mend or replace it"
    fix = cc_packages.install(packages, bench.family) or by_hand
    said_there = f"{answer.err}\n{answer.out}".replace(f"{bench.folder}/", "") if answer else ""
    detail = tuple(map(printable, cc_reading.shown(said_there)))
    return Check(name, State.BAD, said, code, fix, packages, detail)


def path_of(bench: Bench) -> Path | None:
    """The compiler's file; None when there is none that can be run."""
    name = bench.command[0]
    found = Path(name) if "/" in name else program(name)
    return found if found is not None and found.is_file() and os.access(found, os.X_OK) else None


def compiler(bench: Bench) -> Check:
    """Is it there, and does it answer?"""
    name = printable(bench.command[0])
    path = path_of(bench)
    if path is None:
        there = "/" in name and Path(name).exists()
        said = f"{name} is there, but cannot be executed" if there else f"there is no compiler {name}"
        return _bad(bench, "compiler", "TRM1381", said, "compiler")
    answer = bench.run([*bench.command, "--version"], ASKING)
    if answer.why:
        return _bad(bench, "compiler", "TRM1382", f"{name} {answer.why}")
    if not answer.good:
        said = f"{name} does not work: --version ends with status {answer.status}"
        return _bad(bench, "compiler", "TRM1382", said, answer=answer)
    return Check(
        "compiler", State.GOOD, printable((answer.out.splitlines() or ["says nothing of itself"])[0])
    )


def triplet_of(bench: Bench) -> str:
    """What the compiler says that it makes; empty when it does not say."""
    answer = bench.run([*bench.command, "-dumpmachine"], ASKING)
    lines = answer.out.split()
    return printable(lines[0])[:80] if answer.good and len(lines) == 1 else ""


def triplet(bench: Bench) -> Check:
    """Does it make programs for the target's machine?"""
    said = triplet_of(bench)
    wanted = TRIPLETS.get(bench.target.arch, "").partition("-")[0]
    made = said.partition("-")[0]
    same = {"i386", "i486", "i586", "i686", "x86"} if wanted == "i686" else {wanted}
    if said and made not in same and not (wanted == "arm" and made.startswith("arm")):
        if "-m32" in bench.command or "-m64" in bench.command or "-target" in " ".join(bench.command):
            return Check("triplet", State.WARNING, f"it names itself {said}; its options say otherwise")
        return _foreign(bench, "triplet", f"makes programs for {said}, not for {bench.target.platform}")
    return Check("triplet", State.GOOD, said or "it does not say; an object file tells")


def _foreign(bench: Bench, name: str, what: str) -> Check:
    cross = f"{TRIPLETS.get(bench.target.arch, '')}-gcc"
    packages = cc_packages.brings("compiler", bench.target.arch, bench.native)
    said = f"{printable(' '.join(bench.command))} {what}"
    if program(cross) is not None and not bench.native:
        return Check(name, State.BAD, said, "TRM1383", f"export CC={cross}", packages)
    fix = (
        f"{cc_packages.install(packages, bench.family)}; export CC={cross}"
        if not bench.native
        else "unset CC"
    )
    return Check(name, State.BAD, said, "TRM1383", fix, packages)


def headers(bench: Bench) -> Check:
    """Are the C library's headers there, and the kernel's?"""
    for name, text in (("headers.c", _HEADERS), ("kernel.c", _KERNEL_HEADERS)):
        answer = bench.compile("-E", "-o", os.devnull, bench.write(name, text))
        if answer.good:
            continue
        missing = cc_reading.lack(answer.err)
        if name == "kernel.c":
            packages = cc_packages.brings("kernel-headers", bench.target.arch, bench.native)
            said = "without the kernel's headers (linux/errno.h): only packages that include them need it"
            fix = cc_packages.install(packages, bench.family)
            if bench.native and Path("/usr/include/linux/errno.h").exists():
                packages, fix = {}, "this compiler does not look in /usr/include; `zig cc` brings its own"
            return Check("headers", State.WARNING, said, "TRM1384", fix, packages)
        if answer.why:
            return _bad(bench, "headers", "TRM1382", f"the compiler {answer.why}")
        if missing.what not in {"headers", "kernel-headers"}:
            return _bad(bench, "headers", "TRM1382", "the compiler cannot even preprocess", answer=answer)
        said = f"the header {printable(missing.name)} of the C library is missing"
        # A cross compiler without headers of its own finds this machine's, and misses what those include; its
        # package of C headers needs the kernel's.
        return _bad(bench, "headers", "TRM1384", said, missing.what if bench.native else "headers", answer)
    return Check("headers", State.GOOD, "those of the C library and of the kernel are there")


def object_file(bench: Bench) -> Check:
    """What kind of object does it make, whatever it says?"""
    machine, answer = made(bench)
    if not machine:
        said = f"the compiler {answer.why or 'cannot compile an empty program'}"
        return _bad(bench, "object", "TRM1382", said, answer=answer)
    if machine != MACHINES.get(bench.target.arch, machine):
        return _foreign(bench, "object", f"makes objects for {machine}")
    return Check("object", State.GOOD, f"makes objects for {machine}")


def made(bench: Bench) -> tuple[str, Answer]:
    """The machine of an object that it makes, and its answer; empty when it makes none."""
    out = bench.folder / "main.o"
    answer = bench.compile("-c", "-o", str(out), bench.write("main.c", _MAIN))
    if not answer.good or not out.is_file():
        return "", answer
    with out.open("rb") as file:
        return cc_reading.machine(file.read(20)), answer


def link(bench: Bench) -> Check:
    """Are the C library and its startup files there to link with?"""
    answer = bench.compile("-o", str(bench.folder / "plain"), bench.write("main.c", _MAIN))
    if not answer.good:
        return _unlinked(bench, "link", answer)
    return Check("link", State.GOOD, "a C program links")


def threads(bench: Bench) -> Check:
    """Can a program have threads? Every program with cgo has."""
    source = bench.write("threads.c", _THREADS)
    answer = bench.compile("-pthread", "-o", str(bench.folder / "threads"), source)
    if not answer.good:
        return _unlinked(bench, "threads", answer, "TRM1387")
    return Check("threads", State.GOOD, "a program with threads links")


def _unlinked(bench: Bench, name: str, answer: Answer, code: str = "TRM1385") -> Check:
    if answer.why:
        return _bad(bench, name, "TRM1382", f"linking {answer.why}")
    missing = cc_reading.lack(answer.err)
    file = printable(missing.name)
    if missing.what == "machine":
        return _foreign(bench, name, "links with libraries of another machine")
    told = {
        "startup": ("TRM1385", f"{file}, a startup file of the C library, is missing", "startup"),
        "library": (code, f"the library {file} is missing", "startup"),
        "headers": ("TRM1384", f"the header {file} is missing", "headers"),
        "linker": ("TRM1391", "the compiler finds no linker", "linker"),
    }
    found, said, needs = told.get(missing.what, (code, "a program does not link", ""))
    return _bad(bench, name, found, said, needs, answer)


def sysroot(bench: Bench) -> str:
    """The folder with another machine's C library, found by its startup file; empty for this machine's own.

    What `-print-sysroot` says is not relied on: it is empty for ordinary native compilers, and `/` for
    Debian's cross compilers.
    """
    if bench.native:
        return ""
    answer = bench.run([*bench.command, "-print-file-name=crt1.o"], ASKING)
    path = Path(os.path.realpath(answer.out.strip())) if answer.good and "/" in answer.out else None
    if path is None or not path.is_file():
        return ""
    # …/aarch64-linux-gnu/lib/crt1.o: the loader's path starts at the folder above lib.
    return next((str(each.parent) for each in path.parents if each.name in {"lib", "lib64"}), "")
