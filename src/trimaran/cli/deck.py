"""What the daily verbs have in common: their options, and the way from a declaration to its renderings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from trimaran.binary import File, Outcome, Verdict, inspect_file, verdicts
from trimaran.cli import paths
from trimaran.cli.known import known
from trimaran.cli.steps import Step, Steps, below, short
from trimaran.deliver import objectives, output, programs
from trimaran.deliver.desk import Desk
from trimaran.deliver.made import Programs
from trimaran.deliver.output import FileChange
from trimaran.deliver.rendering import TargetRendering, render
from trimaran.deliver.verdicts import enforce, required
from trimaran.deliver.works import Work, works
from trimaran.errors import printable
from trimaran.slo.objective import Objective
from trimaran.spec import load
from trimaran.spec.fleet import Fleet
from trimaran.spec.load import Declared

Command = Callable[..., Any]


def options(command: Command) -> Command:
    """The argument and options of every verb that renders a service."""
    for option in reversed(
        (
            click.argument("declaration", default="service.yaml", metavar="[SERVICE.YAML]"),
            click.option("--fleet", "fleet_file", metavar="FLEET.YAML", help="Where it runs; default: here."),
            click.option("--out", metavar="DIR", help="For rendered files; default: rendered/ beside it."),
            click.option("-q", "--quiet", is_flag=True, help="No progress."),
        )
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Deck:
    """A declaration with its fleet, its programs, its verdicts and its renderings."""

    declared: Declared
    fleet: Fleet
    objectives: tuple[Objective, ...]
    programs: Programs
    verdicts: tuple[Verdict, ...]
    renderings: tuple[TargetRendering, ...]
    out: Path
    changes: tuple[FileChange, ...]

    @property
    def name(self) -> str:
        return self.declared.service.name

    def desk(self) -> Desk:
        return Desk(paths.state(), (self.programs,))

    @property
    def works(self) -> tuple[Work, ...]:
        """What each target that is delivered to is to hold."""
        targets = {each.target: each.settings for each in self.renderings if each.delivered}
        return works(self.renderings, targets)

    def files_by_target(self) -> dict[str, tuple[FileChange, ...]]:
        """The changed files of each target."""
        return {
            each.target: tuple(c for c in self.changes if c.path.startswith(f"{each.target}/"))
            for each in self.renderings
        }


def prepare(declaration: str, fleet_file: str | None, out: str | None, steps: Steps) -> Deck:
    """Read, build, inspect and render; writes nothing but the cache."""
    declared = load.service(declaration)
    fleet = load.fleet(fleet_file, (declared.service,))
    promised = objectives.objectives(declared.service, declared.document)
    with steps.step("build") as step:
        made = programs.programs(declared, paths.cache(), step.progress)
        _say_build(step, declared, made)
    found: tuple[Verdict, ...] = ()
    if made:
        with steps.step("inspect") as step:
            found = _inspect(step, declared, fleet, made)
    with steps.step("render") as step:
        folder = Path(out) if out else declared.folder / "rendered"
        renderings = tuple(render(declared.service, fleet, made))
        changes = _changes(renderings, folder)
        _say_render(step, renderings, folder, changes)
    return Deck(declared, fleet, promised, made, found, renderings, folder, changes)


def _changes(renderings: tuple[TargetRendering, ...], folder: Path) -> tuple[FileChange, ...]:
    found: list[FileChange] = []
    for each in renderings:
        found += output.compare(folder, f"{each.target}/{each.service.name}", each.files)
    return tuple(found)


def _say_build(step: Step, declared: Declared, made: Programs) -> None:
    if not made:
        step.say("nothing: the service brings an image")
        for line in below(short(declared.service.spec.image or ""), dim=True):
            step.add(line)
        return
    how = "kept" if all(program.reused for program in made.values()) else "built"
    sizes = ", ".join(f"{arch} ({program.size / 1e6:.0f} MB)" for arch, program in made.items())
    step.say(f"{how} {next(iter(made.values())).name} for {sizes}")
    for origin in dict.fromkeys(program.origin for program in made.values()):
        for line in below(origin, dim=True):
            step.add(line)


def _inspect(step: Step, declared: Declared, fleet: Fleet, made: Programs) -> tuple[Verdict, ...]:
    everywhere = known()
    names = required(declared.service, fleet)
    found: list[Verdict] = []
    for arch, program in made.items():
        file = inspect_file(str(program.path))
        judged = verdicts(file, everywhere.values())
        enforce(judged, names, built=declared.service.spec.build is not None)
        _say_verdicts(step, f"{arch}: " if len(made) > 1 else "", file, judged, names)
        found += judged
    return tuple(found)


def _say_verdicts(
    step: Step, prefix: str, file: File, judged: tuple[Verdict, ...], names: tuple[str, ...]
) -> None:
    counts = {outcome: sum(each.outcome is outcome for each in judged) for outcome in Outcome}
    told = ", ".join(f"{outcome} on {count}" for outcome, count in counts.items() if count)
    line = f"{prefix}{linkage(file)}: {told} of {len(judged)} distributions"
    if step.text:
        step.add(printable(line))
    else:
        step.say(line)
    wanted = [each for each in judged if each.distribution in names]
    words = ", ".join(f"{each.distribution} {each.outcome}" for each in wanted)
    if words:
        for line in below(f"{words} (predicted)"):
            step.add(line)
    for each in wanted:
        if each.outcome is not Outcome.RUNS:
            step.add(click.style(printable(f"{each.distribution}: {each.reason}"), fg="yellow"))


def linkage(file: File) -> str:
    """What a binary needs of the system, in a few words."""
    if file.interpreter is None:
        return "static, needs no libc"
    return f"needs {file.interpreter}" + (f" and glibc {file.glibc_floor}" if file.glibc_floor else "")


def _say_render(
    step: Step, renderings: tuple[TargetRendering, ...], folder: Path, changes: tuple[FileChange, ...]
) -> None:
    count = sum(len(each.files) for each in renderings)
    how = f"{len(changes)} changed" if changes else "unchanged"
    step.say(f"{count} files for {_count(len(renderings), 'target')}, {how}")
    for line in below(_short(folder), dim=True):
        step.add(line)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _short(folder: Path) -> str:
    try:
        return str(folder.resolve().relative_to(Path.cwd())) + "/"
    except ValueError:
        return str(folder)
