"""`trimaran audit`: prove that the ledger's record of what happened is whole, and read it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from trimaran.cli import paths, why
from trimaran.errors import Exit, printable
from trimaran.ledger import Fault, HeadFile, Ledger, Record, Verification, open_existing, verify

_FIX = {
    Fault.EDITED: "its content no longer gives its hash, or the next record's link to it",
    Fault.REMOVED: "the record that belongs there is missing",
    Fault.INSERTED: "it was put between records that follow one another",
    Fault.REORDERED: "another record stands in its place",
    Fault.TRUNCATED: "the head beside the ledger knows this record; the ledger no longer has it",
    Fault.HEADLESS: "the head beside the ledger is gone, so nothing proves that the end is still there",
}
_COLOURS = {
    "done": "green",
    "unchanged": "green",
    "failed": "red",
    "refused": "yellow",
    "unknown": "yellow",
    "undone": "cyan",
}
_WIDTH = 80

_ledger = click.option(
    "--ledger",
    "path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The ledger; by default that of this user.",
)


@click.group("audit")
def command() -> None:
    """Prove that the ledger's record of what happened is whole, and read it."""


@command.command("verify")
@_ledger
@click.option("-o", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
def verify_command(path: Path | None, form: str) -> int:
    """Check every audit record against its hash, its neighbours and the head kept outside.

    Exit status: 0 intact, 1 broken, 2 unreadable.
    """
    path = _path(path)
    with open_existing(path) as ledger:
        # The head first: a run that appends meanwhile then only makes the chain longer than it.
        head = HeadFile(path).read()
        found = verify(ledger.records(), head)
        wrong = None if found.intact else _record_at(ledger, found.sequence)
        last = _record_at(ledger, found.head.sequence)
    if form == "json":
        click.echo(json.dumps(_verification_json(path, found, wrong), indent=2, ensure_ascii=False))
    else:
        _print_verification(path, found, wrong, last)
    return Exit.CLEAN if found.intact else Exit.FINDINGS


@command.command("list")
@_ledger
@click.option("--last", type=click.IntRange(0), default=20, metavar="N", help="The last N records (20).")
@click.option("--all", "everything", is_flag=True, help="Every record.")
@click.option(
    "-o", "form", type=click.Choice(["text", "json", "jsonl"]), default="text", help="Output format."
)
def list_command(path: Path | None, last: int, everything: bool, form: str) -> int:
    """Show what happened, oldest first."""
    with open_existing(_path(path)) as ledger:
        records = ledger.records(0 if everything else max(0, ledger.tail().sequence - last))
        if form == "text":
            _print_table(records)
        elif form == "jsonl":
            for record in records:
                click.echo(_line(record))
        else:
            _print_json(records)
    return Exit.CLEAN


command.add_command(why.command)


def _path(path: Path | None) -> Path:
    return paths.state() / "ledger.db" if path is None else path


def _record_at(ledger: Ledger, sequence: int) -> Record | None:
    found = next(ledger.records(after=sequence - 1), None) if sequence else None
    return found if found is not None and found.sequence == sequence else None


def _verification_json(path: Path, found: Verification, wrong: Record | None) -> dict[str, Any]:
    fault = None
    if found.fault is not None:
        record = None if wrong is None else json.loads(_line(wrong))
        fault = {"kind": found.fault.value, "sequence": found.sequence, "record": record}
    return {
        "schema": "trimaran.dev/audit-verify/v1",
        "ledger": str(path),
        "intact": found.intact,
        "records": found.count,
        "head": {"sequence": found.head.sequence, "hash": found.head.hash},
        "behind": found.behind,
        "fault": fault,
    }


def _print_verification(path: Path, found: Verification, wrong: Record | None, last: Record | None) -> None:
    count = f"{found.count:,} record{'' if found.count == 1 else 's'}"
    if found.fault is None:
        until = f", the last of {_time(last)}" if last else ""
        _say(click.style("intact", fg="green", bold=True), count + until)
        _say("head  ", found.head.hash)
    else:
        place = f"record {found.sequence:,}" if found.sequence else "the chain"
        _say(click.style("broken", fg="red", bold=True), f"{place} is {found.fault}, of {count}")
        _say("      ", _FIX[found.fault])
        if wrong is not None:
            _say("found ", _row(wrong).strip())
        _say("good  ", f"up to record {found.head.sequence:,}, {found.head.hash}")
    _say("ledger", printable(str(path)))
    if found.behind:
        _say("note  ", f"a run was cut off before it wrote the head: {found.behind:,} behind, harmless")


def _say(label: str, text: str) -> None:
    _echo(f"{label}  {text}")


def _echo(text: str) -> None:
    click.echo(text, color=False if os.environ.get("NO_COLOR") else None)


def _print_table(records: Iterator[Record]) -> None:
    first = next(records, None)
    if first is None:
        click.echo("Nothing has happened yet.")
        return
    _echo(click.style(f"{'#':>6}  {'when (UTC)':19}  {'who':14}  what", bold=True))
    _echo(_row(first))
    for record in records:
        _echo(_row(record))


def _print_json(records: Iterator[Record]) -> None:
    click.echo('{"schema": "trimaran.dev/audit-list/v1", "records": [', nl=False)
    for number, record in enumerate(records):
        click.echo((",\n  " if number else "\n  ") + _line(record), nl=False)
    click.echo("\n]}")


def _line(record: Record) -> str:
    shown = {
        "sequence": record.sequence,
        "at": record.at,
        "actor": record.actor,
        "body": _body(record),
        "previous": record.previous,
        "hash": record.hash,
    }
    return json.dumps(shown, ensure_ascii=False)


def _body(record: Record) -> Any:
    """The body as JSON; its text as it stands when somebody has made it something else."""
    try:
        return json.loads(record.body)
    except (ValueError, RecursionError):
        return record.body


def _time(record: Record) -> str:
    return printable(record.at[:19].replace("T", " "))


def _row(record: Record) -> str:
    word, rest = _words(_body(record))
    start = f"{record.sequence:>6}  {_time(record):19}  {_cut(record.actor, 14):14}  "
    text = _cut(rest, _WIDTH - len(start) - 10)
    return start + click.style(f"{_cut(word, 9):9}", fg=_COLOURS.get(word)) + f" {text}".rstrip()


def _words(body: Any) -> tuple[str, str]:
    """A record in a few words: an outcome by its state, everything else by its event."""
    if not isinstance(body, dict):
        return "?", str(body)
    named = body.get("object")
    what = ""
    if isinstance(named, dict):
        what = f"{body.get('verb', '')} {named.get('kind', '')}/{named.get('name', '')}"
    detail = " ".join(str(value) for key, value in body.items() if key != "event" and isinstance(value, str))
    found = ("event", f"{body.get('event', '')} {detail}".strip())
    match body.get("event"):
        case "outcome":
            found = str(body.get("state")), what
        case "intent":
            found = "intent", what
        case "revision":
            found = "revision", f"{body.get('revision')} {body.get('cause', body.get('what', ''))}"
        case "revision ended":
            found = str(body.get("state")), f"revision {body.get('revision')}"
        case "adopted" | "forgotten" as event:
            found = event, f"{body.get('path')} of{what}"
    return found


def _cut(text: str, width: int) -> str:
    clean = printable(text)
    return clean if len(clean) <= width else clean[: width - 1] + "…"
