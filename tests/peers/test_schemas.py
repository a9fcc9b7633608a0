"""What is rendered for clusters, against the schemas that others publish."""

import json
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from tests.golden.cases import CASES, renderings

from trimaran.action import Object
from trimaran.platform import RENDERED_ONLY

# The module that OpenShift publishes its resource definitions in; no release of it has a version number.
OPENSHIFT_API = "github.com/openshift/api@v0.0.0-20260213204242-d34f11c515b3"
VERSIONS = ["1.37.0", "1.29.0"]  # the newest that the library knows, and one that is out of support


def cluster_objects() -> Iterator[tuple[str, Object]]:
    for case in CASES:
        for rendering in renderings(case):
            if rendering.settings.platform in ("kubernetes", "openshift"):
                for item in rendering.rendering.objects:
                    if item.ref.kind in RENDERED_ONLY.get(rendering.settings.platform, ()):
                        continue
                    yield f"{case}-{rendering.target}-{item.ref.kind}-{item.ref.name}", item


OBJECTS = dict(cluster_objects())
# Kinds that others define; real API servers judge them, in test_api_servers.py.
DEFINED = {"ExternalSecret", "HTTPRoute", "PrometheusRule", "Route", "ServiceMonitor"}
KUBERNETES = {name: item for name, item in OBJECTS.items() if item.ref.kind not in DEFINED}
ROUTES = {name: item for name, item in OBJECTS.items() if item.ref.kind == "Route"}


def test_every_kind_that_we_render_is_among_the_cases() -> None:
    assert {item.ref.kind for item in OBJECTS.values()} == {
        "ConfigMap",
        "CronJob",
        "DaemonSet",
        "Deployment",
        "ExternalSecret",
        "HTTPRoute",
        "HorizontalPodAutoscaler",
        "Ingress",
        "Job",
        "NetworkPolicy",
        "PersistentVolumeClaim",
        "PodDisruptionBudget",
        "PrometheusRule",
        "Route",
        "Service",
        "ServiceAccount",
        "ServiceMonitor",
        "StatefulSet",
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", KUBERNETES)
def test_kubernetes_schemas_take_it_strictly(name: str, version: str) -> None:
    # The text is checked, not the values that it was made of.
    kubernetes_validate.validate(yaml.safe_load(json.dumps(KUBERNETES[name].document)), version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_library_refuses_what_is_wrong(version: str) -> None:
    document = json.loads(json.dumps(KUBERNETES["podinfo-kubernetes-Deployment-podinfo"].document))
    document["spec"]["replcas"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, version, strict=True)


@cache
def route_schema() -> dict[str, Any]:
    """The schema of Route that the module has, as JSON Schema."""
    # Outside any module, so that nobody's go.mod has a say.
    done = subprocess.run(
        ["go", "mod", "download", "-json", OPENSHIFT_API],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        timeout=240,
    )
    assert done.returncode == 0, (
        f"`go mod download` could not get {OPENSHIFT_API}: {done.stdout}{done.stderr}"
    )
    folder = Path(json.loads(done.stdout)["Dir"]) / "route/v1/zz_generated.crd-manifests"
    definition = yaml.safe_load((folder / "routes.crd.yaml").read_text("utf-8"))
    (version,) = [each for each in definition["spec"]["versions"] if each["name"] == "v1"]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return closed(schema)


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """A structural schema as the API server takes it with strict validation: unknown fields are refused."""
    found = {key: value for key, value in schema.items() if value is not None}
    if "properties" in found:
        found["properties"] = {name: closed(each) for name, each in found["properties"].items()}
        found.setdefault("additionalProperties", False)
    if isinstance(found.get("items"), dict):
        found["items"] = closed(found["items"])
    return found


@pytest.mark.peer
@pytest.mark.parametrize("name", ROUTES)
def test_openshifts_definition_takes_the_route(name: str) -> None:
    document = json.loads(json.dumps(ROUTES[name].document))
    jsonschema.Draft202012Validator(route_schema()).validate(document)


@pytest.mark.peer
@pytest.mark.parametrize(
    ("field", "value"),
    [("to", {"kind": "Node", "name": "x"}), ("hots", "a"), ("tls", {"termination": "maybe"})],
)
def test_openshifts_definition_refuses_what_is_wrong(field: str, value: Any) -> None:
    document = json.loads(json.dumps(next(iter(ROUTES.values())).document))
    document["spec"][field] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(route_schema()).validate(document)
