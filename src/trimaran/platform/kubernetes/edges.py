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
        case "Ingress" | "Route" | "HTTPRoute":
            yield from _backends(item.ref.kind, spec)
        case "HorizontalPodAutoscaler":
            yield spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"], "spec.scaleTargetRef"
        case _:
            yield from _pod_references(_template(item).get("spec", {}))


def _backends(kind: str, spec: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    if kind == "Route":
        yield "Service", spec["to"]["name"], "spec.to"
    for rule in spec.get("rules", ()):
        for path in rule.get("http", {}).get("paths", ()):
            yield "Service", path["backend"]["service"]["name"], "spec.rules[].http.paths[].backend"
        for backend in rule.get("backendRefs", ()):
            yield backend.get("kind", "Service"), backend["name"], "spec.rules[].backendRefs"


def _pod_references(pod: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    if "serviceAccountName" in pod:
        yield "ServiceAccount", pod["serviceAccountName"], "spec.template.spec.serviceAccountName"
    for volume in pod.get("volumes", ()):
        at = "spec.template.spec.volumes[]"
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"], f"{at}.configMap"
        if "persistentVolumeClaim" in volume:
            claim = volume["persistentVolumeClaim"]["claimName"]
            yield "PersistentVolumeClaim", claim, f"{at}.persistentVolumeClaim"
        if "secret" in volume:
            yield from _secret(volume["secret"]["secretName"], f"{at}.secret")
    for container in pod.get("containers", ()):
        for each in container.get("env", ()):
            if "secretKeyRef" in each.get("valueFrom", ()):
                at = "spec.template.spec.containers[].env[].valueFrom.secretKeyRef"
                yield from _secret(each["valueFrom"]["secretKeyRef"]["name"], at)


def _secret(name: str, evidence: str) -> Iterator[tuple[str, str, str]]:
    # Ours is made by the ExternalSecret of the same name.
    yield "Secret", name, evidence
    yield "ExternalSecret", name, evidence


def _template(item: Object) -> dict[str, Any]:
    spec = item.document.get("spec", {})
    if item.ref.kind == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template: dict[str, Any] = spec.get("template", {}) if isinstance(spec, dict) else {}
    return template
