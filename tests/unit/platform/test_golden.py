"""What each golden case renders, byte for byte; `python -m tests.golden` writes what is rendered now."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.golden.cases import CASES, HERE, expected, rendered, renderings

from trimaran.action import Object, digest
from trimaran.platform.yamltext import dump

WANTED_CASES = [
    "podinfo",
    "everything",
    "documented",
    "minimal",
    "worker",
    "cron",
    "job",
    "daemon",
    "stateful",
]
WANTED_CASES += ["binary", "image", "overrides"]


def objects(platform: str) -> Iterator[tuple[str, Object]]:
    for case in CASES:
        for rendering in renderings(case):
            if rendering.settings.platform == platform:
                yield from ((case, item) for item in rendering.rendering.objects)


def test_there_is_a_case_of_every_kind() -> None:
    assert sorted(WANTED_CASES) == CASES


@pytest.mark.parametrize("case", CASES)
def test_a_case_renders_what_was_committed(case: str) -> None:
    now, committed = rendered(case), expected(case)
    assert sorted(now) == sorted(committed)
    for path, text in now.items():
        assert text == committed[path], path


@pytest.mark.parametrize("case", CASES)
def test_rendering_twice_gives_the_same_bytes(case: str) -> None:
    assert rendered(case) == rendered(case)


def test_the_golden_podinfo_is_the_example() -> None:
    example = Path("examples/podinfo/service.yaml")
    assert (HERE / "podinfo/service.yaml").read_bytes() == example.read_bytes()


@pytest.mark.parametrize("case", CASES)
def test_rendered_yaml_is_what_other_readers_read(case: str) -> None:
    for rendering in renderings(case):
        documents = [
            item.document
            for item in rendering.rendering.objects
            if item.ref.kind not in ("File", "Unit", "TemplateParameters")
        ]
        files = [
            file for file in rendering.files if file.path.endswith(".yaml") and "/root/" not in file.path
        ]
        assert len(files) == len(documents)
        for file, document in zip(files, documents, strict=True):
            assert yaml.load(file.text, Loader=yaml.CSafeLoader) == document
            assert yaml.load(file.text, Loader=yaml.SafeLoader) == document


# What cloud-init documents of the modules that we use; our own short schema, not the project's.
OUR_CLOUD_CONFIG = {
    "type": "object",
    "additionalProperties": False,
    "required": ["write_files", "runcmd"],
    "properties": {
        "write_files": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["path", "permissions", "content"],
                "properties": {
                    "path": {"type": "string", "pattern": "^/"},
                    "permissions": {"type": "string", "pattern": "^0[0-7]{3}$"},
                    "content": {"type": "string"},
                },
            },
        },
        "runcmd": {"type": "array", "items": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
    },
}
MACHINES = list(objects("vsphere"))


def decoded(extra: dict[str, str], name: str) -> str:
    assert extra[f"guestinfo.{name}.encoding"] == "base64"
    return base64.b64decode(extra[f"guestinfo.{name}"], validate=True).decode()


@pytest.mark.parametrize(
    ("case", "machine"), MACHINES, ids=[f"{case}-{item.ref.name}" for case, item in MACHINES]
)
def test_guestinfo_is_text_that_cloud_init_can_use(case: str, machine: Object) -> None:
    extra: dict[str, Any] = machine.document["spec"]["extraConfig"]
    for key, value in extra.items():
        assert key.startswith("guestinfo.")
        assert key.isascii()
        assert key.isprintable()
        assert isinstance(value, str)
        assert value.isprintable()
    meta = yaml.safe_load(decoded(extra, "metadata"))
    assert meta.keys() == {"instance-id", "local-hostname"}
    assert meta["local-hostname"] == machine.ref.name
    text = decoded(extra, "userdata")
    assert text.startswith("#cloud-config\n")
    config = yaml.safe_load(text)
    jsonschema.validate(config, OUR_CLOUD_CONFIG)
    assert [each["path"] for each in config["write_files"]][-1].startswith("/etc/systemd/system/")
    assert extra["guestinfo.trimaran.digest"] == digest(
        {"meta-data": decoded(extra, "metadata"), "user-data": text}
    )
    assert dump(config) == text.removeprefix("#cloud-config\n")
    assert machine.document["spec"]["memoryMB"] % 4 == 0
    assert machine.document["spec"]["numCPUs"] >= 1


def test_no_secret_can_be_in_a_rendering_because_only_references_are() -> None:
    text = "".join(rendered("everything").values())
    assert "kv/web/db" in text
    assert "secretKeyRef" in text
    assert "value: ${" not in text


def test_each_machine_of_a_service_has_a_name_and_an_instance_of_its_own() -> None:
    machines = [item for case, item in MACHINES if case == "everything"]
    assert [item.ref.name for item in machines] == ["everything-0", "everything-1"]
    ids = {decoded(item.document["spec"]["extraConfig"], "metadata") for item in machines}
    assert len(ids) == 2


def test_kubernetes_receives_dollars_as_they_were_declared() -> None:
    east = next(each for each in renderings("everything") if each.target == "east")
    deployment = next(each for each in east.rendering.objects if each.ref.kind == "Deployment")
    container = deployment.document["spec"]["template"]["spec"]["containers"][0]
    assert container["args"][1] == "--name=100% $$HOME $$(HOME) $$$$"
    assert {each["name"]: each.get("value") for each in container["env"]}["ODD"].endswith(
        "$$X $$(LOG_LEVEL) é"
    )
