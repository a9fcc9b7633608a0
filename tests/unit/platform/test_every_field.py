"""No field of a declaration is dropped in silence: each is rendered, or printed as lost.

A fully populated service is rendered for every target; then each field is given another valid value, or taken
away, and either what is rendered differs or a loss names the field or something above it.
"""

import copy
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel
from tests.golden.cases import HERE

from trimaran.action import Object
from trimaran.platform import Made, Rendering, platform
from trimaran.spec import load
from trimaran.spec.fields import Model
from trimaran.spec.fleet import (
    HostTarget,
    KubernetesTarget,
    OpenShiftTarget,
    Storage,
    Target,
    VSphereTarget,
)
from trimaran.spec.merge import effective
from trimaran.spec.service import Service, WorkloadType

MADE = Made("sha256:" + "a" * 64, "everything", "registry.example.com/everything@sha256:" + "c" * 64, True)
# A cluster with all that objects of ours can use.
EQUIPPED = {
    "storage": {"class": "plain", "encrypted": "encrypted"},
    "secretStore": {"name": "vault"},
    "monitoring": "prometheus-operator",
}
TARGETS: dict[str, Target] = {
    "kubernetes": KubernetesTarget(
        platform="kubernetes", namespace="web", storage=Storage(encrypted="encrypted")
    ),
    "openshift": OpenShiftTarget(
        platform="openshift", namespace="web", storage=Storage(encrypted="encrypted")
    ),
    "equipped": KubernetesTarget.model_validate(
        {"platform": "kubernetes", **EQUIPPED, "gateway": {"name": "g"}}
    ),
    "equipped-openshift": OpenShiftTarget.model_validate({"platform": "openshift", **EQUIPPED}),
    "vsphere": VSphereTarget(platform="vsphere", template="debian-12"),
    "local": HostTarget(platform="host"),
    "ssh": HostTarget(platform="host", hosts=("edge-1.example.com", "edge-2.example.com"), via="ssh"),
}

# Field → another valid value. `*` stands for every key or index.
OTHER: dict[str, Any] = {
    "metadata.name": "another",
    "metadata.labels.*": "another",
    "spec.workload.replicas": 7,
    "spec.workload.cron.schedule": "5 4 * * *",
    "spec.command.args.*": "--another",
    "spec.ports.*": 1234,
    "spec.env.*": "another",
    "spec.secrets.*.from": "sops",
    "spec.secrets.*.path": "another",
    "spec.secrets.*.key": "another",
    "spec.secrets.*.as": {"env": "file", "file": "env"},
    "spec.secrets.*.mount": "/etc/another",
    "spec.files.*.content": "another",
    "spec.files.*.mode": "0404",
    "spec.probes.ready.http": "/another",
    "spec.probes.ready.port": {"http": "admin", "admin": "http"},
    "spec.probes.ready.every": "7s",
    "spec.probes.ready.timeout": "7s",
    "spec.probes.ready.failures": 7,
    "spec.probes.live.http": "/another",
    "spec.probes.live.port": {"http": "admin", "admin": "http"},
    "spec.probes.live.every": "7s",
    "spec.probes.live.timeout": "7s",
    "spec.probes.live.failures": 7,
    "spec.resources.requests.cpu": "120m",
    "spec.resources.requests.memory": "65Mi",
    "spec.resources.limits.cpu": "1600m",
    "spec.resources.limits.memory": "257Mi",
    "spec.volumes.*.mount": "/srv/another",
    "spec.volumes.*.size": "1025Mi",
    "spec.volumes.*.encrypted": {"required": "no", "preferred": "no", "no": "required"},
    "spec.volumes.*.per": {"replica": "service", "service": "replica"},
    "spec.routes.*.host": "another.example.com",
    "spec.routes.*.path": "/another",
    "spec.routes.*.port": {"http": "admin", "admin": "http"},
    "spec.routes.*.tls": {"none": "edge", "edge": "passthrough", "passthrough": "none"},
    "spec.scaling.min": 2,
    "spec.scaling.max": 13,
    "spec.scaling.cpu": "71%",
    "spec.security.runAsNonRoot": False,
    "spec.security.readOnlyRoot": False,
    "spec.metrics.port": {"http": "admin", "admin": "http"},
    "spec.metrics.path": "/another",
    "spec.objectives.*.good": "another",
    "spec.objectives.*.total": "another",
    "spec.objectives.*.histogram": "another",
    "spec.objectives.*.under": "1s",
    "spec.objectives.*.target": "98%",
    "spec.objectives.*.window": "8d",
}
# Fields that are used before rendering, and why.
ELSEWHERE = {
    "apiVersion": "says how the rest is read",
    "kind": "says how the rest is read",
    "spec.build": "what is built reaches the rendering as its digest, file name and image",
    "spec.image": "reaches the rendering as the image, see test_the_image_is_rendered_or_lost",
    "spec.binary": "reaches the rendering as its digest and file name",
    "spec.runsOn": "judged before anything is rendered",
    "spec.files.*.source": "read in when the declaration is loaded, and is content from then on",
    "spec.overrides": "merged before rendering",
    "spec.workload.type": "see test_each_workload_type_is_told_apart_or_lost",
}
# What a target needs not say, and why.
NOT_NEEDED = {
    ("ssh", "spec.ports.*"): "a program opens its ports itself; a unit only knows the low ones",
    ("local", "metadata.labels.*"): "fleets select by labels; no object of a host can carry one",
    ("ssh", "metadata.labels.*"): "as above",
}


def leaves(model: type[BaseModel], base: str = "") -> Iterator[str]:
    """Every field of a model that is no model itself, `*` for keys and indexes."""
    for name, field in model.model_fields.items():
        yield from _leaves_of(field.annotation, f"{base}{field.alias or name}")


def _leaves_of(annotation: Any, path: str) -> Iterator[str]:
    inner = [each for each in get_args(annotation) if each is not type(None)]
    if isinstance(annotation, type) and issubclass(annotation, Model):
        if path in ELSEWHERE:
            yield path
        else:
            yield from leaves(annotation, f"{path}.")
    elif get_origin(annotation) is dict:
        yield from [path] if path in ELSEWHERE else _leaves_of(inner[1], f"{path}.*")
    elif get_origin(annotation) is tuple:
        yield from [path] if path in ELSEWHERE else _leaves_of(inner[0], f"{path}.*")
    elif inner and any(isinstance(each, type) and issubclass(each, Model) for each in inner):
        yield from _leaves_of(inner[0], path)
    else:
        yield path


def test_the_table_names_every_field_there_is() -> None:
    assert set(leaves(Service)) == set(OTHER) | set(ELSEWHERE)
    assert not set(OTHER) & set(ELSEWHERE)


def everything(kind: str, *, scaled: bool = True) -> dict[str, Any]:
    """The fully populated service as plain values, with a workload of that kind."""
    service = load.service(str(HERE / "everything/service.yaml")).service
    document = service.model_dump(mode="json", by_alias=True, exclude_unset=True)
    document["spec"]["workload"] = {"type": kind, "replicas": 3}
    if kind == "cron":
        document["spec"]["workload"]["cron"] = {"schedule": "0 3 * * *"}
    del document["spec"]["overrides"]
    if not scaled:
        del document["spec"]["scaling"]
    return document


def places(value: Any, pattern: tuple[str, ...]) -> Iterator[tuple[str | int, ...]]:
    """The paths in a document that a pattern stands for."""
    if not pattern:
        yield ()
        return
    head, *rest = pattern
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    for key in keys:
        if head in ("*", key):
            yield from ((key, *below) for below in places(value[key], tuple(rest)))


def changed(document: dict[str, Any], place: tuple[Any, ...], other: Any) -> dict[str, Any]:
    result = copy.deepcopy(document)
    *parents, last = place
    within: Any = result
    for part in parents:
        within = within[part]
    if other is None:
        del within[last]
    else:
        within[last] = other[within[last]] if isinstance(other, dict) else other
    return result


def rendered(document: dict[str, Any], target: str) -> Rendering:
    settings = TARGETS[target]
    service = effective(Service.model_validate(document), settings)
    return platform(settings.platform).render(service, target, settings, MADE)


def meant(rendering: Rendering, target: str) -> list[Object]:
    """What counts on a target: a host is run by our supervisor or by systemd, not by both."""
    unseen = {"local": "Unit", "ssh": "Process"}.get(target)
    return [each for each in rendering.objects if each.ref.kind != unseen]


def is_lost(field: str, *renderings: Rendering) -> bool:
    losses = [loss.field for each in renderings for loss in each.losses]
    return any(field == loss or field.startswith(f"{loss}.") for loss in losses)


KINDS = ["service", "service unscaled", "stateful", "daemon", "job", "cron"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_field_is_rendered_or_lost(kind: str, target: str) -> None:
    word, _, unscaled = kind.partition(" ")
    document = everything(word, scaled=not unscaled)
    before = rendered(document, target)
    silent = []
    for pattern, other in OTHER.items():
        found = list(places(document, tuple(pattern.split("."))))
        assert found or "cron" in pattern or (unscaled and "scaling" in pattern), (
            f"{pattern} is not populated"
        )
        for place in found:
            after = rendered(changed(document, place, other), target)
            same = meant(before, target) == meant(after, target)
            field = ".".join(map(str, place)).removeprefix("spec.")
            if same and (target, pattern) not in NOT_NEEDED and not is_lost(field, before, after):
                silent.append(field)
    assert silent == []


OPTIONAL = [
    "spec.env.*",
    "spec.secrets.*",
    "spec.files.*",
    "spec.probes.*",
    "spec.volumes.*",
    "spec.routes.*",
]
OPTIONAL += [
    "spec.metrics",
    "spec.scaling",
    "spec.objectives.*",
    "spec.resources",
    "spec.command.args.*",
    "spec.security",
]
AT_DEFAULT = {"spec.security"}  # it is declared as it is by default


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_taken_away_is_missed_or_was_lost(target: str) -> None:
    document = everything("service")
    before = rendered(document, target)
    silent = []
    for pattern in OPTIONAL:
        if pattern in AT_DEFAULT:
            continue
        for place in places(document, tuple(pattern.split("."))):
            after = rendered(changed(document, place, None), target)
            field = ".".join(map(str, place)).removeprefix("spec.")
            if meant(before, target) == meant(after, target) and not is_lost(field, before):
                silent.append(field)
    assert silent == []


# Kinds that mean the same on a target: a worker is a service without clients; a host runs one of each anyway.
ALIKE = {
    "kubernetes": {"service", "worker"},
    "openshift": {"service", "worker"},
    "equipped": {"service", "worker"},
    "equipped-openshift": {"service", "worker"},
    "vsphere": {"service", "worker"},
    "local": {"service", "worker", "daemon"},
    "ssh": {"service", "worker", "daemon"},
}


@pytest.mark.parametrize("target", TARGETS)
def test_each_workload_type_is_told_apart_or_lost(target: str) -> None:
    seen = {str(kind): rendered(everything(str(kind), scaled=False), target) for kind in WorkloadType}
    for one, first in seen.items():
        for two, second in seen.items():
            if one != two and not {one, two} <= ALIKE[target]:
                differ = meant(first, target) != meant(second, target)
                assert differ or is_lost("workload.type", first, second), f"{one} and {two}"


@pytest.mark.parametrize("target", TARGETS)
def test_the_image_is_rendered_or_lost(target: str) -> None:
    document = everything("service")
    del document["spec"]["build"]
    document["spec"]["image"] = MADE.image
    service, settings = Service.model_validate(document), TARGETS[target]
    face = platform(settings.platform)
    one = face.render(service, target, settings, Made("", "everything", "one@sha256:" + "c" * 64, True))
    two = face.render(service, target, settings, Made("", "everything", "two@sha256:" + "d" * 64, True))
    assert one.objects != two.objects or is_lost("image", one)


@pytest.mark.parametrize("target", TARGETS)
def test_another_binary_is_another_rendering(target: str) -> None:
    document = everything("service")
    service, settings = Service.model_validate(document), TARGETS[target]
    face = platform(settings.platform)
    other = Made("sha256:" + "b" * 64, MADE.program, MADE.image, True)
    one, two = (face.render(service, target, settings, made) for made in (MADE, other))
    assert one.objects != two.objects


def exists(document: Any, field: str) -> bool:
    """Whether a declaration has a field; keys may hold dots."""
    if not field:
        return True
    if not isinstance(document, dict):
        return False
    return any(
        exists(value, field.removeprefix(key).removeprefix("."))
        for key, value in document.items()
        if field == key or field.startswith(f"{key}.")
    )


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_not_declared_is_not_lost(target: str) -> None:
    whole = everything("service")
    for kind in ("service", "worker", "stateful", "daemon", "job"):
        minimal = {
            **whole,
            "metadata": {"name": "minimal"},
            "spec": {"binary": "b", "workload": {"type": kind}},
        }
        for document in [minimal, *_with_one_part(minimal, whole)]:
            for loss in rendered(document, target).losses:
                assert exists(document["spec"], loss.field), f"{loss.field}: {loss.reason}"


def _with_one_part(minimal: dict[str, Any], whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, part in whole["spec"].items():
        if name in ("build", "runsOn", "workload", "probes", "routes", "metrics"):
            continue
        yield {**minimal, "spec": {**minimal["spec"], name: part}}
        if isinstance(part, dict) and name in ("resources", "volumes", "secrets"):
            for key, value in part.items():
                yield {**minimal, "spec": {**minimal["spec"], name: {key: value}}}
    for each in ("cpu", "memory"):
        for side in ("requests", "limits"):
            amounts = {side: {each: whole["spec"]["resources"][side][each]}}
            yield {**minimal, "spec": {**minimal["spec"], "resources": amounts}}


EXPRESSED: list[tuple[dict[str, Any], str]] = [
    ({"resources": {"limits": {"cpu": "2", "memory": "512Mi"}}}, "kubernetes openshift vsphere ssh"),
    ({"resources": {"requests": {"cpu": "2", "memory": "512Mi"}}}, "kubernetes openshift vsphere"),
    ({"workload": {"type": "worker", "replicas": 2}}, "kubernetes openshift vsphere ssh"),
    ({"workload": {"type": "daemon"}}, "kubernetes openshift local ssh"),
    ({"workload": {"type": "job"}}, "kubernetes openshift local ssh"),
    ({"workload": {"type": "cron", "cron": {"schedule": "0 3 * * *"}}}, "kubernetes openshift"),
    ({"security": {"runAsNonRoot": True, "readOnlyRoot": True}}, "kubernetes openshift vsphere ssh"),
    ({"files": {"/etc/a": {"content": "x", "mode": "0400"}}}, "kubernetes openshift vsphere ssh"),
    (
        {"env": {"A": "b c $d %e"}, "command": {"args": ["$(A)", ""]}},
        "kubernetes openshift vsphere local ssh",
    ),
    ({"ports": {"http": 80}}, "kubernetes openshift vsphere local ssh"),
    ({"ports": {"http": 80}, "metrics": {"port": "http"}}, "kubernetes openshift vsphere"),
    (
        {"ports": {"http": 80}, "probes": {"ready": {"http": "/", "every": "3s"}, "live": {"http": "/"}}},
        "kubernetes openshift",
    ),
    (
        {"ports": {"http": 80}, "routes": {"r": {"host": "a.example.com", "port": "http", "tls": "none"}}},
        "kubernetes openshift",
    ),
    (
        {"ports": {"http": 80}, "routes": {"r": {"host": "a.example.com", "port": "http", "tls": "edge"}}},
        "openshift",
    ),
    (
        {"scaling": {"min": 1, "max": 2, "cpu": "70%"}, "resources": {"requests": {"cpu": "1"}}},
        "kubernetes openshift",
    ),
]
EXPRESSED += [
    (
        {
            "workload": {"type": "stateful", "replicas": 2},
            "volumes": {"v": {"mount": "/srv/v", "size": "1Gi", "encrypted": each, "per": "replica"}},
        },
        "equipped equipped-openshift",
    )
    for each in ("required", "preferred", "no")
]
EXPRESSED += [
    (
        {"volumes": {"v": {"mount": "/srv/v", "size": "1Gi", "encrypted": "required", "per": "service"}}},
        "kubernetes openshift equipped equipped-openshift",
    ),
    (
        {"secrets": {"S": {"from": "vault", "path": "kv/s", "key": "k"}}},
        "equipped equipped-openshift",
    ),
    (
        {
            "ports": {"http": 80},
            "metrics": {"port": "http"},
            "objectives": {"fast": {"histogram": "h", "under": "1s", "target": "99%", "window": "30d"}},
        },
        "equipped equipped-openshift",
    ),
]


@pytest.mark.parametrize(("spec", "targets"), EXPRESSED)
def test_what_is_expressed_is_not_lost(spec: dict[str, Any], targets: str) -> None:
    head = {"apiVersion": "trimaran.dev/v1alpha1", "kind": "PlatformAgnosticSpec", "metadata": {"name": "w"}}
    document = {**head, "spec": {"binary": "b", **spec}}
    for target in TARGETS:
        lost = [loss.field for loss in rendered(document, target).losses if loss.field != "binary"]
        if target in targets.split():
            assert lost == [], target
