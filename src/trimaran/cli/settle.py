"""What the verbs that look at drift and settle it share: targets, names of objects, and their ends."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from trimaran.action import ObjectRef, Verb
from trimaran.cli import apply, paths, planned, show
from trimaran.cli import fleet as fleets
from trimaran.cli.steps import Step, Steps, below, short
from trimaran.deliver import settling
from trimaran.deliver.delivery import Delivery, Looked, counts
from trimaran.deliver.desk import Desk
from trimaran.deliver.naming import joined, meant
from trimaran.deliver.rollback import objects_of
from trimaran.deliver.settling import Drifted
from trimaran.deliver.together import Failed
from trimaran.deliver.works import Work
from trimaran.errors import Exit, Problem, TrimaranError, fail, printable, worst
from trimaran.platform import is_delivered
from trimaran.spec import load

Command = Callable[..., Any]
wait = click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 3600),
    default=120.0,
    metavar="SECONDS",
    help="Until it works; 0 does not wait; default: 120.",
)
form = click.option(
    "-o", "--output", "form", type=click.Choice(["text", "json"]), default="text", help="How to print."
)
_DONE = {Verb.CREATE: "created", Verb.UPDATE: "updated", Verb.DELETE: "deleted"}
_SHOWN = 72  # characters of a value


def options(command: Command) -> Command:
    """The options of every verb that works on what was applied to the targets of a fleet."""
    for option in reversed(
        (
            click.option("--fleet", "fleet_file", metavar="FLEET.YAML", help="The targets; default: here."),
            click.option("--target", "only", multiple=True, metavar="NAME", help="Only this target."),
            click.option("-q", "--quiet", is_flag=True, help="No progress."),
        )
    ):
        command = option(command)
    return command


def works(fleet_file: str | None, only: Sequence[str]) -> tuple[Work, ...]:
    """The targets of a fleet that are delivered to, with nothing declared for them."""
    targets = fleets.chosen(load.fleet(fleet_file), only)
    found = tuple(Work(name, each, ()) for name, each in targets.items() if is_delivered(each))
    if not found:
        fix = "give a cluster its context, a vCenter its url; `trimaran render` writes files for the others"
        raise fail("TRM0760", "the fleet does not say how any of its targets is reached", fix)
    return found


def drifted(found: Sequence[Work], desk: Desk, steps: Steps, declared: bool) -> dict[str, Drifted | Failed]:
    """How every target has drifted."""
    with steps.step("look") as step:
        step.progress("looking at the targets")
        seen = settling.look_for_drift(found, desk, declared)
        failed = sum(isinstance(each, Failed) for each in seen.values())
        count = len(seen) - failed
        step.say(f"{count} target{'s' * (count != 1)}" + (f", {failed} cannot be seen" if failed else ""))
    return seen


def named(words: Sequence[str], seen: Mapping[str, Drifted | Failed]) -> frozenset[ObjectRef]:
    """The objects that the user named, of those that were applied to these targets or have drifted.

    Raises every name that fits none or several, together; and what keeps their targets from being seen.
    """
    known: set[ObjectRef] = set()
    for each in seen.values():
        if isinstance(each, Drifted):
            known |= set(each.baseline.applied) | {drift.ref for drift in each.drifts}
    found, problems = set(), list[Problem]()
    for word in joined(words, seen):
        try:
            found.add(meant(word, known))
        except TrimaranError as error:
            problems += error.problems
    dark = [each for each in seen.values() if isinstance(each, Failed)]
    if problems and dark:
        raise dark[0].error
    if problems:
        raise TrimaranError(*problems)
    return frozenset(found)


def show_plans(looked: Mapping[str, Looked | Failed]) -> None:
    """Print what would change on each target, and what keeps one from being seen."""
    for target, each in looked.items():
        if isinstance(each, Looked):
            for line in planned.target_lines(each):
                click.echo(line)
        else:
            click.echo(f"? {target} cannot be seen")


def words(refs: Iterable[ObjectRef]) -> str:
    """Some objects in a few words."""
    names = [printable(f"{ref.kind}/{ref.name}") for ref in sorted(refs)]
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} objects"


def say_done(step: Step, done: Mapping[str, Delivery | Failed]) -> None:
    """What was done on each target, below the step."""
    changed = sum(isinstance(each, Delivery) and each.changed for each in done.values())
    failed = sum(isinstance(each, Failed) for each in done.values())
    text = f"{changed} target{'s' * (changed != 1)} changed" if changed else "nothing was changed"
    step.say(text + (f", {failed} failed" if failed else ""))
    for target, each in done.items():
        if isinstance(each, Failed):
            lines = below(f"{target}: failed: {each.error.problems[0].what}", fg="red")
        else:
            parts = [f"{count:,} {_DONE[verb]}" for verb, count in counts(each.plan).items() if count]
            parts += [f"{len(each.broken)} not ready"] if each.broken else []
            lines = below(f"{target}: {', '.join(parts) or 'as wanted'}")
        for line in lines:
            step.add(line)


def ended(what: str, done: Mapping[str, Delivery | Failed], wait_s: float, form: str) -> Exit:
    """The report of a run, its problems, and its exit status."""
    if form == "json":
        report = apply.report(done) | {"schema": f"trimaran.dev/{what}/v1"}
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    return apply.close(done, wait_s)


def status(failed: Iterable[Failed]) -> Exit:
    """Show why targets could not be seen, and the exit status of that."""
    found = tuple(failed)
    show.problems(problem for each in found for problem in each.error.problems)
    return worst(each.error.status for each in found)


def concerned(seen: Mapping[str, Drifted | Failed], refs: Collection[ObjectRef]) -> dict[str, Drifted]:
    """The targets that have any of `refs`."""
    targets = {ref.target for ref in refs}
    return {name: each for name, each in seen.items() if isinstance(each, Drifted) and name in targets}


def value(found: Any) -> str:
    """A field's value on one line; a long one is cut, with its length."""
    text = "(none)" if found is None else short(printable(json.dumps(found, ensure_ascii=False)))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"


def ledger_path() -> Path:
    """The ledger of this user."""
    return Desk(paths.state()).ledger


def desk_for(found: Collection[Work], at: int | None = None) -> Desk:
    """A desk with the programs of what was applied, as far as they are still in the cache."""
    bare = Desk(paths.state())
    objects = [
        item
        for work in found
        for item in objects_of(settling.applied((work,), bare, at)[work.target], work.platform)
    ]
    return Desk(paths.state(), (settling.kept_programs(objects, paths.cache()),))
