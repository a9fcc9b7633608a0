"""`trimaran render`: the files for every target, and what each cannot express."""

import click

from trimaran.cli import deck as decks
from trimaran.cli.steps import Steps, wrapped
from trimaran.deliver import output


@click.command("render")
@decks.options
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when the files are not up to date.")
@click.pass_context
def command(
    ctx: click.Context, declaration: str, fleet_file: str | None, out: str | None, quiet: bool, check: bool
) -> None:
    """Render a service for every target into a folder that can be committed.

    The same declaration gives the same bytes. Fields that a target cannot express are printed.
    """
    steps = Steps(quiet)
    deck = decks.prepare(declaration, fleet_file, out, steps)
    for change in deck.changes:
        click.echo(f"  {change.verb:<8}{change.path}")
    for rendering in deck.renderings:
        base = f"{rendering.target}/{deck.name}"
        mine = [change for change in deck.changes if change.path.startswith(f"{base}/")]
        if not check:
            output.write(deck.out, base, rendering.files, mine)
        for loss in rendering.rendering.losses:
            for line in wrapped(f"lossy: {loss.target} {loss.field}: {loss.reason}"):
                click.echo(line)
    if check and deck.changes:
        ctx.exit(1)
