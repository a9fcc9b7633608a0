"""Which C library a build with cgo is linked to, and what `go build` has to be told for it."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trimaran.errors import fail, printable
from trimaran.toolchain import zig
from trimaran.toolchain.install import this_machine
from trimaran.toolchain.model import Progress
from trimaran.toolchain.situation import identity, program

_EXTERNAL = "-linkmode=external"
MUSL_FLAGS = (f'-ldflags={_EXTERNAL} -extldflags "-static"',)
STATIC_FLAGS = ("-buildmode=pie", f'-ldflags={_EXTERNAL} -extldflags "-static-pie"')


@dataclass(frozen=True, slots=True)
class Linking:
    """What a build is told beyond what it would do by itself.

    Args:
        flags: of `go build` and `go install`.
        environment: variables, `CC` among them where another compiler is to be used.
        compiler: the program that stands first in CC; None where Go's own choice holds.
        said: how it is linked, for a person; empty where nothing is told.
        variables: those of `environment` that a person types to choose the compiler, as `CC=musl-gcc`.
    """

    flags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    compiler: Path | None = None
    said: str = ""
    variables: tuple[str, ...] = ()


AS_IT_IS = Linking()


def linking(libc: str, platform: str, cache: Path, progress: Progress, *, cplusplus: bool = False) -> Linking:
    """How to link to `libc` (`musl`, `glibc-static`, `glibc-2.28`; empty for the machine's own).

    For musl, musl-gcc is used where it makes programs for the platform, else Zig, which is brought when it is
    not at hand. musl-gcc knows no C++: Go would compile that, and link all of it, with the machine's own g++,
    and so to glibc.

    Args:
        cplusplus: whether there is C++ in it.

    Raises TRM0336 when the platform has no such library, TRM0337 when Zig cannot be had.
    """
    if not libc:
        return AS_IT_IS
    if libc == "glibc-static":
        return Linking(STATIC_FLAGS, said="glibc linked in, as a position-independent program")
    flags = MUSL_FLAGS if libc == "musl" else ()
    said = "musl linked in" if libc == "musl" else f"for glibc {libc.partition('-')[2]} and newer"
    own = musl_gcc(platform) if libc == "musl" and not cplusplus else None
    if own is not None:
        return Linking(flags, {"CC": quoted(str(own))}, own, f"{said}, by musl-gcc", ("CC=musl-gcc",))
    try:
        target = zig.target(platform, libc)
    except ValueError as error:
        raise fail("TRM0336", printable(str(error)), "leave spec.build.libc out for this platform") from None
    found = zig.ensure(cache, progress)
    name = quoted(str(found.command))
    compilers = {"CC": f"{name} cc -target {target}", "CXX": f"{name} c++ -target {target}"}
    environment = compilers | zig.environment(cache)
    typed = (f"CC=zig cc -target {target}", *([f"CXX=zig c++ -target {target}"] if cplusplus else []))
    return Linking(flags, environment, found.command, f"{said}, by Zig {found.version}", typed)


def musl_gcc(platform: str) -> Path | None:
    """The wrapper `musl-gcc`, which makes programs for this machine only; None when it does not serve."""
    return program("musl-gcc") if platform == "/".join(this_machine()) else None


def fingerprint(libc: str, cache: Path) -> list[object]:
    """The identity of the compilers that `linking` would choose from, without running any."""
    if not libc:
        return []
    found = [identity(program(name)) for name in ("musl-gcc", "zig")]
    return [*found, os.environ.get("CXX", ""), zig.VERSION, (cache / "zig" / zig.VERSION).is_dir()]


def quoted(word: str) -> str:
    """`word` as Go reads it in CC: in quotes when it has blanks (cmd/internal/quoted)."""
    if not re.search(r"[\s'\"]", word):
        return word
    mark = '"' if "'" in word else "'"
    return f"{mark}{word}{mark}"
