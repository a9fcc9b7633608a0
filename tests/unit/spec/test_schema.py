"""The JSON Schemas that editors check declarations with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.golden.cases import HERE
from tests.unit.spec.conftest import HEAD

from trimaran.spec.gate import parse
from trimaran.spec.schema import KINDS, schema

SERVICES = sorted([*HERE.glob("*/service.yaml"), *Path("examples").glob("*/service.yaml")])
FLEETS = sorted(HERE.glob("*/fleet.yaml"))
VALIDATOR = {kind: jsonschema.Draft202012Validator(schema(kind)) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_is_one_of_2020_12(kind: str) -> None:
    document = schema(kind)
    jsonschema.Draft202012Validator.check_schema(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.parent.name)
def test_every_service_of_ours_fits(path: Path) -> None:
    VALIDATOR["service"].validate(parse(path.read_bytes(), str(path)).value)


@pytest.mark.parametrize("path", FLEETS, ids=lambda path: path.parent.name)
def test_every_fleet_of_ours_fits(path: Path) -> None:
    VALIDATOR["fleet"].validate(parse(path.read_bytes(), str(path)).value)


@pytest.mark.parametrize(
    "lines",
    [
        "  prots: {http: 80}",
        "  ports: {http: 0}",
        "  ports: {http: 65536}",
        "  ports: {http: '80'}",
        "  ports: [80]",
        "  workload: {type: servce}",
        "  workload: {replicas: -1}",
        "  workload: {replicas: true}",
        "  security: {runAsNonRoot: 'no'}",
        "  resources: {limits: {memory: 64MB}}",
        "  resources: {limits: {cpu: fast}}",
        "  resources: {limits: {memory: true}}",
        "  probes: {ready: {http: /, every: 5 minutes}}",
        "  probes: {ready: {}}",
        "  secrets: {DB: hunter2}",
        "  secrets: {DB: {from: nowhere, path: x}}",
        "  routes: {r: {host: a, port: http, tls: sometimes}}",
        "  scaling: {min: 1, max: 2, cpu: 70}",
        "  scaling: {min: 1, max: 2}",
        "  volumes: {v: {mount: /v}}",
        "  env: [A=b]",
        "  files: {/a: text}",
        "  overrides: {aws: {}}",
        "  overrides: {host: {prots: {}}}",
        "  objectives: {Bad Name: {}}",
        "kind: 5",
    ],
)
def test_what_we_refuse_the_schema_refuses(lines: str) -> None:
    value = yaml.safe_load(HEAD + lines)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR["service"].validate(value)


@pytest.mark.parametrize(
    "targets",
    [
        "{}",
        "{a: {platform: aws}}",
        "{a: {namespace: x}}",
        "{a: {platform: host, namespace: x}}",
        "{a: {platform: host, via: telnet}}",
        "{a: {platform: host, hosts: []}}",
        "{a: {platform: vsphere, url: 'http://x'}}",
        "{a: {platform: kubernetes, secretStore: {kind: Vault, name: v}}}",
        "{a: {platform: kubernetes, arch: sparc}}",
    ],
)
def test_what_we_refuse_of_a_fleet_the_schema_refuses(targets: str) -> None:
    head = {"apiVersion": "trimaran.dev/v1alpha1", "kind": "Fleet", "metadata": {"name": "f"}}
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR["fleet"].validate({**head, "spec": {"targets": yaml.safe_load(targets)}})


def undescribed(value: Any, defined: dict[str, Any], path: str = "") -> Iterator[str]:
    """Properties without a description, of their own or of what they refer to."""
    if isinstance(value, dict):
        for name, field in value.get("properties", {}).items():
            meant = defined.get(str(field.get("$ref", "")).rpartition("/")[2], {})
            if not field.get("description") and not meant.get("description"):
                yield f"{path}/{name}"
        for name, below in value.items():
            yield from undescribed(below, defined, f"{path}/{name}")
    elif isinstance(value, list):
        for each in value:
            yield from undescribed(each, defined, path)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_described(kind: str) -> None:
    document = schema(kind)
    assert list(undescribed(document, document["$defs"])) == []
    assert len(document["$defs"]) > 5
