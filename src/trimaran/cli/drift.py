"""`trimaran drift`: what differs from what was applied and declared, on every target; it never acts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from trimaran.action import Change, ObjectRef
from trimaran.cli import fleet as fleets
from trimaran.cli import paths, settle, show
from trimaran.cli.settle import value
from trimaran.cli.steps import Steps, wrapped
from trimaran.deliver import settling
from trimaran.deliver.desk import Desk
from trimaran.deliver.drifting import Drift, DriftKind
from trimaran.deliver.settling import Drifted
from trimaran.deliver.together import Failed
from trimaran.errors import Exit, Problem, printable, worst
from trimaran.ledger import LastEvent

_COLOURS = {
    DriftKind.LOCAL: "cyan",
    DriftKind.LIVE: "yellow",
    DriftKind.MISSING: "red",
    DriftKind.ORPHAN: "magenta",
    DriftKind.FOREIGN: "red",
    DriftKind.UNKNOWN: "yellow",
    DriftKind.EXPECTED: None,
}
_WORDS = {
    DriftKind.LOCAL: "declared and not applied yet",
    DriftKind.MISSING: "applied, and not there any more",
    DriftKind.ORPHAN: "ours, and no service declares it",
    DriftKind.FOREIGN: "something that is not ours stands in its place",
    DriftKind.UNKNOWN: "cannot be seen",
}
Events = Mapping[ObjectRef, LastEvent]


@click.command("drift")
@fleets.options
@click.option("--service", "services", multiple=True, metavar="NAME", help="Only this service.")
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["text", "table", "json"]),
    default="text",
    help="How to print; default: text.",
)
def command(declarations: tuple[str, ...], **given: Any) -> Exit:
    """Show how targets differ from what was applied and, with declarations, from what is declared.

    Nothing is changed. Exit status: 0 no drift, 1 drift, 3 a target or object cannot be seen, 4 a target
    does not let us in; the other targets are reported all the same.
    """
    steps = Steps(given["quiet"], silent=True)
    if declarations:
        deck = fleets.prepare(declarations, given["fleet_file"], given["only"], steps)
        fleets.must_deliver(deck)
        works, desk = deck.works, deck.desk()
    else:
        works, desk = settle.works(given["fleet_file"], given["only"]), Desk(paths.state())
    seen = settle.drifted(works, desk, steps, bool(declarations))
    events = settling.last_events(seen.values(), desk)
    drifts = tuple(_chosen(seen, given["services"]))
    if given["form"] == "json":
        click.echo(json.dumps(_report(seen, drifts, events), indent=2, ensure_ascii=False))
    else:
        _print(seen, drifts, events, given["form"])
    failed = [each for each in seen.values() if isinstance(each, Failed)]
    show.problems(problem for each in failed for problem in each.error.problems)
    return worst([*(each.error.status for each in failed), *map(_status, drifts)])


def _chosen(seen: Mapping[str, Drifted | Failed], services: Sequence[str]) -> Iterator[Drift]:
    for each in seen.values():
        if isinstance(each, Drifted):
            yield from (drift for drift in each.drifts if not services or drift.service in services)


def _status(drift: Drift) -> Exit:
    if drift.kind is DriftKind.UNKNOWN:
        return Exit.PARTIAL
    return Exit.FINDINGS if drift.is_drift else Exit.CLEAN


def _print(seen: Mapping[str, Drifted | Failed], drifts: Sequence[Drift], events: Events, form: str) -> None:
    if form == "table":
        _print_table(drifts, events)
        return
    for drift in drifts:
        for line in _lines(drift, events.get(drift.ref)):
            click.echo(line)
    real = sum(drift.is_drift for drift in drifts)
    looked = sum(isinstance(each, Drifted) for each in seen.values())
    where = f"{looked} target{'s' * (looked != 1)}"
    click.echo(f"no drift on {where}" if not real else f"{real} drifted on {where}")
    if not any(isinstance(each, Drifted) and _is_known(each) for each in seen.values()):
        click.echo("nothing was applied to them by this user; name declarations to compare with")


def _is_known(each: Drifted) -> bool:
    return bool(each.baseline.applied) or each.baseline.desired is not None


def _lines(drift: Drift, last: LastEvent | None) -> Iterator[str]:
    kind = click.style(f"{drift.kind:9}", fg=_COLOURS[drift.kind], bold=drift.is_drift)
    yield f"{kind}{printable(str(drift.ref))}"
    if not drift.changes and drift.kind in _WORDS:
        reason = f": {drift.reason}" if drift.reason else ""
        yield from wrapped(_WORDS[drift.kind] + reason, indent=9)
    for change in drift.changes:
        yield from wrapped(_field(drift, change), indent=9)
    for change in drift.left_alone:
        text = f"{change.path} is {change.owner}'s ({value(change.before)}), and left alone"
        yield from wrapped(text, indent=9, dim=True)
    if last is not None and drift.kind is not DriftKind.EXPECTED:
        yield from wrapped(f"last: {_last(last)}", indent=9, dim=True)


def _field(drift: Drift, change: Change) -> str:
    """A field with what is meant, then what is there; of a changed declaration, what it was and is."""
    first, then = change.after, change.before
    if drift.kind is DriftKind.LOCAL:
        first, then = then, first
    owner = f" (set by {change.owner})" if change.owner else ""
    return f"{change.path}: {value(first)} -> {value(then)}{owner}"


def _last(last: LastEvent) -> str:
    run = f"revision {last.revision}, " if last.revision is not None else ""
    return f"{run}{last.what}, {last.at[:19].replace('T', ' ')} by {printable(last.actor)}"


def _print_table(drifts: Sequence[Drift], events: Events) -> None:
    head = ("KIND", "OBJECT", "FIELD", "DECLARED", "LIVE", "BY", "LAST", "WHEN", "WHO")
    rows = [head, *(row for drift in drifts for row in _rows(drift, events.get(drift.ref)))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _rows(drift: Drift, last: LastEvent | None) -> Iterator[tuple[str, ...]]:
    events = ("-", "-", "-")
    if last is not None:
        run = f"{last.revision} {last.what}" if last.revision is not None else last.what
        events = (run, last.at[:19].replace("T", " "), printable(last.actor))
    start = (str(drift.kind), printable(str(drift.ref)))
    for change in drift.changes or drift.left_alone:
        meant, there = change.after, change.before
        if drift.kind is DriftKind.LOCAL:
            there = None
        cells = (printable(change.path), value(meant), value(there), printable(change.owner) or "-")
        yield (*start, *cells, *events)
    if not drift.changes and not drift.left_alone:
        yield (*start, "-", "-", "-", "-", *events)


def _report(seen: Mapping[str, Drifted | Failed], drifts: Sequence[Drift], events: Events) -> dict[str, Any]:
    return {
        "schema": "trimaran.dev/drift/v1",
        "drifted": any(drift.is_drift for drift in drifts),
        "targets": [_target(target, each) for target, each in seen.items()],
        "drifts": [_drift(drift, events.get(drift.ref)) for drift in drifts],
    }


def _target(target: str, each: Drifted | Failed) -> dict[str, Any]:
    if isinstance(each, Failed):
        return {"target": target, "failed": [_problem(problem) for problem in each.error.problems]}
    return {"target": target, "gaps": [{"what": gap.what, "reason": gap.reason} for gap in each.seen.gaps]}


def _problem(problem: Problem) -> dict[str, str]:
    return {"code": problem.code, "what": problem.what, "fix": problem.fix}


def _drift(drift: Drift, last: LastEvent | None) -> dict[str, Any]:
    ref = drift.ref
    found: dict[str, Any] = {
        "kind": str(drift.kind),
        "object": {"target": ref.target, "kind": ref.kind, "scope": ref.scope, "name": ref.name},
        "service": drift.service,
        "changes": [_change(change, local=drift.kind is DriftKind.LOCAL) for change in drift.changes],
        "owners": list(drift.owners),
        "left_alone": [
            {"path": each.path, "live": each.before, "owner": each.owner} for each in drift.left_alone
        ],
        "reason": drift.reason,
        "last": None,
    }
    if last is not None:
        found["last"] = {
            "sequence": last.sequence,
            "revision": last.revision,
            "what": last.what,
            "at": last.at,
            "actor": last.actor,
        }
    return found


def _change(change: Change, local: bool) -> dict[str, Any]:
    where = "applied" if local else "live"
    return {"path": change.path, "declared": change.after, where: change.before, "owner": change.owner}
