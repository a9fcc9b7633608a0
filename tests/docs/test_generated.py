"""What is generated in the documentation is what the code gives now."""

import json
from pathlib import Path

import jsonschema
import pytest

from tests.docs import generate
from tests.docs.generate import DOCS, ROOT, meaning, models
from trimaran.codes import explanations
from trimaran.spec import gate


@pytest.mark.parametrize("path", generate.pages(), ids=lambda path: path.name)
def test_a_generated_file_is_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == generate.pages()[path], "run: python -m tests.docs.generate"


def test_every_error_code_has_its_place_on_the_page() -> None:
    text = (DOCS / "errors.md").read_text("utf-8")
    assert explanations()
    for code, entry in explanations().items():
        assert f"### {code}: {entry.title}\n" in text


def test_every_field_of_a_declaration_stands_in_a_table_with_a_meaning() -> None:
    text = (DOCS / "declaration.md").read_text("utf-8")
    for name, model in models().items():
        if name in ("TargetBase", "ClusterTarget"):
            continue  # its fields stand in the table of each target
        assert f"<!-- table: {name} -->" in text
        document = model.model_json_schema(by_alias=True)
        for field, given in model.model_fields.items():
            entry = document["properties"][given.alias or field]
            assert meaning(entry, document.get("$defs", {})), f"{name}.{field}"


@pytest.mark.parametrize(
    "declaration", sorted((ROOT / "examples").rglob("service.yaml")), ids=lambda path: path.parent.name
)
def test_an_example_fits_the_published_schema_that_its_first_lines_name(declaration: Path) -> None:
    (modeline,) = [line for line in declaration.read_text("utf-8").splitlines() if "$schema=" in line]
    named = declaration.parent / modeline.partition("$schema=")[2]
    assert named.resolve() == DOCS / "schema" / "service.json"
    document = gate.parse(declaration.read_bytes(), declaration.name).value
    jsonschema.validate(document, json.loads(named.read_text("utf-8")))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "spce": {}}, json.loads(named.read_text("utf-8")))
