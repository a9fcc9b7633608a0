"""`trimaran help CODE`: what an error code means and what to do, offline."""

import click

from trimaran.codes import explanations
from trimaran.errors import fail


@click.command("help")
@click.argument("code", required=False)
@click.pass_context
def command(ctx: click.Context, code: str | None) -> None:
    """Explain an error code, such as TRM0101; without one, list them all."""
    known = explanations()
    if code is None:
        for each in known.values():
            click.echo(f"{each.code}  {each.title}")
        return
    entry = known.get(code.upper())
    if entry is None:
        click.echo(_command_help(ctx, code))
        return
    click.echo(f"{entry.code}: {entry.title}\n\n{entry.explanation}\n\nWhat to do: {entry.fix}")


def _command_help(ctx: click.Context, name: str) -> str:
    parent = ctx.parent
    if parent is not None and isinstance(parent.command, click.Group):
        found = parent.command.get_command(parent, name)
        if found is not None:
            return found.get_help(click.Context(found, parent=parent, info_name=name))
    raise fail("TRM0004", f"there is no error code or command {name!r}", "`trimaran help` lists the codes")
