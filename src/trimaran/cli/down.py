"""`trimaran down`: stop and remove what was delivered, and only that."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from trimaran.cli import fleet, paths
from trimaran.cli.apply import close, telling
from trimaran.cli.steps import Step, Steps, below
from trimaran.deliver import together
from trimaran.deliver.delivery import Delivery, Order
from trimaran.deliver.desk import Desk
from trimaran.deliver.planning import Choice
from trimaran.deliver.together import Failed
from trimaran.deliver.works import Work
from trimaran.errors import Exit, fail
from trimaran.platform import is_delivered
from trimaran.spec import load

_MOST_NAMED = 3
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


@click.command("down")
@click.argument("service", default="service.yaml", metavar="[SERVICE.YAML|NAME]")
@click.option("--fleet", "fleet_file", metavar="FLEET.YAML", help="Where it runs; default: here.")
@click.option("--target", "only", multiple=True, metavar="NAME", help="Only this target.")
@click.option("--take", is_flag=True, help="Also what carries our label and is not in this ledger.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(service: str, fleet_file: str | None, **given: Any) -> Exit:
    """Stop a service on every target and remove what was delivered of it; rendered files stay.

    The service is named by its declaration or, when that is gone, by its name.
    """
    name = _name(service)
    declared = load.fleet(fleet_file)
    targets = fleet.chosen(declared, given["only"])
    works = tuple(Work(target, each, ()) for target, each in targets.items() if is_delivered(each))
    steps, desk = Steps(given["quiet"]), Desk(paths.state())
    choice = Choice(take=given["take"], prune=True)
    with steps.step("down") as step:
        step.progress(f"stopping {name}")
        looked = together.look_all(works, desk, choice, frozenset({name}))
        order = telling(Order("down", f"down {name}", choice), step)
        done = together.deliver_all(works, looked, desk, order)
        _say(step, name, done)
    return close(done, order.wait_s)


def _say(step: Step, name: str, done: Mapping[str, Delivery | Failed]) -> None:
    for number, (target, each) in enumerate(done.items()):
        text = f"{target}: {_told(each, name)}"
        if number == 0:
            step.say(text)
        else:
            for line in below(text):
                step.add(line)


def _told(each: Delivery | Failed, name: str) -> str:
    if isinstance(each, Failed):
        return f"failed: {each.error.problems[0].what}"
    gone = [f"{item.ref.kind} {item.ref.name}" for item in each.plan.pending]
    words = ", ".join(gone) if len(gone) <= _MOST_NAMED else f"{len(gone)} objects"
    left = ""
    if each.plan.orphans:
        left = f"; {len(each.plan.orphans)} objects carry our label and are not in this ledger: --take"
    return (f"removed {words}" if words else f"nothing of {name} is here") + left


def _name(service: str) -> str:
    if Path(service).is_file() or service == "-":
        return load.service(service).service.name
    # A folder of that name is no declaration: `trimaran down podinfo` means the service.
    if not _NAME.fullmatch(service):
        fix = "give a declaration or the name of a service"
        raise fail("TRM0708", f"there is neither a file nor a service name {service!r}", fix)
    return service
