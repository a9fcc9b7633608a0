"""What all objects of a service have: their first fields, their labels, and what selects the pods. Pure."""

from typing import Any

from trimaran.spec.service import Service


def labels(service: Service) -> dict[str, str]:
    """The labels of every object of a service."""
    own = {"app.kubernetes.io/managed-by": "trimaran", "app.kubernetes.io/name": service.name}
    return {**dict(sorted(service.metadata.labels.items())), **own}


def selector(service: Service) -> dict[str, str]:
    """What selects the pods of a service. It never changes: a Deployment's selector is immutable."""
    return {"app.kubernetes.io/name": service.name}


def head(service: Service, api_version: str, kind: str, name: str, namespace: str) -> dict[str, Any]:
    """The first fields of an object, without its spec."""
    metadata = {"name": name, "namespace": namespace, "labels": labels(service)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}
