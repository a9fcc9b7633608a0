"""Examines the C toolchain that a build with cgo would use, by using it.

What a compiler says of itself is a hint; what it compiles, links and starts is the answer.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from trimaran.binary import Outcome, inspect_file, verdict
from trimaran.errors import fail, printable
from trimaran.facts import Distribution
from trimaran.portability import cc_compile, cc_pkgconfig, cc_probe, cc_reading
from trimaran.portability.cc_bench import Bench, this_family, variables
from trimaran.portability.cc_model import MACHINES, TRIPLETS, Check, Examination, State, Target
from trimaran.portability.verify import verify
from trimaran.rootfs.model import Root
from trimaran.toolchain import Progress, gocommand, zig
from trimaran.toolchain.choose import choose
from trimaran.toolchain.gocommand import Go
from trimaran.toolchain.install import this_machine
from trimaran.toolchain.situation import program

_GO_OWN = frozenset({"gcc", "clang", "cc"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What an examination is asked beyond its target.

    Args:
        libraries: names that pkg-config must know.
        distribution: on which the probe has to start; None for none.
        root: that distribution's root file system, when it is at hand.
        cache: Trimaran's cache folder.
    """

    libraries: tuple[str, ...]
    distribution: Distribution | None
    root: Root | None
    cache: Path


def examine(target: Target, asked: Asked, progress: Progress) -> Examination:
    """Try the toolchain for a target.

    Raises TRM1380 for a CC that cannot be read, and TRM03xx when there is no Go and none can be had.
    """
    _words(target.compiler or os.environ.get("CC") or "gcc")
    go = choose(None, None, asked.cache, progress)
    with tempfile.TemporaryDirectory(prefix="trimaran-cc-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        system, _, arch = target.platform.partition("/")
        own = {"GOOS": system, "GOARCH": arch, "CGO_ENABLED": "1", **zig.environment(asked.cache)}
        base = gocommand.environment(folder, own)
        # Asked for more than this, Go runs the compiler, which may hang.
        values = gocommand.settings(go.command, base, folder, ("CC",))
        said, choice = _choice(target, values.get("CC") or "gcc")
        bench = Bench(target, go, _words(said), folder, base | {"CC": said}, this_family(), progress)
        found = Examination(target, (_go(go), *_variables(), *choice), printable(said))
        return _examined(found, bench, asked)


def _examined(found: Examination, bench: Bench, asked: Asked) -> Examination:
    compiled = tuple(cc_compile.checks(bench))
    first = compiled[0]
    found = replace(
        found,
        checks=(*found.checks, *compiled),
        version=first.said if first.state is State.GOOD else "",
        triplet=cc_compile.triplet_of(bench) if first.state is State.GOOD else "",
        sysroot=cc_compile.sysroot(bench) if first.state is State.GOOD else "",
        plain=cc_probe.linked(bench.folder / "plain"),
    )
    found = replace(found, checks=(*found.checks, cc_pkgconfig.check(bench, asked.libraries)))
    if any(check.state is State.BAD for check in compiled):
        left = tuple(Check(name, State.LEFT_OUT, "not tried: see above") for name in ("probe", "run"))
        return replace(found, checks=(*found.checks, *left))
    return _probed(found, bench, asked)


def _probed(found: Examination, bench: Bench, asked: Asked) -> Examination:
    built, made = cc_probe.build(bench)
    if made is None:
        left = Check("run", State.LEFT_OUT, "not tried: see above")
        return replace(found, checks=(*found.checks, _sysroot(found, bench), built, left))
    ran, emulator = cc_probe.run(bench, made, found.sysroot)
    more = [_sysroot(found, bench), built, ran, *_there(made, asked)]
    under = (emulator.command.name, *emulator.argv(made)[1:-1]) if emulator else ()
    return replace(found, checks=(*found.checks, *more), probe=cc_probe.linked(made), runner=under)


def _choice(target: Target, said: str) -> tuple[str, tuple[Check, ...]]:
    """CC as Go reads it; where Go would call the wrong machine's compiler, the one that is meant."""
    if target.compiler:
        return target.compiler, ()
    cross = f"{TRIPLETS.get(target.arch, '')}-gcc"
    # Go's own default is this machine's compiler for every target: CC_FOR_… is read when Go itself is built.
    by_default = not os.environ.get("CC") and said in _GO_OWN
    if target.platform == "/".join(this_machine()) or not by_default or program(cross) is None:
        return said, ()
    what = f"CC is not set: Go would call {said} for {target.platform}. Examined is {cross}"
    return cross, (Check("choice", State.BAD, what, "TRM1383", f"export CC={cross} CGO_ENABLED=1"),)


def _words(text: str) -> tuple[str, ...]:
    try:
        words = tuple(cc_reading.words(text))
    except ValueError as error:
        raise fail("TRM1380", f"CC is {printable(text)!r}: {error}", "close the quotation in CC") from None
    if not words:
        raise fail("TRM1380", "the compiler's name is empty", "unset CC, or name a compiler in it")
    return words


def _go(go: Go) -> Check:
    return Check("go", State.GOOD, f"Go {go.version}")


def _variables() -> Iterator[Check]:
    names = variables()
    if names:
        what = f"nothing reads {printable(', '.join(names))}: Go reads CC"
        fix = "name the compiler in CC; CC_FOR_… counts only when Go itself is built"
        yield Check("variables", State.WARNING, what, "TRM1393", fix)


def _sysroot(found: Examination, bench: Bench) -> Check:
    if bench.native:
        return Check("sysroot", State.GOOD, "this machine's own")
    said = f"the C library is in {printable(found.sysroot)}" if found.sysroot else "the compiler's own"
    return Check("sysroot", State.GOOD, said)


def _there(made: Path, asked: Asked) -> Iterator[Check]:
    """Does what it links start on the distribution?"""
    distribution = asked.distribution
    if distribution is None:
        return
    if asked.root is not None:
        proof = verify(made, asked.root)
        found, how = proof.verdict, "run there"
    else:
        found, how = verdict(inspect_file(made), distribution), "predicted"
    said = f"{distribution.id}: {found.outcome}, {how}: {found.reason}"
    if found.outcome is Outcome.RUNS:
        yield Check("distribution", State.GOOD, said)
        return
    state = State.BAD if found.outcome is Outcome.FAILS else State.WARNING
    yield Check("distribution", state, said, "TRM1392", "see which way to build serves it: `trimaran fix`")


def machine(command: str, cache: Path, progress: Progress) -> str:
    """GOARCH of what a compiler makes, by an object file of it; this machine's when it makes none."""
    with tempfile.TemporaryDirectory(prefix="trimaran-cc-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        settings = gocommand.environment(folder, zig.environment(cache))
        here = Target(command, "/".join(this_machine()), compiler=command)
        go = choose(None, None, cache, progress)
        bench = Bench(here, go, _words(command), folder, settings, "", progress)
        # One that does not even say its version is examined no further, and told so later.
        works = cc_compile.compiler(bench).state is State.GOOD
        made = cc_compile.made(bench)[0] if works else ""
    return next((arch for arch, name in MACHINES.items() if name == made), here.arch)
