"""`trimaran ship`: from one declaration to a running, measured service, and files for the other hulls."""

import json
from dataclasses import dataclass
from typing import Any

import click

from trimaran.binary import Verdict
from trimaran.cli import deck as decks
from trimaran.cli.deck import Deck
from trimaran.cli.steps import Step, Steps, below, wrapped
from trimaran.deliver import delivery, objectives, output, watch
from trimaran.deliver.delivery import Delivery
from trimaran.deliver.rendering import TargetRendering
from trimaran.slo.objective import Latency, Tally, Unmeasurable


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
def command(**given: Any) -> None:
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
    shipped = [_deliver(each, deck, steps, chosen) for each in deck.renderings if each.delivered]
    report = _report(deck, shipped, steps)
    if chosen.form == "json":
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        _close(deck, report, steps)


def _deliver(rendering: TargetRendering, deck: Deck, steps: Steps, chosen: Options) -> dict[str, Any]:
    desk = deck.desk()
    with steps.step("deliver") as step:
        done = delivery.deliver(rendering, desk)
        _say_delivery(step, rendering, done)
    told: dict[str, Any] = {"target": rendering.target, "changed": done.changed}
    process = watch.process_of(rendering)
    if process is None:
        return told
    with steps.step("ready") as step:
        step.progress("waiting for the service")
        pid, address = watch.wait_ready(rendering, process, desk, chosen.wait_s)
        step.say(f"{address} answers" if address else "it keeps running; no ready probe is declared")
    told |= {"pid": pid, "ready": address}
    return told | _ask(rendering, deck, steps, chosen.requests)


def _say_delivery(step: Step, rendering: TargetRendering, done: Delivery) -> None:
    if done.recovered:
        step.add(f"{len(done.recovered)} actions that an earlier run left open were ended first")
    if not done.outcomes:
        what = "as declared, nothing to change" if done.plan.items else "nothing to run there"
        step.say(f"{rendering.target}: {what}")
        return
    words = ", ".join(f"{item.verb} {item.ref.kind} {item.ref.name}" for item in done.plan.pending)
    step.say(f"{rendering.target}: {words}")


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
    done = "shipped" if running else "rendered"
    verdict = done if report["changed"] else "no change"
    click.echo(f"  {click.style(verdict, fg='green', bold=True)} in {steps.seconds:.1f} s")
    hints = [f"{target}: runs until `trimaran down {deck.name}`; a reboot ends it" for target in running]
    rendered = [each.target for each in deck.renderings if not each.delivered]
    if rendered:
        hints.append(f"{', '.join(rendered)}: rendered; this release does not deliver there")
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
