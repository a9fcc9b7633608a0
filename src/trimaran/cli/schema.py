"""`trimaran schema`: the JSON Schemas that editors check declarations with."""

import json

import click

from trimaran.spec.schema import KINDS, schema


@click.command("schema")
@click.argument("kind", type=click.Choice(sorted(KINDS)), default="service")
def command(kind: str) -> None:
    """Print the JSON Schema of a declaration.

    An editor with the YAML language server checks a declaration by it when the line
    `# yaml-language-server: $schema=FILE` stands at the top.
    """
    click.echo(json.dumps(schema(kind), indent=2))
