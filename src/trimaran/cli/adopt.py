"""`trimaran adopt`: keep what was changed on a target, although it is declared otherwise."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import click

from trimaran.action import ObjectRef
from trimaran.cli import apply, settle
from trimaran.cli.steps import Steps, wrapped
from trimaran.deliver import settling
from trimaran.deliver.adoption import declared_as
from trimaran.deliver.delivery import Order
from trimaran.deliver.drifting import Drift, DriftKind
from trimaran.deliver.planning import Choice
from trimaran.errors import Exit, Problem, TrimaranError, printable
from trimaran.ledger import Adoption


@click.command("adopt")
@click.argument("objects", nargs=-1, required=True, metavar="OBJECT...")
@settle.options
@click.option("--take", is_flag=True, help="Take over objects that are not ours, with their values.")
@settle.wait
@settle.form
def command(objects: tuple[str, ...], **given: Any) -> Exit:
    """Keep the live values of objects: no drift any more, and left as they are by `apply`.

    An adoption holds until the declaration of the field changes, or until `revert`. Nothing is changed on
    the target, except with --take: an object that stands in the place of ours gets our label.
    OBJECT is a name as `drift` prints it, or a part.
    """
    steps = Steps(given["quiet"], silent=True)
    works = settle.works(given["fleet_file"], given["only"])
    desk = settle.desk_for(works)
    seen = settle.drifted(works, desk, steps, declared=False)
    refs = settle.named(objects, seen)
    todo = settle.concerned(seen, refs)
    drifts = [drift for each in todo.values() for drift in each.drifts if drift.ref in refs]
    _check(drifts, given["take"])
    kept = [each for drifted in todo.values() for each in settling.kept_values(drifted, refs)[0]]
    found = [drift for drift in drifts if drift.kind in (DriftKind.LIVE, DriftKind.FOREIGN)]
    if not found:
        if given["form"] == "text":
            click.echo("nothing to adopt: what is there is what was applied")
        return settle.ended("adopt", {}, 0, given["form"])
    cause = f"adopt {settle.words({drift.ref for drift in found})}"
    order = Order("adopt", cause, Choice(take=given["take"]), given["wait_s"])
    with steps.step("adopt") as step:
        done = settling.adopt(todo, refs, desk, apply.telling(order, step))
        settle.say_done(step, done)
    if given["form"] == "text":
        _print(kept, [drift.ref for drift in found if drift.kind is DriftKind.FOREIGN])
    return settle.ended("adopt", done, order.wait_s, given["form"])


def _check(drifts: Iterable[Drift], take: bool) -> None:
    problems = []
    for drift in drifts:
        if drift.kind is DriftKind.FOREIGN and not take:
            what = f"{drift.ref} is not ours: something else stands in its place"
            problems.append(Problem("TRM0776", what, "--take takes it over with the values that it has"))
        elif drift.kind is DriftKind.MISSING:
            what = f"{drift.ref} is not there: there is nothing to keep"
            fix = "`trimaran revert` makes it again; remove it from the declaration to do without it"
            problems.append(Problem("TRM0777", what, fix))
        elif drift.kind is DriftKind.UNKNOWN:
            what = f"{drift.ref} cannot be seen: {drift.reason}"
            problems.append(Problem("TRM0707", what, "make it readable and run again"))
    if problems:
        unseen = all(problem.code == "TRM0707" for problem in problems)
        raise TrimaranError(*problems, status=Exit.PARTIAL if unseen else Exit.ERROR)


def _print(kept: Iterable[Adoption], taken: Iterable[ObjectRef]) -> None:
    for ref in taken:
        click.echo(f"taken over  {printable(str(ref))}")
    by_ref: dict[ObjectRef, list[Adoption]] = {}
    for each in kept:
        by_ref.setdefault(each.ref, []).append(each)
    for ref, adoptions in by_ref.items():
        click.echo(f"adopted  {printable(str(ref))}")
        for each in adoptions:
            text = f"{each.path}: {settle.value(each.value)}, declared as {settle.value(each.declared)}"
            for line in wrapped(text, indent=9):
                click.echo(line)
    if by_ref:
        _print_declaration(by_ref)


def _print_declaration(by_ref: Mapping[ObjectRef, list[Adoption]]) -> None:
    """What to write into the declaration, so that it says what is so."""
    lines = [
        f"{declared_as(each)}: {json.dumps(each.value, ensure_ascii=False)}  # on {ref.target}"
        for ref, adoptions in by_ref.items()
        for each in adoptions
        if declared_as(each)
    ]
    if lines:
        click.echo("to declare it, write into service.yaml (or into an override of the fleet):")
        for line in lines:
            click.echo(f"  {printable(line)}")
    if len(lines) < sum(len(each) for each in by_ref.values()):
        click.echo("fields without a line above are kept here only: no field of a declaration makes them")
