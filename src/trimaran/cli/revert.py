"""`trimaran revert`: put back what was applied, where a target has drifted from it."""

from collections.abc import Collection, Mapping
from typing import Any

import click

from trimaran.action import ObjectRef
from trimaran.cli import apply, settle
from trimaran.cli.steps import Steps
from trimaran.deliver import settling
from trimaran.deliver.delivery import Looked, Order
from trimaran.deliver.desk import Desk
from trimaran.deliver.drifting import DriftKind
from trimaran.deliver.planning import Choice
from trimaran.deliver.settling import Drifted
from trimaran.deliver.together import Failed, check_all, each_target
from trimaran.errors import Exit, Problem, TrimaranError, worst

_BACK = (DriftKind.LIVE, DriftKind.MISSING, DriftKind.FOREIGN)


@click.command("revert")
@click.argument("objects", nargs=-1, metavar="OBJECT...")
@click.option("--all", "everything", is_flag=True, help="All that drift calls live, missing or foreign.")
@settle.options
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--recreate", is_flag=True, help="Delete and make again what cannot be changed.")
@settle.wait
@settle.form
def command(objects: tuple[str, ...], everything: bool, **given: Any) -> Exit:
    """Put objects back as they were applied, whoever changed them since.

    What is missing is made again, what was changed is changed back, and what was adopted is forgotten. The
    declaration is not read: `apply` brings what it says. OBJECT is a name as `drift` prints it, or a part.
    """
    if bool(objects) == everything:
        raise TrimaranError(Problem("TRM0002", "name objects, or give --all", "`trimaran drift` lists them"))
    steps = Steps(given["quiet"], silent=given["form"] == "json" or given["dry_run"])
    works = settle.works(given["fleet_file"], given["only"])
    desk = settle.desk_for(works)
    seen = settle.drifted(works, desk, steps, declared=False)
    refs = _all(seen) if everything else settle.named(objects, seen)
    todo = settle.concerned(seen, refs)
    dark = [each for each in seen.values() if isinstance(each, Failed) and everything]
    choice = Choice(take=True, recreate=given["recreate"])
    looked = _looked(todo, refs, desk, choice)
    if given["dry_run"]:
        settle.show_plans(looked)
        return settle.status(dark)
    check_all(looked)
    if _is_nothing(looked, todo, refs):
        if given["form"] == "text":
            click.echo("nothing to revert: everything is as it was applied")
        return worst([settle.ended("revert", {}, 0, given["form"]), settle.status(dark)])
    order = Order("revert", f"revert {settle.words(refs)}", choice, given["wait_s"])
    return worst([_revert(todo, refs, desk, order, (steps, given["form"])), settle.status(dark)])


def _all(seen: Mapping[str, Drifted | Failed]) -> frozenset[ObjectRef]:
    found: set[ObjectRef] = set()
    for each in seen.values():
        if isinstance(each, Drifted):
            found |= {drift.ref for drift in each.drifts if drift.kind in _BACK}
            found |= {adoption.ref for adoption in each.baseline.adoptions}
    return frozenset(found)


def _looked(
    todo: Mapping[str, Drifted], refs: Collection[ObjectRef], desk: Desk, choice: Choice
) -> dict[str, Looked | Failed]:
    works = [each.work for each in todo.values()]
    return each_target(works, lambda work: settling.revert_plan(todo[work.target], refs, desk, choice))


def _is_nothing(
    looked: Mapping[str, Looked | Failed], todo: Mapping[str, Drifted], refs: Collection[ObjectRef]
) -> bool:
    adopted = any(kept.ref in refs for each in todo.values() for kept in each.baseline.adoptions)
    return not adopted and all(isinstance(each, Looked) and each.is_idle for each in looked.values())


def _revert(
    todo: Mapping[str, Drifted],
    refs: Collection[ObjectRef],
    desk: Desk,
    order: Order,
    shown: tuple[Steps, str],
) -> Exit:
    steps, form = shown
    with steps.step("revert") as step:
        done = settling.revert(todo, refs, desk, apply.telling(order, step))
        settle.say_done(step, done)
    return settle.ended("revert", done, order.wait_s, form)
