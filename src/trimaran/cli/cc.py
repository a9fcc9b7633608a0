"""`trimaran cc`: the C toolchains that builds with cgo use."""

import json
import re

import click

from trimaran.cli import paths
from trimaran.cli.steps import Step, width
from trimaran.errors import Exit, fail, printable
from trimaran.facts import Distribution, distributions
from trimaran.portability import cc as examining
from trimaran.portability import cc_report
from trimaran.portability.cc import Asked
from trimaran.portability.cc_model import MACHINES, Examination, Target
from trimaran.rootfs import Root, roots
from trimaran.toolchain.install import this_machine

_PLATFORM = re.compile(r"linux/[a-z0-9]{2,10}")


@click.group("cc")
def command() -> None:
    """Examine the C toolchain that a build with cgo would use."""


@command.command("doctor")
@click.option(
    "--for", "target", metavar="TARGET", help="linux/amd64, linux/arm64…, or a distribution; default: here."
)
@click.option(
    "--compare", nargs=2, metavar="A B", help="Two targets or compilers, as gcc and 'zig cc -target …'."
)
@click.option(
    "--pkg-config", "libraries", metavar="NAMES", default="", help="Libraries that pkg-config has to know."
)
@click.option(
    "-o", "--output", "form", type=click.Choice(["text", "json"]), default="text", help="How to print."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def doctor(
    target: str | None, compare: tuple[str, str] | None, libraries: str, *, form: str, quiet: bool
) -> Exit:
    """Compile, link and run a program of Go and C, and name what is missing.

    The compiler is the one that Go would call, as CC says. A program for another machine is run under qemu's
    user mode. Exits 1 when something stands in the way of a build.
    """
    if compare and target:
        raise fail("TRM1380", "--for and --compare are given together", "use one of them")
    step = Step("cc", quiet)
    wanted = tuple(word.strip() for word in libraries.split(",") if word.strip())
    names = compare or (target or "/".join(this_machine()),)
    found = [_examined(name, wanted, step, any_compiler=bool(compare)) for name in names]
    step.clear()
    _print(found, form, side_by_side=bool(compare))
    return Exit.FINDINGS if any(any(each.bad) for each in found) else Exit.CLEAN


def _examined(name: str, libraries: tuple[str, ...], step: Step, *, any_compiler: bool) -> Examination:
    known = dict(distributions())
    at_hand = {each.distribution.id: each for each in roots(paths.data() / "rootfs").values()}
    known |= {name: root.distribution for name, root in at_hand.items()}
    target = _target(name, known, step, any_compiler=any_compiler)
    root: Root | None = at_hand.get(target.distribution)
    distribution: Distribution | None = known.get(target.distribution)
    step.progress(f"examining {printable(name)}")
    return examining.examine(target, Asked(libraries, distribution, root, paths.cache()), step.progress)


def _target(name: str, known: dict[str, Distribution], step: Step, *, any_compiler: bool) -> Target:
    here = "/".join(this_machine())
    if name in known:
        return Target(name, here, name)
    if _PLATFORM.fullmatch(name):
        if name.partition("/")[2] not in MACHINES:
            fix = "known are " + ", ".join(f"linux/{arch}" for arch in MACHINES)
            raise fail("TRM1380", f"no C toolchain is known for {name}", fix)
        return Target(name, name)
    if any_compiler:
        arch = examining.machine(name, paths.cache(), step.progress)
        return Target(name, f"linux/{arch}", compiler=name)
    fix = f"name a platform, as linux/arm64, or a distribution: {', '.join(known)}"
    raise fail("TRM1380", f"{printable(name)!r} is neither a platform nor a known distribution", fix)


def _print(found: list[Examination], form: str, *, side_by_side: bool) -> None:
    if form == "json":
        click.echo(json.dumps(cc_report.document(found), indent=2, ensure_ascii=False))
        return
    lines = cc_report.compared(found, width()) if side_by_side else cc_report.text(found[0], width())
    for line in lines:
        click.echo(line)
