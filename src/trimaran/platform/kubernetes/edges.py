"""Which objects of a cluster need which others, each with the field that says so. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from trimaran.action import Json, Object, ObjectRef
from trimaran.platform.protocol import Edge

_Reference = tuple[str, str, str]  # kind, name, evidence

# kind → the field that names another object, as steps, and what it names; lists are gone through.
_NAMED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Ingress": (("Service", "spec.rules[].http.paths[].backend.service.name"),),
    "Route": (("Service", "spec.to.name"), ("Service", "spec.alternateBackends[].name")),
    "HTTPRoute": (("Service", "spec.rules[].backendRefs[].name"),),
}
_POD = (
    ("ServiceAccount", "serviceAccountName"),
    ("ConfigMap", "volumes[].configMap.name"),
    ("ConfigMap", "containers[].envFrom[].configMapRef.name"),
    ("ConfigMap", "containers[].env[].valueFrom.configMapKeyRef.name"),
    ("PersistentVolumeClaim", "volumes[].persistentVolumeClaim.claimName"),
    ("Secret", "volumes[].secret.secretName"),
    ("Secret", "containers[].envFrom[].secretRef.name"),
    ("Secret", "containers[].env[].valueFrom.secretKeyRef.name"),
)
# kind → the field with the labels that it selects by.
_SELECTS = {
    "Service": "spec.selector",
    "NetworkPolicy": "spec.podSelector.matchLabels",
    "PodDisruptionBudget": "spec.selector.matchLabels",
}
_MONITOR = "spec.selector.matchLabels"


def edges(seen: tuple[Object, ...]) -> tuple[Edge, ...]:
    """The edges among `seen`; a reference to an object that was not seen gives none."""
    by_name = {(item.ref.kind, item.ref.scope, item.ref.name): item.ref for item in seen}
    # A Secret is never looked at; what makes it stands for it.
    for item in seen:
        if item.ref.kind == "ExternalSecret":
            made = next(_values(item.document, "spec.target.name"), item.ref.name)
            by_name["Secret", item.ref.scope, str(made)] = item.ref
    pods, services = _Labelled(), _Labelled()
    for item in seen:
        pods.add(item.ref, _template(item).get("metadata"))
        if item.ref.kind == "Service":
            services.add(item.ref, item.document.get("metadata"))
    found = set()
    for item in seen:
        for kind, name, evidence in _references(item):
            other = by_name.get((kind, item.ref.scope, name))
            if other is not None:
                found.add(Edge(item.ref, other, evidence))
        for other, evidence in _selected(item, pods, services):
            found.add(Edge(item.ref, other, evidence))
    return tuple(sorted(found))


class _Labelled:
    """Objects by their labels, so that a selector need not be held against every object."""

    def __init__(self) -> None:
        self._by: defaultdict[tuple[str, str, str], list[tuple[ObjectRef, Mapping[str, str]]]] = defaultdict(
            list
        )

    def add(self, ref: ObjectRef, metadata: Json) -> None:
        labels = _map(_map(metadata).get("labels"))
        for key, value in labels.items():
            self._by[ref.scope, key, str(value)].append((ref, labels))

    def find(self, scope: str, selector: Json) -> Iterator[ObjectRef]:
        """Those that have all labels of a selector; none for an empty one, which names nothing."""
        wanted = _map(selector)
        if not wanted:
            return
        key, value = next(iter(wanted.items()))
        for ref, labels in self._by.get((scope, key, str(value)), ()):
            if wanted.items() <= labels.items():
                yield ref


def _selected(item: Object, pods: _Labelled, services: _Labelled) -> Iterator[tuple[ObjectRef, str]]:
    if item.ref.kind == "ServiceMonitor":
        for selector in _values(item.document, _MONITOR):
            yield from ((ref, _MONITOR) for ref in services.find(item.ref.scope, selector))
    place = _SELECTS.get(item.ref.kind)
    if place is not None:
        for selector in _values(item.document, place):
            yield from ((ref, place) for ref in pods.find(item.ref.scope, selector))


def _references(item: Object) -> Iterator[_Reference]:
    for kind, place in _NAMED.get(item.ref.kind, ()):
        yield from ((kind, str(name), place) for name in _values(item.document, place))
    if item.ref.kind == "HorizontalPodAutoscaler":
        to = _map(_map(item.document.get("spec")).get("scaleTargetRef"))
        yield str(to.get("kind")), str(to.get("name")), "spec.scaleTargetRef"
    pod = _map(_template(item).get("spec"))
    if pod:
        base = "spec.jobTemplate.spec.template.spec" if item.ref.kind == "CronJob" else "spec.template.spec"
        for kind, place in _POD:
            yield from ((kind, str(name), f"{base}.{place}") for name in _values(pod, place))


def _template(item: Object) -> Mapping[str, Any]:
    spec = _map(item.document.get("spec"))
    if item.ref.kind == "CronJob":
        spec = _map(_map(spec.get("jobTemplate")).get("spec"))
    return _map(spec.get("template"))


def _map(value: Json) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _values(value: Json, place: str) -> Iterator[Json]:
    """Every value at a place such as `rules[].backend.name`; none where a document is shaped otherwise."""
    step, _, rest = place.partition(".")
    found = _map(value).get(step.removesuffix("[]"))
    inner = found if step.endswith("[]") and isinstance(found, list) else [found]
    for each in inner:
        if rest:
            yield from _values(each, rest)
        elif each is not None:
            yield each
