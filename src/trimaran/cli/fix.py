"""`trimaran fix`: ways to build a program so that it starts where it is wanted, each tried."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from trimaran.cli import paths
from trimaran.cli.steps import Steps, width
from trimaran.deliver import programs
from trimaran.errors import Exit, Problem, TrimaranError, Where, fail, printable
from trimaran.facts import Distribution, distributions
from trimaran.portability import fix as fixing
from trimaran.portability import fix_report
from trimaran.portability.cc_model import MACHINES
from trimaran.portability.fix import Trial
from trimaran.portability.fix_model import Subject, Tried, ranked
from trimaran.portability.predict_request import misspelt
from trimaran.rootfs import Root, roots
from trimaran.spec import load
from trimaran.spec.load import Declared
from trimaran.toolchain import BuildRequest, Cgo

_WAYS = ("pure", "tags", "glibc", "musl", "static")


class _Dashed(click.Command):
    """A command whose arguments after `--` belong to the program, also when nothing stands before it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.obj = tuple(args[at + 1 :])
        return super().parse_args(ctx, args[:at])


@dataclass(frozen=True, slots=True)
class _Options:
    """What the user chose."""

    subject: str
    wanted: tuple[str, ...]
    named: str | None
    every: bool
    form: str
    quiet: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """The subject, how it is built now, and where it is said to run."""

    subject: Subject
    request: BuildRequest
    runs_on: tuple[str, ...]


@click.command("fix", cls=_Dashed)
@click.argument("subject", metavar="[SERVICE.YAML|FOLDER|./cmd/x] [-- ARGS]", default="")
@click.option("--for", "wanted", metavar="IDS", multiple=True, help="Where it has to start; default: runsOn.")
@click.option("--ways", "named", metavar="NAMES", help=f"Only these: {','.join(_WAYS)}.")
@click.option("--all", "every", is_flag=True, help="Try every way, also when nothing has to change.")
@click.option(
    "-o", "--output", "form", type=click.Choice(["text", "json"]), default="text", help="How to print."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> Exit:
    """Find a way to build a program so that it starts on every wanted distribution.

    Each way is built, judged for every distribution, and run in each root file system at hand with the
    arguments after `--`. Nothing of yours is changed; the line for service.yaml is printed. Exits 1 when no
    way serves.
    """
    chosen = _Options(**given)
    asked = _asked(chosen.subject, tuple(ctx.obj))
    steps = Steps(chosen.quiet, silent=chosen.form == "json")
    at_hand = roots(paths.data() / "rootfs")
    wanted = _wanted(chosen.wanted, asked.runs_on, at_hand)
    there = _runnable(at_hand, wanted, asked.request.platform)
    trial = Trial(asked.request, wanted, there, asked.subject.arguments, paths.cache())
    report = _report(asked.subject, trial, _selected(chosen.named), steps, every=chosen.every)
    if chosen.form == "json":
        click.echo(json.dumps(fix_report.document(report), indent=2, ensure_ascii=False))
    else:
        click.echo()
        for line in fix_report.text(report, width()):
            click.echo(line)
    if report.before.serves or report.chosen is not None:
        return Exit.CLEAN
    fix = "take a distribution out of runsOn, or replace the module that brings the C (`trimaran blame`)"
    what = f"no way to build {asked.subject.name} serves {', '.join(report.wanted)}"
    raise TrimaranError(Problem("TRM1363", what, fix), status=Exit.FINDINGS)


def _report(
    subject: Subject, trial: Trial, named: Sequence[str], steps: Steps, *, every: bool
) -> fix_report.Report:
    with steps.step("before") as step:
        before = fixing.try_before(trial, step.progress)
        step.say(_told(before))
    tried: list[Tried] = []
    instead: tuple[str, ...] = ()
    if every or not before.serves:
        with steps.step("sources") as step:
            ways, instead = fixing.find_ways(trial, step.progress)
            ways = tuple(way for way in ways if way.name.partition("-2.")[0] in named)
            step.say(f"{len(ways)} ways to try")
        for way in ways:
            with steps.step(way.name.partition("-")[0]) as step:
                tried.append(fixing.try_way(way, trial, before, step.progress))
                step.say(_told(tried[-1]))
    names = tuple(each.id for each in trial.wanted)
    best = ranked(tried, names)
    commands = {each.way.name: fixing.commands(each, subject) for each in (before, *best) if each.path}
    return fix_report.Report(subject, before, best, names, commands, instead)


def _told(tried: Tried) -> str:
    if tried.way.refused:
        return "refused"
    if tried.problem is not None:
        return f"not built: {tried.problem.what}"
    good = sum(each.outcome == "runs" for each in tried.verdicts)
    return f"{tried.kind}, {tried.size_bytes / 1e6:.1f} MB, serves {good} of {len(tried.verdicts)}"


def _asked(name: str, arguments: tuple[str, ...]) -> _Asked:
    place = Path(name or ("service.yaml" if Path("service.yaml").is_file() else "."))
    if place.is_dir() and name and (place / "service.yaml").is_file():
        place /= "service.yaml"
    if place.is_file() or place.suffix in {".yaml", ".yml"}:
        return _of_declaration(load.service(str(place)), str(place), arguments)
    return _of_folder(place, name or ".", arguments)


def _of_declaration(declared: Declared, name: str, arguments: tuple[str, ...]) -> _Asked:
    spec = declared.service.spec
    build = spec.build
    if build is None:
        what = "the service brings an image or a binary that was built elsewhere"
        raise fail("TRM1361", what, "declare spec.build, or name the folder of its source", Where(name))
    platform = _platform(build.platforms)
    where = declared.document.where(("spec", "build"))
    given = build.model_fields_set
    said = {"cgo": str(build.cgo)} if "cgo" in given else {}
    said |= {"tags": f"[{', '.join(build.tags)}]"} if build.tags else {}
    said |= {"libc": build.libc} if build.libc else {}
    module = f"{build.module}@{build.version}" if build.module else ""
    folder = str(Path(name).parent / build.path) if build.path is not None else ""
    subject = Subject(
        declared.service.name, folder, build.package, module, platform, said, f"{name}:{where.line}",
        arguments or tuple(spec.command.args),
    )  # fmt: skip
    return _Asked(subject, programs.request(declared, build, platform), spec.runs_on)


def _platform(platforms: Sequence[str]) -> str:
    return "linux/amd64" if "linux/amd64" in platforms else platforms[0]


def _of_folder(place: Path, name: str, arguments: tuple[str, ...]) -> _Asked:
    folder = place.resolve()
    if not folder.is_dir():
        fix = "name a declaration, or the folder of a main package, as ./cmd/x"
        raise fail("TRM1361", "there is no such file or folder", fix, Where(printable(name)))
    root = next((each for each in (folder, *folder.parents) if (each / "go.mod").is_file()), None)
    if root is None:
        what = "no go.mod is here or in a folder above"
        raise fail("TRM1361", what, "name a folder inside a Go module", Where(printable(name)))
    inside = folder.relative_to(root).as_posix()
    package = "." if inside == "." else f"./{inside}"
    # What `go build` does where a C compiler is at hand.
    request = BuildRequest(path=root, package=package, cgo=Cgo.ON)
    shown = str(place) if inside == "." else str(place.parent) if place.parent == root else str(root)
    return _Asked(Subject(name, shown, package, "", request.platform, arguments=arguments), request, ())


def _wanted(
    named: Sequence[str], runs_on: Sequence[str], at_hand: dict[str, Root]
) -> tuple[Distribution, ...]:
    known = dict(distributions())
    known |= {each.distribution.id: each.distribution for each in at_hand.values()}
    words = [word.strip() for text in named for word in text.split(",") if word.strip()]
    wanted = list(dict.fromkeys(words or runs_on or [each.distribution.id for each in at_hand.values()]))
    if named and not words:
        raise fail("TRM0210", "--for names no distribution", f"known are {', '.join(known)}")
    wrong = [name for name in wanted if name not in known]
    if wrong:
        raise TrimaranError(*(misspelt(name, tuple(known)) for name in wrong))
    return tuple(known[name] for name in wanted or known)


def _runnable(at_hand: dict[str, Root], wanted: Sequence[Distribution], platform: str) -> dict[str, Root]:
    names, machine = {each.id for each in wanted}, MACHINES.get(platform.partition("/")[2])
    found = [each for each in at_hand.values() if each.machine == machine]
    return {each.distribution.id: each for each in found if each.distribution.id in names}


def _selected(named: str | None) -> tuple[str, ...]:
    if named is None:
        return _WAYS
    words = tuple(word.strip() for word in named.split(",") if word.strip())
    wrong = [word for word in words if word not in _WAYS]
    if wrong or not words:
        raise fail(
            "TRM1362", f"there is no way {', '.join(wrong) or 'named'}", f"known are {', '.join(_WAYS)}"
        )
    return words
