"""The JSON Schemas of the declarations, for editors and other programs. Pure."""

from typing import Any

from trimaran.spec.fleet import Fleet
from trimaran.spec.service import Service

KINDS = {"service": Service, "fleet": Fleet}


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of `service` or `fleet`."""
    model = KINDS[kind]
    document = model.model_json_schema(by_alias=True, mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://trimaran.dev/schema/v1alpha1/{kind}.json",
        **document,
    }
