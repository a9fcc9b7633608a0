"""`trimaran rollback`: bring targets back to what they were after an earlier revision."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from trimaran.action import Json, digest
from trimaran.cli import apply, planned, settle
from trimaran.cli.steps import Steps, wrapped
from trimaran.deliver import settling, together
from trimaran.deliver.delivery import Looked, Order
from trimaran.deliver.planning import Choice
from trimaran.deliver.rollback import check_services, chosen_revision
from trimaran.deliver.together import Failed, check_all
from trimaran.deliver.works import Work
from trimaran.errors import Exit, printable
from trimaran.ledger import Revision, open_existing


@click.command("rollback")
@click.argument("revision", type=click.IntRange(1), required=False)
@settle.options
@click.option("--service", "services", multiple=True, metavar="NAME", help="Only this service.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--take", is_flag=True, help="Take fields and objects that others own.")
@click.option("--recreate", is_flag=True, help="Delete and make again what cannot be changed.")
@click.option("--prune", is_flag=True, help="Also empty a target that held nothing then.")
@settle.wait
@settle.form
def command(revision: int | None, services: tuple[str, ...], **given: Any) -> Exit:
    """Bring targets back to what they were at the end of REVISION.

    Without a number it is the last revision before the newest that went well on these targets. What was made
    since goes away; what others have changed is left alone without --take. `history` lists the revisions.
    """
    works = settle.works(given["fleet_file"], given["only"])
    found = _chosen(works, revision)
    desk = settle.desk_for(works, found.number)
    if services:
        check_services(services, settling.services(works, desk, found.number))
    steps = Steps(given["quiet"], silent=given["form"] == "json" or given["dry_run"])
    choice = Choice(given["take"], given["recreate"], given["prune"])
    with steps.step("plan") as step:
        step.progress("looking at the targets")
        looked = settling.look_back(works, desk, found.number, services, choice)
        step.say(f"back to revision {found.number}: {_named(found)}")
        for line in planned.sum_lines(looked):
            step.add(line)
    if given["dry_run"]:
        settle.show_plans(looked)
        return settle.status(each for each in looked.values() if isinstance(each, Failed))
    if all(isinstance(each, Looked) and each.is_idle for each in looked.values()):
        if given["form"] == "text":
            text = f"nothing to do: everything is as revision {found.number} left it"
            click.echo("\n".join(wrapped(text)))
        return settle.ended("rollback", {}, 0, given["form"])
    check_all(looked)
    order = Order("rollback", f"rollback to revision {found.number}", choice, given["wait_s"])
    with steps.step("rollback") as step:
        body = _body(looked, found)
        done = together.deliver_all(works, looked, desk, apply.telling(order, step), body)
        settle.say_done(step, done)
    return settle.ended("rollback", done, order.wait_s, given["form"])


def _chosen(works: Sequence[Work], number: int | None) -> Revision:
    with open_existing(settle.ledger_path()) as ledger:
        known = ledger.revisions()
    if number is None:
        names = {work.target for work in works}
        known = tuple(each for each in known if names & set(each.body.get("targets") or names))
    return chosen_revision(number, known)


def _named(found: Revision) -> str:
    when = found.begun_at.strftime("%Y-%m-%d %H:%M:%S")
    return printable(f"{found.body.get('cause') or found.event}, {when}")


def _body(looked: Mapping[str, Looked | Failed], found: Revision) -> dict[str, Json]:
    """What the audit says of going back: where to, and what that was made from."""
    seen = {target: each.wanted for target, each in looked.items() if isinstance(each, Looked)}
    return {
        "back_to": found.number,
        "commit": found.body.get("commit", ""),
        "dirty": bool(found.body.get("dirty")),
        "services": sorted({name for wanted in seen.values() for name in wanted.services}),
        "declarations": found.body.get("declarations", {}),
        "renderings": {
            target: digest([dict(item.document) for item in wanted.objects])
            for target, wanted in seen.items()
        },
        "decision": "allowed: a person asked for it",
    }
