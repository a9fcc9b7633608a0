"""One Template with all objects of a service, and the file of parameters that gives back exactly them. Pure.

What differs between installations becomes a parameter; none has a default, and none is generated: a secret
that several parts share would be another one for each. The processor replaces `${NAME}` within texts, and
`"${{NAME}}"` as a whole by a number; a name that is no parameter stays as it is. So a text of the declaration
survives as long as no parameter has the name that stands in it, and then the parameter gets another one.

Source: OpenShift documentation, "Using templates"; github.com/openshift/library-go, pkg/template.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from trimaran.action import Json, Object, ObjectRef
from trimaran.platform.kubernetes import monitoring
from trimaran.platform.kubernetes.head import head
from trimaran.spec.fleet import OpenShiftTarget
from trimaran.spec.service import Service

Document = dict[str, Any]

# A value that a line of a parameter file holds without quotes, however the file is read.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9./:@_-]*")
_REFERENCE = re.compile(r"\$\{\{?([A-Za-z0-9_]+)\}")


class _Parameters:
    """The parameters of one Template, in the order in which they are first needed."""

    def __init__(self, avoid: frozenset[str]) -> None:
        """`avoid`: names that a text of the objects refers to, as it is to stay."""
        self.avoid = avoid
        self.values: dict[str, str] = {}
        self.meanings: dict[str, str] = {}

    def text(self, name: str, value: str, meaning: str) -> str:
        return f"${{{self._name(name, value, meaning)}}}" if _PLAIN.fullmatch(value) else value

    def number(self, name: str, value: int, meaning: str) -> str:
        return f"${{{{{self._name(name, str(value), meaning)}}}}}"

    def _name(self, name: str, value: str, meaning: str) -> str:
        free, count = name, 1
        while free in self.avoid:
            count += 1
            free = f"{name}_{count}"
        self.values[free], self.meanings[free] = value, meaning
        return free


def written(service: Service, target: str, settings: OpenShiftTarget, found: list[Object]) -> list[Object]:
    """The Template of the objects that are `found`, and its parameter file."""
    parameters = _Parameters(frozenset(_references([item.document for item in found])))
    objects = [_opened(item, service, settings, parameters) for item in found]
    name, namespace = service.name, settings.namespace
    document = head(service, "template.openshift.io/v1", "Template", name, namespace)
    document["metadata"]["annotations"] = {"description": f"{name}, rendered by Trimaran for {target}"}
    body = {
        "labels": dict(document["metadata"]["labels"]),
        "parameters": [
            {"name": each, "description": meaning, "required": True}
            for each, meaning in parameters.meanings.items()
        ],
        "objects": objects,
    }
    lines = "".join(f"{each}={value}\n" for each, value in parameters.values.items())
    file = {**head(service, "trimaran.dev/v1alpha1", "TemplateParameters", name, namespace), "content": lines}
    return [
        Object(ObjectRef(target, each["kind"], name, namespace), each)
        for each in ({**document, **body}, file)
    ]


def _references(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        if "${" in value:
            yield from _REFERENCE.findall(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            if "${" in key:
                yield from _REFERENCE.findall(key)
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _opened(item: Object, service: Service, settings: OpenShiftTarget, parameters: _Parameters) -> Document:
    """The object with parameters in the places that differ between installations; shares the rest."""
    document = dict(item.document)
    namespace = parameters.text("NAMESPACE", settings.namespace, "the project of all objects")
    document["metadata"] = {**document["metadata"], "namespace": namespace}
    if item.ref.kind == "Route":
        name = item.ref.name.removeprefix(f"{service.name}-")
        document["spec"] = _route(document["spec"], name, parameters)
    elif item.ref.kind == "PrometheusRule":
        # The project stands inside the expressions, so that they are made anew.
        document["spec"] = monitoring.rule(service, namespace)
    elif item.ref.kind in _BY_KIND:
        document["spec"] = _BY_KIND[item.ref.kind](document["spec"], settings, parameters)
    return document


def _route(spec: Document, name: str, parameters: _Parameters) -> Document:
    meaning = f"the name under which clients reach the route {name}"
    host = parameters.text(f"HOST_{name.upper().replace('-', '_')}", spec["host"], meaning)
    return {**spec, "host": host}


def _workload(spec: Document, settings: OpenShiftTarget, parameters: _Parameters) -> Document:
    found = dict(spec)
    for field in ("replicas", "parallelism", "completions"):
        if field in found:
            found[field] = parameters.number("REPLICAS", found[field], "how many run at the same time")
    if "jobTemplate" in found:
        job = _workload(found["jobTemplate"]["spec"], settings, parameters)
        return {**found, "jobTemplate": {**found["jobTemplate"], "spec": job}}
    pod = dict(found["template"]["spec"])
    pod["containers"] = [
        {**each, "image": parameters.text("IMAGE", each["image"], "the image with the program")}
        for each in pod["containers"]
    ]
    if "volumes" in pod:
        pod["volumes"] = [_volume(each, settings, parameters) for each in pod["volumes"]]
    found["template"] = {**found["template"], "spec": pod}
    if "volumeClaimTemplates" in found:
        found["volumeClaimTemplates"] = [
            {**each, "spec": _claim(each["spec"], settings, parameters)}
            for each in found["volumeClaimTemplates"]
        ]
    return found


def _volume(volume: Document, settings: OpenShiftTarget, parameters: _Parameters) -> Document:
    if "ephemeral" not in volume:
        return volume
    claim = _claim(volume["ephemeral"]["volumeClaimTemplate"]["spec"], settings, parameters)
    return {**volume, "ephemeral": {"volumeClaimTemplate": {"spec": claim}}}


def _claim(spec: Document, settings: OpenShiftTarget, parameters: _Parameters) -> Document:
    chosen = spec.get("storageClassName")
    if chosen is None:
        return spec
    if chosen == settings.storage.encrypted:
        name, meaning = "ENCRYPTED_STORAGE_CLASS", "the StorageClass whose volumes are encrypted"
    else:
        name, meaning = "STORAGE_CLASS", "the StorageClass of volumes that need no encryption"
    return {**spec, "storageClassName": parameters.text(name, chosen, meaning)}


def _external(spec: Document, _: OpenShiftTarget, parameters: _Parameters) -> Document:
    store = spec["secretStoreRef"]
    name = parameters.text("SECRET_STORE", store["name"], f"the {store['kind']} that has the secrets")
    return {**spec, "secretStoreRef": {**store, "name": name}}


def _scaler(spec: Document, _: OpenShiftTarget, parameters: _Parameters) -> Document:
    least = parameters.number("MIN_REPLICAS", spec["minReplicas"], "the least number of replicas")
    most = parameters.number("MAX_REPLICAS", spec["maxReplicas"], "the greatest number of replicas")
    return {**spec, "minReplicas": least, "maxReplicas": most}


_BY_KIND: dict[str, Callable[[Document, OpenShiftTarget, _Parameters], Document]] = {
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"), _workload),
    "PersistentVolumeClaim": _claim,
    "ExternalSecret": _external,
    "HorizontalPodAutoscaler": _scaler,
}
