"""Our Templates, processed by OpenShift's own code: they give back the rendered objects, exactly."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs
import pytest
import yaml
from tests.golden.cases import CASES, renderings

from trimaran.action import Object
from trimaran.lab.build import programs
from trimaran.platform import RENDERED_ONLY, Made, Rendering, platform
from trimaran.platform.files import files
from trimaran.spec.fleet import OpenShiftTarget
from trimaran.spec.service import Service

pytestmark = pytest.mark.peer


def on_openshift() -> Iterator[tuple[str, Rendering]]:
    for case in CASES:
        for rendering in renderings(case):
            if rendering.settings.platform == "openshift":
                yield f"{case}-{rendering.target}", rendering.rendering


CASES_THERE = dict(on_openshift())


@pytest.fixture(scope="session")
def processor() -> Path:
    """OpenShift's own processor, compiled once."""
    return programs(platformdirs.user_cache_path("trimaran"), print, ["process-template"])["process-template"]


def template_of(rendering: Rendering) -> Any:
    """The Template as a reader of the rendered file has it."""
    (text,) = [each.text for each in files("t", "s", rendering) if "-template-" in each.path]
    return yaml.safe_load(text)


def parameters_of(rendering: Rendering) -> dict[str, str]:
    (text,) = [each.text for each in files("t", "s", rendering) if each.path == "t/s/params.env"]
    return dict(line.split("=", 1) for line in text.splitlines())


def processed(processor: Path, template: Any, parameters: dict[str, str]) -> Any:
    given = [f"-p={name}={value}" for name, value in parameters.items()]
    done = subprocess.run(
        [str(processor), *given],
        input=json.dumps(template),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def applied(rendering: Rendering) -> list[Any]:
    """The documents of the objects that are applied, as they are sent."""
    kept: list[Object] = [
        each for each in rendering.objects if each.ref.kind not in RENDERED_ONLY["openshift"]
    ]
    return [json.loads(json.dumps(each.document)) for each in kept]


@pytest.mark.parametrize("name", CASES_THERE)
def test_the_template_with_its_parameter_file_is_what_is_rendered(name: str, processor: Path) -> None:
    rendering = CASES_THERE[name]
    assert processed(processor, template_of(rendering), parameters_of(rendering)) == applied(rendering)


def test_another_installation_differs_in_the_parameters_alone(processor: Path) -> None:
    rendering = CASES_THERE["everything-ocp"]
    others = {**parameters_of(rendering), "NAMESPACE": "stage", "HOST_PUBLIC": "stage.example.com"}
    others |= {"IMAGE": "quay.example.com/e@sha256:" + "0" * 64, "MIN_REPLICAS": "1", "MAX_REPLICAS": "2"}
    others |= {"ENCRYPTED_STORAGE_CLASS": "other-class", "SECRET_STORE": "other-store"}
    objects = processed(processor, template_of(rendering), others)
    found = {(each["kind"], each["metadata"]["name"]): each for each in objects}
    assert {each["metadata"]["namespace"] for each in found.values()} == {"stage"}
    assert found["Route", "everything-public"]["spec"]["host"] == "stage.example.com"
    assert found["HorizontalPodAutoscaler", "everything"]["spec"]["minReplicas"] == 1
    assert found["HorizontalPodAutoscaler", "everything"]["spec"]["maxReplicas"] == 2
    pod = found["Deployment", "everything"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"].startswith("quay.example.com/")
    text = json.dumps(list(found.values()))
    for old in ('"web"', 'namespace=\\"web\\"', "fast-encrypted", "everything.example.com", '"vault"'):
        assert old not in text.replace('"team": "web"', ""), old


@pytest.mark.parametrize("name", CASES_THERE)
def test_nothing_is_generated_and_nothing_has_a_silent_default(name: str, processor: Path) -> None:
    template = template_of(CASES_THERE[name])
    for each in template["parameters"]:
        assert each.keys() == {"name", "description", "required"}
    done = subprocess.run(
        [str(processor)], input=json.dumps(template), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "is required and must be specified" in done.stderr


ODD = ["${IMAGE}", "a ${NAMESPACE} b ${REPLICAS}", "${{REPLICAS}}", "${UNKNOWN} $HOME $${IMAGE} ${IMAGE_2}"]


def test_text_that_looks_like_a_parameter_stays_as_it_is(processor: Path) -> None:
    service = Service.model_validate(
        {
            "apiVersion": "trimaran.dev/v1alpha1",
            "kind": "PlatformAgnosticSpec",
            "metadata": {"name": "odd"},
            "spec": {
                "image": "registry.example.com/odd:1",
                "workload": {"replicas": 2},
                "command": {"args": ODD},
                "env": {"SHELL_TEXT": "${HOST_PUBLIC}"},
                "files": {"/etc/odd": {"content": "image=${IMAGE}\n"}},
                "ports": {"http": 8080},
                "routes": {"public": {"host": "odd.example.com", "port": "http"}},
            },
        }
    )
    settings = OpenShiftTarget(platform="openshift", namespace="web")
    made = Made("", "odd", "registry.example.com/odd:1", image_is_pinned=False)
    rendering = platform("openshift").render(service, "ocp", settings, made)
    assert parameters_of(rendering) == {
        "NAMESPACE_2": "web",
        "REPLICAS_2": "2",
        "IMAGE_3": "registry.example.com/odd:1",
        "HOST_PUBLIC_2": "odd.example.com",
    }
    found = processed(processor, template_of(rendering), parameters_of(rendering))
    assert found == applied(rendering)
    (pod,) = [each["spec"]["template"]["spec"] for each in found if each["kind"] == "Deployment"]
    # Kubernetes gives the program back what was declared: of two dollars it makes one.
    assert [each.replace("$$", "$") for each in pod["containers"][0]["args"]][:3] == ODD[:3]


def test_pods_on_openshift_name_no_user() -> None:
    for rendering in CASES_THERE.values():
        assert "runAsUser" not in json.dumps([each.document for each in rendering.objects], default=dict)
