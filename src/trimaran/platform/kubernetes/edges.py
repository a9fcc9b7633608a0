"""Which objects of a cluster need which others, each with the field that says so. Pure."""

from collections.abc import Iterator
from typing import Any

from trimaran.action import Object
from trimaran.platform.protocol import Edge


def edges(seen: tuple[Object, ...]) -> tuple[Edge, ...]:
    """The edges among `seen`; a reference to an object that was not seen gives none."""
    by_name = {(item.ref.kind, item.ref.scope, item.ref.name): item for item in seen}
    found = set()
    for item in seen:
        for kind, name, evidence in _references(item, seen):
            other = by_name.get((kind, item.ref.scope, name))
            if other is not None:
                found.add(Edge(item.ref, other.ref, evidence))
    return tuple(sorted(found))


def _references(item: Object, seen: tuple[Object, ...]) -> Iterator[tuple[str, str, str]]:
    spec = item.document.get("spec", {})
    match item.ref.kind:
        case "Service":
            wanted = spec.get("selector", {}).items()
            for other in seen:
                if wanted and wanted <= _template(other).get("metadata", {}).get("labels", {}).items():
                    yield other.ref.kind, other.ref.name, "spec.selector"
        case "Ingress":
            for rule in spec.get("rules", ()):
                for path in rule["http"]["paths"]:
                    yield "Service", path["backend"]["service"]["name"], "spec.rules[].http.paths[].backend"
        case "Route":
            yield "Service", spec["to"]["name"], "spec.to"
        case "HorizontalPodAutoscaler":
            yield spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"], "spec.scaleTargetRef"
        case _:
            yield from _pod_references(_template(item).get("spec", {}))


def _pod_references(pod: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    if "serviceAccountName" in pod:
        yield "ServiceAccount", pod["serviceAccountName"], "spec.template.spec.serviceAccountName"
    for volume in pod.get("volumes", ()):
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"], "spec.template.spec.volumes[].configMap"


def _template(item: Object) -> dict[str, Any]:
    spec = item.document.get("spec", {})
    if item.ref.kind == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template: dict[str, Any] = spec.get("template", {}) if isinstance(spec, dict) else {}
    return template
