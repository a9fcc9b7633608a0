"""`trimaran apply`: take services to every target of a fleet, by one plan."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from trimaran.cli import fleet, paths, planned, show
from trimaran.cli.steps import Step, Steps, below
from trimaran.deliver import saved as plans
from trimaran.deliver import together
from trimaran.deliver.delivery import Delivery, Looked, Order, counts
from trimaran.deliver.desk import Desk
from trimaran.deliver.planning import Choice
from trimaran.deliver.saved import SavedPlan
from trimaran.deliver.together import Failed
from trimaran.deliver.works import Work
from trimaran.errors import Exit, Problem, TrimaranError, fail, printable, worst
from trimaran.spec.load import read_bytes

_DONE = {"create": "created", "update": "updated", "delete": "deleted"}
_SAVED_BYTES = 256 << 20
_MOST_SICK = 5


@click.command("apply")
@fleet.options
@click.option("--plan", "plan_file", metavar="FILE", help="Do what `plan --out` saved, and nothing else.")
@click.option("--take", is_flag=True, help="Take fields and objects that others own.")
@click.option("--recreate", is_flag=True, help="Delete and make again what cannot be changed.")
@click.option("--prune", is_flag=True, help="Delete what is ours and declared no more.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 3600),
    default=120.0,
    metavar="SECONDS",
    help="Until it works; 0 does not wait; default: 120.",
)
@click.option(
    "-o", "--output", "form", type=click.Choice(["text", "json"]), default="text", help="How to print."
)
def command(declarations: tuple[str, ...], **given: Any) -> Exit:
    """Deliver services to every target of a fleet: what differs is changed, the rest is left alone.

    One plan over all targets, then its actions in the order of their kinds, all targets at once, until
    everything works. A second apply writes nothing. Targets that do not answer do not hold up the others.
    """
    steps = Steps(given["quiet"], silent=given["form"] == "json")
    if given["plan_file"]:
        return _apply_saved(declarations, given, steps)
    deck = fleet.prepare(declarations, given["fleet_file"], given["only"], steps)
    fleet.must_deliver(deck)
    choice = Choice(given["take"], given["recreate"], given["prune"])
    desk = deck.desk()
    with steps.step("plan") as step:
        step.progress("looking at the targets")
        looked = together.look_all(deck.works, desk, choice, early=deck.early)
        _say_plan(step, looked)
    order = Order("apply", f"apply {deck.cause}", choice, given["wait_s"], folder=deck.folder)
    return _deliver(deck.works, looked, desk, order, steps, given["form"])


def _say_plan(step: Step, looked: Mapping[str, Looked | Failed]) -> None:
    seen = [each for each in looked.values() if isinstance(each, Looked)]
    pending = sum(len(each.plan.pending) for each in seen)
    same = sum(len(each.plan.items) for each in seen) - pending
    step.say(f"{pending:,} to do, {same:,} as declared" if pending else f"no change: {same:,} as declared")
    for line in planned.sum_lines(looked):
        step.add(line)


def _deliver(
    works: tuple[Work, ...],
    looked: Mapping[str, Looked | Failed],
    desk: Desk,
    order: Order,
    steps: Steps,
    form: str,
) -> Exit:
    if all(isinstance(each, Looked) and each.is_settled for each in looked.values()):
        done = together.deliver_all(works, looked, desk, order)
    else:
        with steps.step("apply") as step:
            done = together.deliver_all(works, looked, desk, telling(order, step))
            _say_done(step, done)
    if form == "json":
        click.echo(json.dumps(report(done), indent=2, ensure_ascii=False))
    return close(done, order.wait_s)


def telling(order: Order, step: Step) -> Order:
    """`order`, with its progress shown on a step."""
    lock, begun = threading.Lock(), time.monotonic()

    def tell(target: str, text: str) -> None:
        with lock:
            step.progress(f"{target} {text} ({time.monotonic() - begun:.0f} s)")

    return replace(order, told=tell)


def _say_done(step: Step, done: Mapping[str, Delivery | Failed]) -> None:
    changed = sum(isinstance(each, Delivery) and each.changed for each in done.values())
    failed = sum(isinstance(each, Failed) for each in done.values())
    words = [f"{changed} target{'s' * (changed != 1)} changed" if changed else "nothing was changed"]
    step.say(", ".join([*words, *([f"{failed} failed"] if failed else [])]))
    for target, each in done.items():
        for line in below(f"{target}: {in_words(each)}", **({"fg": "red"} if _is_bad(each) else {})):
            step.add(line)


def _is_bad(each: Delivery | Failed) -> bool:
    return isinstance(each, Failed) or bool(each.broken)


def in_words(each: Delivery | Failed) -> str:
    """What became of a target, in a few words."""
    if isinstance(each, Failed):
        return "failed: " + "; ".join(problem.what for problem in each.error.problems[:1])
    words = [f"{count:,} {_DONE[verb]}" for verb, count in counts(each.plan).items() if count]
    if each.recovered:
        words.insert(0, f"{len(each.recovered)} actions of an earlier run ended first")
    if each.broken:
        words.append(f"{len(each.broken)} not ready")
    elif each.outcomes:
        words.append(f"ready in {each.seconds:.1f} s")
    silent = [sick.ref for sick in each.sick if sick not in each.broken]
    if silent:
        words.append(f"nobody answers for {len(silent)}: {silent[0].kind} {silent[0].name}")
    return ", ".join(words) or "as declared"


def close(done: Mapping[str, Delivery | Failed], wait_s: float) -> Exit:
    """Show what went wrong, and the exit status of the whole."""
    statuses = [Exit.CLEAN]
    problems: list[Problem] = []
    for target, each in done.items():
        if isinstance(each, Failed):
            statuses.append(each.error.status)
            problems += each.error.problems
        elif each.broken:
            statuses.append(Exit.ERROR)
            problems.append(_sick(target, each, wait_s))
    show.problems(problems)
    return worst(statuses)


def _sick(target: str, each: Delivery, wait_s: float) -> Problem:
    lines = [
        f"{sick.ref.kind}/{sick.ref.name} is {sick.health}" + "".join(f"; {text}" for text in sick.reasons)
        for sick in each.broken[:_MOST_SICK]
    ]
    if len(each.broken) > _MOST_SICK:
        lines.append(f"and {len(each.broken) - _MOST_SICK} more")
    what = f"{target}: {len(each.broken)} of what was applied does not work after {wait_s:g} s"
    fix = "mend it and apply again, or `trimaran rollback`; --wait gives it more time"
    return Problem("TRM0719", what, fix, detail=tuple(map(printable, lines)))


def report(done: Mapping[str, Delivery | Failed]) -> dict[str, Any]:
    """What was done, for programs."""
    return {
        "schema": "trimaran.dev/apply/v1",
        "changed": any(isinstance(each, Delivery) and each.changed for each in done.values()),
        "targets": [_target_report(target, each) for target, each in done.items()],
    }


def _target_report(target: str, each: Delivery | Failed) -> dict[str, Any]:
    if isinstance(each, Failed):
        problems = [{"code": one.code, "what": one.what, "fix": one.fix} for one in each.error.problems]
        return {"target": target, "failed": problems}
    return {
        "target": target,
        "changed": each.changed,
        "done": [
            {"verb": item.verb, "kind": item.ref.kind, "scope": item.ref.scope, "name": item.ref.name}
            for item in each.plan.pending
        ],
        "recovered": len(each.recovered),
        "sick": [
            {"object": str(sick.ref), "health": sick.health, "reasons": list(sick.reasons)}
            for sick in each.sick
        ],
        "seconds": round(each.seconds, 3),
    }


def _apply_saved(declarations: tuple[str, ...], given: Mapping[str, Any], steps: Steps) -> Exit:
    if declarations or given["fleet_file"] or given["only"] or given["take"] or given["prune"]:
        fix = "a saved plan says all of it; give --plan alone"
        raise fail("TRM0761", "--plan goes with no declaration, fleet, target, --take or --prune", fix)
    saved = read_saved(given["plan_file"])
    works = tuple(Work(name, each.settings, ()) for name, each in saved.targets.items() if each.plan.pending)
    desk = Desk(paths.state(), (_programs(saved),))
    looked: dict[str, Looked | Failed] = {}
    with steps.step("plan") as step:
        stale: list[Problem] = []
        for name, each in together.see_places(works, saved, desk).items():
            if isinstance(each, Failed):
                looked[name] = each
            else:
                stale += plans.stale(saved.targets[name].plan, each)
                looked[name] = plans.looked(name, saved.targets[name], saved.services)
        if stale:
            raise TrimaranError(*stale[:20])
        _say_plan(step, looked)
    order = Order("apply", saved.cause, Choice(), given["wait_s"], exact=True, folder=Path.cwd())
    return _deliver(works, looked, desk, order, steps, given["form"])


def read_saved(path: str) -> SavedPlan:
    """The plan in a file. Raises TRM0101 or TRM0717."""
    raw = read_bytes(path, _SAVED_BYTES)
    return plans.from_text(raw.decode("utf-8", "replace"), path)


def _programs(saved: SavedPlan) -> dict[str, Any]:
    from trimaran.deliver.made import Program

    return {
        digest: Program(Path(path), digest, Path(path).name, 0, "the saved plan", reused=True)
        for digest, path in saved.programs.items()
    }
