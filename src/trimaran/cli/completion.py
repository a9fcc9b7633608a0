"""`trimaran completion`: what the shell needs to complete commands and options."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, /, shell: str) -> None:
    """Print the completion script of a shell.

    For bash: eval "$(trimaran completion bash)"
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has one for each of the choices
    root = ctx.find_root()
    click.echo(kind(root.command, {}, "trimaran", "_TRIMARAN_COMPLETE").source())
