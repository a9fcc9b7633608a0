"""`trimaran down`: stop and remove what was shipped, and only that."""

import re
from pathlib import Path

import click

from trimaran.cli import paths
from trimaran.cli.steps import Steps
from trimaran.deliver import delivery
from trimaran.deliver.delivery import Desk
from trimaran.errors import fail
from trimaran.secret import Redactor
from trimaran.spec import load

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


@click.command("down")
@click.argument("service", default="service.yaml", metavar="[SERVICE.YAML|NAME]")
@click.option("--fleet", "fleet_file", metavar="FLEET.YAML", help="Where it runs; default: here.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(service: str, fleet_file: str | None, quiet: bool) -> None:
    """Stop a service and remove what ship put there; rendered files stay.

    The service is named by its declaration or, when that is gone, by its name.
    """
    name = _name(service)
    fleet = load.fleet(fleet_file)
    desk = Desk(paths.state(), {}, Redactor())
    steps = Steps(quiet)
    for target, settings in fleet.spec.targets.items():
        if settings.platform != "host":
            continue
        with steps.step("down") as step:
            step.progress(f"stopping {name}")
            done = delivery.take_down(name, target, desk)
            words = ", ".join(f"{item.ref.kind} {item.ref.name}" for item in done.plan.items)
            step.say(f"{target}: removed {words}" if words else f"{target}: nothing of {name} is here")


def _name(service: str) -> str:
    if Path(service).is_file() or service == "-":
        return load.service(service).service.name
    # A folder of that name is no declaration: `trimaran down podinfo` means the service.
    if not _NAME.fullmatch(service):
        fix = "give a declaration or the name of a service"
        raise fail("TRM0708", f"there is neither a file nor a service name {service!r}", fix)
    return service
