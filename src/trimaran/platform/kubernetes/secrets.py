"""The secrets of a service: an ExternalSecret where the cluster has a store, references everywhere. Pure."""

from typing import Any

from trimaran.platform.protocol import Loss
from trimaran.spec.fleet import ClusterTarget
from trimaran.spec.service import Secret, SecretSource, Service

REFRESH = "1h"
"""How often the store is asked again; also what External Secrets does when it is not told."""


def secret_name(service: Service) -> str:
    """The Secret that holds what the service's references resolve to."""
    return f"{service.name}-secrets"


def stored(service: Service, settings: ClusterTarget) -> dict[str, Secret]:
    """The references that the cluster's store answers: those to a vault."""
    if settings.secret_store is None:
        return {}
    return {
        name: secret
        for name, secret in sorted(service.spec.secrets.items())
        if secret.source is SecretSource.VAULT
    }


def external_secret(service: Service, settings: ClusterTarget) -> dict[str, Any] | None:
    """The body of the ExternalSecret; None where the store has nothing to give."""
    store, found = settings.secret_store, stored(service, settings)
    if store is None or not found:
        return None
    return {
        "refreshInterval": REFRESH,
        "secretStoreRef": {"kind": store.kind, "name": store.name},
        "target": {"name": secret_name(service), "creationPolicy": "Owner"},
        "data": [{"secretKey": name, "remoteRef": _remote(secret)} for name, secret in found.items()],
    }


def _remote(secret: Secret) -> dict[str, str]:
    return {"key": secret.path, **({"property": secret.key} if secret.key else {})}


def losses(service: Service, target: str, settings: ClusterTarget) -> list[Loss]:
    """The secrets that something else has to bring."""
    known = stored(service, settings)
    return [
        Loss(
            target,
            f"secrets.{name}",
            f"nothing here makes the Secret {secret_name(service)} from {secret.source}",
        )
        for name, secret in service.spec.secrets.items()
        if name not in known
    ]
