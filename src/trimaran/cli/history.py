"""`trimaran history`: every run that was meant to change targets, and how it ended."""

import json
from pathlib import Path
from typing import Any

import click

from trimaran.cli import paths
from trimaran.cli.steps import wrapped
from trimaran.errors import Exit, printable
from trimaran.ledger import Revision, open_existing

_COLOURS = {"done": "green", "partial": "yellow", "failed": "red", "open": "yellow"}
_MOST = 4  # services that are named; of more their number is told


@click.command("history")
@click.option("--last", type=click.IntRange(1), default=20, metavar="N", help="The last N revisions (20).")
@click.option("--all", "everything", is_flag=True, help="Every revision.")
@click.option(
    "--ledger",
    "path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The ledger; by default that of this user.",
)
@click.option(
    "-o", "--output", "form", type=click.Choice(["text", "json"]), default="text", help="How to print."
)
def command(last: int, everything: bool, path: Path | None, form: str) -> int:
    """Show the revisions, newest first: when, who, what, from which commit, where, and how it ended."""
    with open_existing(paths.state() / "ledger.db" if path is None else path) as ledger:
        found = ledger.revisions(None if everything else last)
    if form == "json":
        body = {"schema": "trimaran.dev/history/v1", "revisions": [as_json(each) for each in found]}
        click.echo(json.dumps(body, indent=2, ensure_ascii=False))
    elif not found:
        click.echo("Nothing was applied yet.")
    else:
        _print(found)
    return Exit.CLEAN


def as_json(revision: Revision) -> dict[str, Any]:
    """A revision for programs."""
    return {
        "revision": revision.number,
        "event": revision.event,
        "actor": revision.actor,
        "begun": revision.begun_at.isoformat(timespec="seconds"),
        "ended": revision.ended_at and revision.ended_at.isoformat(timespec="seconds"),
        "state": revision.state,
        "sequence": revision.sequence,
    } | {"body": dict(revision.body)}


def _print(found: tuple[Revision, ...]) -> None:
    head = f"{'#':>5}  {'when (UTC)':19}  {'who':14}  {'what':9}  {'ended':7}  commit"
    click.echo(click.style(head, bold=True))
    for each in found:
        when = each.begun_at.strftime("%Y-%m-%d %H:%M:%S")
        state = click.style(f"{each.state:7}", fg=_COLOURS[each.state])
        start = f"{each.number:>5}  {when}  {_cut(each.actor, 14):14}  {_cut(each.event, 9):9}  "
        click.echo(f"{start}{state}  {commit(each)}")
        for line in wrapped(_where(each), indent=7, dim=True):
            click.echo(line)


def commit(revision: Revision) -> str:
    """The commit, shortened, with a `+` where files differed from it; `-` outside of a checkout."""
    name = str(revision.body.get("commit") or "")[:7]
    return printable(name + ("+" if revision.body.get("dirty") else "")) if name else "-"


def _where(revision: Revision) -> str:
    services, targets = names(revision, "services"), names(revision, "targets")
    what = ", ".join(services) if len(services) <= _MOST else f"{len(services):,} services"
    back = f"to revision {revision.body['back_to']}: " if "back_to" in revision.body else ""
    return f"{back}{what or revision.body.get('cause') or 'nothing'} on {', '.join(targets) or 'no target'}"


def names(revision: Revision, key: str) -> list[str]:
    """A list of names in the body of a revision; empty where an older one has none."""
    found = revision.body.get(key)
    return [printable(str(each)) for each in found] if isinstance(found, list) else []


def _cut(text: str, width: int) -> str:
    clean = printable(text)
    return clean if len(clean) <= width else clean[: width - 1] + "…"
