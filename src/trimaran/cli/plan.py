"""`trimaran plan`: what applying would change, field by field, without changing anything."""

import difflib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from trimaran.action import Verb
from trimaran.cli import fleet, planned, show
from trimaran.cli.fleet import FleetDeck
from trimaran.cli.steps import Steps
from trimaran.deliver import output, together
from trimaran.deliver import saved as plans
from trimaran.deliver.delivery import Looked
from trimaran.deliver.output import FileChange
from trimaran.deliver.planning import Choice
from trimaran.deliver.saved import SavedPlan, SavedTarget
from trimaran.deliver.together import Failed
from trimaran.errors import Exit, Problem, fail, printable, worst


@click.command("plan")
@fleet.options
@click.option("--out", "saved", metavar="FILE", help="Save the plan for `apply --plan`.")
@click.option("--rendered", metavar="DIR", help="The rendered files; default: rendered/ beside it.")
@click.option("--take", is_flag=True, help="Take fields and objects that others own.")
@click.option("--recreate", is_flag=True, help="Delete and make again what cannot be changed.")
@click.option("--prune", is_flag=True, help="Delete what is ours and declared no more.")
@click.option(
    "-o", "--output", "form", type=click.Choice(["text", "json"]), default="text", help="How to print."
)
@click.option("--exit-code", is_flag=True, help="Exit 1 when something would change.")
def command(declarations: tuple[str, ...], **given: Any) -> Exit:
    """Show what `apply` and `ship` would change, field by field; nothing is changed.

    A target that is delivered to is compared with what is there, the others with their rendered files.
    """
    steps = Steps(given["quiet"], silent=True)
    deck = fleet.prepare(declarations, given["fleet_file"], given["only"], steps)
    choice = Choice(given["take"], given["recreate"], given["prune"])
    with steps.step("plan") as step:
        step.progress("looking at the targets")
        looked = together.look_all(deck.works, deck.desk(), choice, early=deck.early)
    files = _file_changes(deck, given["rendered"])
    if given["saved"]:
        _save(Path(given["saved"]), deck, looked)
    if given["form"] == "json":
        click.echo(json.dumps(_report(deck, looked, files), indent=2, ensure_ascii=False))
    else:
        _print(looked, files)
    return _close(looked, files, exit_code=given["exit_code"])


def _file_changes(deck: FleetDeck, folder: str | None) -> tuple[FileChange, ...]:
    """What would change in the rendered files of targets that are not delivered to."""
    if len(deck.declared) > 1:
        return ()
    out = Path(folder) if folder else deck.folder / "rendered"
    found: list[FileChange] = []
    for each in deck.rendered:
        if each.target in deck.only_rendered:
            found += output.compare(out, f"{each.target}/{each.service.name}", each.files)
    return tuple(found)


def _save(path: Path, deck: FleetDeck, looked: Mapping[str, Looked | Failed]) -> None:
    failed = [name for name, each in looked.items() if isinstance(each, Failed)]
    together.check_all(looked)
    if failed:
        return
    targets = {
        work.target: SavedTarget(work.settings, each.plan)
        for work in deck.works
        if isinstance(each := looked[work.target], Looked)
    }
    programs = {each.digest: str(each.path) for made in deck.programs for each in made.values()}
    text = plans.to_text(SavedPlan(f"apply {deck.cause}", deck.names, programs, targets))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.touch(mode=0o600)
        temporary.write_text(text, "utf-8", "surrogateescape")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        what = f"{path}: {error.strerror}"
        raise fail("TRM0762", what, "name a file that can be written with --out") from None


def _print(looked: Mapping[str, Looked | Failed], files: tuple[FileChange, ...]) -> None:
    for each in looked.values():
        for line in planned.target_lines(each) if isinstance(each, Looked) else ():
            click.echo(line)
    for file in files:
        for line in _file_lines(file):
            click.echo(line)
    if not _pending(looked, files):
        click.echo("no change")
    elif len(looked) > 1:
        click.echo()
        for line in planned.sum_lines(looked):
            click.echo(line)


def _pending(looked: Mapping[str, Looked | Failed], files: tuple[FileChange, ...]) -> bool:
    return bool(files) or any(isinstance(each, Failed) or not each.is_idle for each in looked.values())


def _file_lines(file: FileChange) -> Iterator[str]:
    yield planned.head(file.verb, f"file {file.path}")
    fields = output.field_changes(file)
    for change in fields:
        yield from planned.field_lines(change)
    if not fields and file.verb is Verb.UPDATE:
        before, after = (file.before or "").splitlines(), (file.after or "").splitlines()
        for line in difflib.unified_diff(before, after, n=0, lineterm=""):
            if not line.startswith(("---", "+++", "@@")):
                yield f"      {printable(line)}"


def _report(
    deck: FleetDeck, looked: Mapping[str, Looked | Failed], files: tuple[FileChange, ...]
) -> dict[str, Any]:
    return {
        "schema": "trimaran.dev/plan/v1",
        "services": list(deck.names),
        "targets": [
            planned.target_json(each)
            if isinstance(each, Looked)
            else {"target": name, "failed": [one.what for one in each.error.problems]}
            for name, each in looked.items()
        ],
        "files": [{"path": file.path, "verb": file.verb} for file in files],
    }


def _close(looked: Mapping[str, Looked | Failed], files: tuple[FileChange, ...], *, exit_code: bool) -> Exit:
    """Show what could not be seen and what a person has to decide; the exit status of the whole."""
    statuses = [Exit.CLEAN]
    problems: list[Problem] = []
    for each in looked.values():
        if isinstance(each, Failed):
            statuses.append(each.error.status)
            problems += each.error.problems
            continue
        if each.plan.gaps:
            statuses.append(Exit.PARTIAL)
        if each.plan.blocked:
            statuses.append(Exit.FINDINGS)
            problems += each.plan.blocked
    show.problems(problems)
    if exit_code and _pending(looked, files):
        statuses.append(Exit.FINDINGS)
    return worst(statuses)
