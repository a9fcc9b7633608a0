"""The JSON Schemas of the declarations, for editors and other programs. Pure."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from trimaran.spec.fleet import Fleet
from trimaran.spec.service import Service
from trimaran.units import Bytes, Cpu, Duration, Ratio

KINDS = {"service": Service, "fleet": Fleet}


class AsWritten(GenerateJsonSchema):
    """Gives the default of a quantity as a user writes it: an editor may put it into a declaration."""

    def encode_default(self, dft: Any) -> Any:
        return str(dft) if isinstance(dft, Bytes | Cpu | Duration | Ratio) else super().encode_default(dft)


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of `service` or `fleet`."""
    model = KINDS[kind]
    document = model.model_json_schema(by_alias=True, mode="validation", schema_generator=AsWritten)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://trimaran.dev/schema/v1alpha1/{kind}.json",
        **{key: _closed(value) for key, value in document.items()},
    }


def _closed(value: Any) -> Any:
    """The schema with mappings whose keys have a pattern closed against other keys, as the models are."""
    if isinstance(value, list):
        return [_closed(each) for each in value]
    if not isinstance(value, dict):
        return value
    closed = {key: _closed(each) for key, each in value.items()}
    if "patternProperties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed
