"""`trimaran ship`: from one declaration to a running, measured service, and files for the other hulls."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import click

from trimaran.binary import Verdict
from trimaran.cli import deck as decks
from trimaran.cli.apply import close, in_words, telling
from trimaran.cli.deck import Deck
from trimaran.cli.steps import Step, Steps, below, wrapped
from trimaran.deliver import objectives, output, together, watch
from trimaran.deliver.delivery import Delivery, Order
from trimaran.deliver.planning import Choice
from trimaran.deliver.rendering import TargetRendering
from trimaran.deliver.together import Failed
from trimaran.errors import Exit
from trimaran.slo.objective import Latency, Tally, Unmeasurable

_MOST_NAMED = 4  # objects of a target; of more, their number is told


@dataclass(frozen=True, slots=True)
class Options:
    """What the user chose."""

    declaration: str
    fleet_file: str | None
    out: str | None
    quiet: bool
    requests: int
    wait_s: float
    form: str


@click.command("ship")
@decks.options
@click.option(
    "--requests",
    type=click.IntRange(0, 10_000),
    default=50,
    metavar="N",
    help="Sent when ready; default: 50.",
)
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0.1, 3600),
    default=60.0,
    metavar="SECONDS",
    help="For the ready probe; default: 60.",
)
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to print; default: text.",
)
def command(**given: Any) -> Exit:
    """Build, inspect, render, deliver and measure a service.

    Without a fleet it runs on this machine, without root, and is rendered for Kubernetes, OpenShift and
    vSphere. A second run changes nothing.
    """
    chosen = Options(**given)
    steps = Steps(chosen.quiet, silent=chosen.form == "json")
    deck = decks.prepare(chosen.declaration, chosen.fleet_file, chosen.out, steps)
    for rendering in deck.renderings:
        base = f"{rendering.target}/{deck.name}"
        mine = [change for change in deck.changes if change.path.startswith(f"{base}/")]
        output.write(deck.out, base, rendering.files, mine)
    done = _deliver(deck, steps, chosen)
    shipped = [_shipped(each, done[each.target], deck, steps, chosen) for each in _reached(deck, done)]
    report = _report(deck, shipped, steps)
    if chosen.form == "json":
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        _close(deck, report, steps)
    return close(done, chosen.wait_s)


def _deliver(deck: Deck, steps: Steps, chosen: Options) -> dict[str, Delivery | Failed]:
    """Every target that is delivered to, at once. Raises what went wrong when there is only one."""
    if not deck.works:
        return {}
    desk = deck.desk()
    with steps.step("deliver") as step:
        looked = together.look_all(deck.works, desk, Choice())
        # The program of a host is waited for below, with the last lines of its log.
        order = Order("ship", f"ship {deck.name}", Choice(), chosen.wait_s, waited_for=frozenset({"host"}))
        order = replace(order, folder=deck.declared.folder)
        done = together.deliver_all(deck.works, looked, desk, telling(order, step))
        only = next(iter(done.values()))
        if len(done) == 1 and isinstance(only, Failed):
            raise only.error
        for number, (target, each) in enumerate(done.items()):
            _say_delivery(step, target, each, first=number == 0)
    return done


def _reached(deck: Deck, done: Mapping[str, Delivery | Failed]) -> list[TargetRendering]:
    return [each for each in deck.renderings if isinstance(done.get(each.target), Delivery)]


def _shipped(
    rendering: TargetRendering, done: Delivery | Failed, deck: Deck, steps: Steps, chosen: Options
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "target": rendering.target,
        "changed": isinstance(done, Delivery) and done.changed,
    }
    process = watch.process_of(rendering) if rendering.settings.platform == "host" else None
    if process is None:
        return told
    desk = deck.desk()
    with steps.step("ready") as step:
        step.progress("waiting for the service")
        pid, address = watch.wait_ready(rendering, process, desk, chosen.wait_s)
        step.say(f"{address} answers" if address else "it keeps running; no ready probe is declared")
    told |= {"pid": pid, "ready": address}
    return told | _ask(rendering, deck, steps, chosen.requests)


def _say_delivery(step: Step, target: str, done: Delivery | Failed, *, first: bool) -> None:
    text = f"{target}: {_delivery(done)}"
    if first:
        step.say(text)
    else:
        for line in below(text):
            step.add(line)
    if isinstance(done, Delivery) and done.recovered:
        step.add(f"{len(done.recovered)} actions that an earlier run left open were ended first")


def _delivery(done: Delivery | Failed) -> str:
    if isinstance(done, Failed):
        return f"failed: {done.error.problems[0].what}"
    if not done.outcomes:
        return "as declared, nothing to change" if done.plan.items else "nothing to run there"
    if len(done.plan.pending) > _MOST_NAMED:
        return in_words(done)
    return ", ".join(f"{item.verb} {item.ref.kind} {item.ref.name}" for item in done.plan.pending)


def _ask(rendering: TargetRendering, deck: Deck, steps: Steps, requests: int) -> dict[str, Any]:
    with steps.step("ask") as step:
        asked = watch.ask(rendering.service.spec, deck.objectives, requests)
        if asked is None:
            step.say("no requests sent")
            return {}
        statuses = ", ".join(f"{count} x {status}" for status, count in asked.sent.statuses.items())
        failures = [f"{count} x {reason}" for reason, count in asked.sent.failures.items()]
        step.say(f"{requests} requests to {asked.address}: {', '.join([statuses, *failures])}")
        for objective, counted in asked.tallies:
            for line in below(_tally(objective, counted), fg=_colour(objective, counted)):
                step.add(line)
    counts = {objective.name: _counted(counted) for objective, counted in asked.tallies}
    return {"requests": dict(asked.sent.statuses), "objectives": counts}


def _tally(objective: Any, counted: Tally | Unmeasurable) -> str:
    if isinstance(counted, Unmeasurable):
        return f"{objective.name}: unknown, {counted.reason}"
    what = f"under {objective.under}" if isinstance(objective, Latency) else "good"
    return f"{objective.name}: {counted.good:g} of {counted.total:g} {what}, target {objective.target}"


def _colour(objective: Any, counted: Tally | Unmeasurable) -> str:
    if isinstance(counted, Unmeasurable) or counted.share is None:
        return "yellow"
    return "green" if counted.meets(objective.target) else "red"


def _counted(counted: Tally | Unmeasurable) -> dict[str, Any]:
    if isinstance(counted, Unmeasurable):
        return {"unknown": counted.reason}
    return {"good": counted.good, "total": counted.total}


def _report(deck: Deck, shipped: list[dict[str, Any]], steps: Steps) -> dict[str, Any]:
    return {
        "schema": "trimaran.dev/ship/v1",
        "service": deck.name,
        "changed": bool(deck.changes) or any(each["changed"] for each in shipped),
        "steps": [{"name": step.name, "seconds": round(step.seconds, 3)} for step in steps.done],
        "verdicts": [_verdict(each) for each in deck.verdicts],
        "losses": [
            {"target": loss.target, "field": loss.field, "reason": loss.reason}
            for rendering in deck.renderings
            for loss in rendering.rendering.losses
        ],
        "targets": shipped,
    }


def _verdict(verdict: Verdict) -> dict[str, str]:
    fields = ("distribution", "outcome", "rule", "reason", "basis")
    return {field: str(getattr(verdict, field)) for field in fields}


def _close(deck: Deck, report: dict[str, Any], steps: Steps) -> None:
    lossy(deck)
    for explanation in objectives.explanations(deck.declared.service):
        for line in wrapped(explanation, dim=True):
            click.echo(line)
    click.echo()
    running = [each["target"] for each in report["targets"] if "pid" in each]
    done = "shipped" if report["targets"] else "rendered"
    verdict = done if report["changed"] else "no change"
    click.echo(f"  {click.style(verdict, fg='green', bold=True)} in {steps.seconds:.1f} s")
    hints = [f"{target}: runs until `trimaran down {deck.name}`; a reboot ends it" for target in running]
    rendered = [each.target for each in deck.renderings if not each.delivered]
    if rendered:
        hints.append(f"{', '.join(rendered)}: rendered; the fleet does not say how they are reached")
    for hint in hints:
        for line in wrapped(hint, dim=True):
            click.echo(line)


def lossy(deck: Deck) -> None:
    """Print what each target cannot express: the fields; `trimaran render` prints the reasons."""
    told = [each for each in deck.renderings if each.rendering.losses]
    if not told:
        return
    click.echo(f"  {click.style('lossy', fg='yellow', bold=True)}     reasons: trimaran render")
    for rendering in told:
        fields = ", ".join(loss.field for loss in rendering.rendering.losses)
        for line in below(f"{rendering.target}: {fields}", dim=True):
            click.echo(f"            {line}")
