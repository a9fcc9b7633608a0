"""What the verbs that work on a whole fleet share: their options, and the way to what each target needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from trimaran.binary import inspect_file, verdicts
from trimaran.cli import paths
from trimaran.cli.known import known
from trimaran.cli.steps import Step, Steps, below
from trimaran.deliver import programs, together
from trimaran.deliver.desk import Desk
from trimaran.deliver.made import Programs
from trimaran.deliver.rendering import TargetRendering, render
from trimaran.deliver.verdicts import enforce, required
from trimaran.deliver.works import Work, works
from trimaran.errors import Problem, TrimaranError, fail
from trimaran.platform import is_delivered
from trimaran.spec import find, load
from trimaran.spec.fleet import Fleet, Target
from trimaran.spec.load import Declared

Command = Callable[..., Any]
_MANY = 50  # services


def options(command: Command) -> Command:
    """The arguments and options of every verb that takes services to the targets of a fleet."""
    for option in reversed(
        (
            click.argument("declarations", nargs=-1, metavar="[SERVICE.YAML|FOLDER]..."),
            click.option(
                "--fleet", "fleet_file", metavar="FLEET.YAML", help="Where they run; default: here."
            ),
            click.option("--target", "only", multiple=True, metavar="NAME", help="Only this target."),
            click.option("-q", "--quiet", is_flag=True, help="No progress."),
        )
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class FleetDeck:
    """Declarations with their fleet, their programs, and what each delivered target is to hold.

    Args:
        rendered: every rendering, of targets that are only rendered too.
        early: looks at the targets that have begun already.
    """

    declared: tuple[Declared, ...]
    fleet: Fleet
    programs: tuple[Programs, ...]
    rendered: tuple[TargetRendering, ...]
    works: tuple[Work, ...]
    early: together.Early | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.service.name for each in self.declared)

    @property
    def cause(self) -> str:
        """The services in a few words."""
        return self.names[0] if len(self.names) == 1 else f"{len(self.names)} services"

    @property
    def folder(self) -> Path:
        return self.declared[0].folder

    @property
    def only_rendered(self) -> tuple[str, ...]:
        """The targets of which the fleet does not say how they are reached."""
        here = {work.target for work in self.works}
        return tuple(dict.fromkeys(each.target for each in self.rendered if each.target not in here))

    def desk(self) -> Desk:
        return Desk(paths.state(), self.programs)


def prepare(
    declarations: Sequence[str], fleet_file: str | None, only: Sequence[str], steps: Steps
) -> FleetDeck:
    """Read, build, inspect and render; writes nothing but the cache."""
    reading = find.begin(declarations or ("service.yaml",))
    fleet = load.fleet(fleet_file)
    targets = chosen(fleet, only)
    # Many services are read while their targets are looked at; of a few, only their own objects are.
    early = None
    if len(reading.items) >= _MANY:
        early = together.begin_looking(_delivered(targets), Desk(paths.state()))
    declared = find.finish(reading)
    load.check_overrides(fleet_file, tuple(each.service for each in declared))
    made = tuple(_build(declared, steps))
    if any(made):
        with steps.step("inspect") as step:
            _inspect(step, declared, fleet, made)
    with steps.step("render") as step:
        rendered = tuple(
            each
            for one, mine in zip(declared, made, strict=True)
            for each in render(one.service, fleet, mine)
            if each.target in targets
        )
        found = works(rendered, _delivered(targets))
        _say_render(step, declared, found)
    return FleetDeck(declared, fleet, made, rendered, found, early)


def _delivered(targets: Mapping[str, Target]) -> dict[str, Target]:
    return {name: each for name, each in targets.items() if is_delivered(each)}


def chosen(fleet: Fleet, only: Sequence[str]) -> dict[str, Target]:
    """The targets that were named, or all. Raises TRM0718 for each that the fleet does not have."""
    problems = [_no_target(name, fleet) for name in only if name not in fleet.spec.targets]
    if problems:
        raise TrimaranError(*problems)
    return {name: each for name, each in fleet.spec.targets.items() if not only or name in only}


def _no_target(name: str, fleet: Fleet) -> Problem:
    import difflib

    near = difflib.get_close_matches(name, fleet.spec.targets, n=1)
    fix = f"did you mean {near[0]}?" if near else "targets: " + ", ".join(fleet.spec.targets)
    return Problem("TRM0718", f"the fleet has no target {name!r}", fix)


def must_deliver(deck: FleetDeck) -> None:
    """Raise TRM0760 when no target of the fleet can be delivered to."""
    if not deck.works:
        fix = "give a cluster its context, a vCenter its url; `trimaran render` writes files for the others"
        raise fail("TRM0760", "the fleet does not say how any of its targets is reached", fix)


def _build(declared: Sequence[Declared], steps: Steps) -> Sequence[Programs]:
    if not any(each.service.spec.build or each.service.spec.binary for each in declared):
        return [{} for _ in declared]
    with steps.step("build") as step:
        made = [programs.programs(each, paths.cache(), step.progress) for each in declared]
        found = [program for each in made for program in each.values()]
        kept = sum(program.reused for program in found)
        if len(found) == 1:
            step.say(f"{'kept' if kept else 'built'} {found[0].name} ({found[0].size / 1e6:.0f} MB)")
        else:
            step.say(f"{len(found)} programs, {len(found) - kept} of them built now")
    return made


def _inspect(step: Step, declared: Sequence[Declared], fleet: Fleet, made: Sequence[Programs]) -> None:
    everywhere = known()
    count = 0
    for one, mine in zip(declared, made, strict=True):
        names = required(one.service, fleet)
        for program in mine.values():
            judged = verdicts(inspect_file(str(program.path)), everywhere.values())
            enforce(judged, names, built=one.service.spec.build is not None)
            count += sum(each.distribution in names for each in judged)
    step.say(f"{count} required verdicts, none says that it fails" if count else "no verdict is required")


def _say_render(step: Step, declared: Sequence[Declared], found: Sequence[Work]) -> None:
    what = declared[0].service.name if len(declared) == 1 else f"{len(declared):,} services"
    count = sum(len(work.objects) for work in found)
    step.say(f"{what}: {count:,} objects for {len(found)} target{'s' * (len(found) != 1)}")
    lossy = [
        f"{work.target}: {sum(len(each.rendering.losses) for each in work.renderings)}"
        for work in found
        if any(each.rendering.losses for each in work.renderings)
    ]
    if lossy:
        for line in below("lossy fields, reasons by trimaran render: " + ", ".join(lossy), dim=True):
            step.add(line)
