"""`trimaran schema`: the JSON Schemas that editors check declarations with."""

import json

import click

from trimaran.spec.schema import KINDS, schema


@click.command("schema")
@click.argument("kind", type=click.Choice(sorted(KINDS)), default="service")
def command(kind: str) -> None:
    r"""Print the JSON Schema of a declaration.

    \b
    An editor with the YAML language server uses it after this first line:
      # yaml-language-server: $schema=service.schema.json
    """
    click.echo(json.dumps(schema(kind), indent=2))
