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
        for entry in known.values():
            click.echo(f"{entry.code}  {entry.title}")
        return
    entry_or_none = known.get(code.upper())
    if entry_or_none is None:
        parent = ctx.parent
        sub = (
            parent.command.get_command(parent, code)
            if isinstance(parent.command, click.Group) and parent
            else None
        )
        if sub is not None and parent is not None:
            click.echo(sub.get_help(click.Context(sub, parent=parent, info_name=code)))
            return
        raise fail("TRM0004", f"there is no error code {code!r}", "`trimaran help` lists them")
    entry = entry_or_none
    click.echo(f"{entry.code}: {entry.title}\n\n{entry.explanation}\n\nWhat to do: {entry.fix}")
