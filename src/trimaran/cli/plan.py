"""`trimaran plan`: what shipping would change, field by field, without changing anything."""

import difflib
import json
from collections.abc import Iterator
from typing import Any

import click

from trimaran.action import Change, Verb
from trimaran.cli import deck as decks
from trimaran.cli.deck import Deck
from trimaran.cli.steps import Steps, short, wrapped
from trimaran.deliver import delivery, output
from trimaran.deliver.output import FileChange
from trimaran.deliver.planning import Item, Plan
from trimaran.errors import printable

_SIGN = {Verb.CREATE: ("+", "green"), Verb.UPDATE: ("~", "yellow"), Verb.DELETE: ("-", "red")}
_SHOWN = 72  # characters of a value; what differs further on is told by length


@click.command("plan")
@decks.options
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to print; default: text.",
)
@click.option("--exit-code", is_flag=True, help="Exit 1 when something would change.")
@click.pass_context
def command(ctx: click.Context, /, declaration: str, fleet_file: str | None, **chosen: Any) -> None:
    """Show what `ship` would change, field by field; nothing is changed.

    A target that is delivered to is compared with what runs there, the others with their rendered files.
    """
    steps = Steps(chosen["quiet"], silent=True)
    deck = decks.prepare(declaration, fleet_file, chosen["out"], steps)
    desk = deck.desk()
    plans = {each.target: delivery.look(each, desk) for each in deck.renderings if each.delivered}
    open_actions = {target: delivery.unfinished(target, desk) for target in plans}
    pending = bool(deck.changes) or any(plan.pending for plan in plans.values()) or any(open_actions.values())
    if chosen["form"] == "json":
        click.echo(json.dumps(_report(deck, plans, open_actions), indent=2, ensure_ascii=False))
    else:
        _print(deck, plans, open_actions)
        if not pending:
            click.echo("no change")
    if pending and chosen["exit_code"]:
        ctx.exit(1)


def _print(deck: Deck, plans: dict[str, Plan], open_actions: dict[str, int]) -> None:
    for target, planned in plans.items():
        for gap in planned.gaps:
            click.echo(f"? {target} {gap.what}: {gap.reason}")
        if open_actions[target]:
            click.echo(
                f"! {target}: {open_actions[target]} actions of an earlier run are open; ship ends them first"
            )
        for item in planned.pending:
            _head(item.verb, str(item.ref))
            for change in _fields(item):
                _field(change)
    for file in deck.changes:
        _head(file.verb, f"file {file.path}")
        fields = output.field_changes(file)
        for change in fields:
            _field(change)
        if not fields and file.verb is Verb.UPDATE:
            for line in _lines(file):
                click.echo(f"      {printable(line)}")


def _head(verb: Verb | None, name: str) -> None:
    assert verb is not None  # noqa: S101 - only pending items come here
    sign, colour = _SIGN[verb]
    click.echo(click.style(f"{sign} {verb} {printable(name)}", fg=colour))


def _fields(item: Item) -> tuple[Change, ...]:
    """The changed fields; of a new object, all of them."""
    if item.verb is not Verb.CREATE or item.wanted is None:
        return item.changes
    return tuple(
        Change(name, None, value) for name, value in item.wanted.document.items() if value not in ({}, [])
    )


def _field(change: Change) -> None:
    before, after = _value(change.before), _value(change.after)
    text = after if change.before is None else f"{before} -> {after}"
    for line in wrapped(f"{change.path}: {text}", indent=6):
        click.echo(line)


def _value(value: Any) -> str:
    text = printable(json.dumps(value, ensure_ascii=False)) if value is not None else "(none)"
    text = short(text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"


def _lines(file: FileChange) -> Iterator[str]:
    before, after = (file.before or "").splitlines(), (file.after or "").splitlines()
    for line in difflib.unified_diff(before, after, n=0, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            yield line


def _report(deck: Deck, plans: dict[str, Plan], open_actions: dict[str, int]) -> dict[str, Any]:
    return {
        "schema": "trimaran.dev/plan/v1",
        "service": deck.name,
        "targets": [
            {
                "target": target,
                "open_actions": open_actions[target],
                "gaps": [{"what": gap.what, "reason": gap.reason} for gap in planned.gaps],
                "items": [_item(item) for item in planned.pending],
            }
            for target, planned in plans.items()
        ],
        "files": [{"path": file.path, "verb": file.verb} for file in deck.changes],
    }


def _item(item: Item) -> dict[str, Any]:
    changes = [{"path": each.path, "before": each.before, "after": each.after} for each in _fields(item)]
    return {"verb": item.verb, "kind": item.ref.kind, "name": item.ref.name, "changes": changes}
