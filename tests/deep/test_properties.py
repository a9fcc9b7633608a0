"""Declarations, renderings, YAML text and differences, with thousands of examples."""

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.platform import test_compare, test_damaged, test_yamltext
from tests.unit.spec.test_hostile import EVERYTHING, EXAMPLE, FLEET, YAMLISH, mutated, survives

MANY = settings(max_examples=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
# A declaration that still renders may ask for thousands of machines.
RENDERED = settings(MANY, max_examples=1000)


@MANY
@given(mutated(EXAMPLE, EVERYTHING))
def test_damaged_services_are_read_or_refused(tmp_path: Path, raw: bytes) -> None:
    survives(raw, tmp_path / "f.yaml", fleet=False)


@MANY
@given(mutated(FLEET))
def test_damaged_fleets_are_read_or_refused(tmp_path: Path, raw: bytes) -> None:
    survives(raw, tmp_path / "f.yaml", fleet=True)


@MANY
@given(st.binary(max_size=300) | YAMLISH.map(str.encode))
def test_bytes_are_read_or_refused(tmp_path: Path, raw: bytes) -> None:
    survives(raw, tmp_path / "f.yaml", fleet=False)
    survives(EXAMPLE.encode().replace(b"{http: 9898}", raw), tmp_path / "f.yaml", fleet=False)


@RENDERED
@given(mutated(EXAMPLE, EVERYTHING))
def test_services_that_are_taken_render(tmp_path: Path, raw: bytes) -> None:
    test_damaged.check_rendered(tmp_path, raw)


@MANY
@given(test_yamltext.JSON)
def test_yaml_text_reads_back(value: Any) -> None:
    test_yamltext.check_read_back(value)


@MANY
@given(test_compare.DOCUMENT, test_compare.DOCUMENT)
def test_differences_are_found(wanted: dict[str, Any], seen: dict[str, Any]) -> None:
    test_compare.check_changes(wanted, seen)
