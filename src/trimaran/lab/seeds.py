"""What the lab's clusters hold from the start, as documents and where the API keeps them. Pure."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from trimaran.lab.texts import NAMESPACE

Document = dict[str, Any]
NODE = "lab-0"
GATEWAY_CLASS = "lab"
# kind → (API version, plural, whether it is in a namespace)
_KINDS = {
    "ClusterRoleBinding": ("rbac.authorization.k8s.io/v1", "clusterrolebindings", False),
    "ClusterSecretStore": ("external-secrets.io/v1", "clustersecretstores", False),
    "ConfigMap": ("v1", "configmaps", True),
    "Gateway": ("gateway.networking.k8s.io/v1", "gateways", True),
    "GatewayClass": ("gateway.networking.k8s.io/v1", "gatewayclasses", False),
    "Namespace": ("v1", "namespaces", False),
    "Node": ("v1", "nodes", False),
    "StorageClass": ("storage.k8s.io/v1", "storageclasses", False),
}


def _made(kind: str, name: str, metadata: Document | None = None, **body: object) -> Document:
    version, _, within = _KINDS[kind]
    named: Document = {"name": name} | ({"namespace": NAMESPACE} if within else {})
    return {"apiVersion": version, "kind": kind, "metadata": named | (metadata or {}), **body}


def path(document: Mapping[str, Any]) -> str:
    """Where the API server keeps a document."""
    version, plural, within = _KINDS[document["kind"]]
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    metadata = document["metadata"]
    space = f"/namespaces/{metadata['namespace']}" if within else ""
    return f"{base}{space}/{plural}/{metadata['name']}"


def definition_path(name: str) -> str:
    """Where the API server keeps the definition of that name."""
    return f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"


def builtin(classes: Iterable[str]) -> tuple[Document, ...]:
    """What needs no definition: the namespace, the node, StorageClasses, and who may only read.

    Args:
        classes: the StorageClasses' names.
    """
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": NODE,
        "kubernetes.io/os": "linux",
        "node-role.kubernetes.io/worker": "",
    }
    group = "rbac.authorization.k8s.io"
    return (
        _made("Namespace", NAMESPACE),
        _made("Node", NODE, metadata={"labels": labels}),
        *(_made("StorageClass", name, provisioner="kwok.x-k8s.io/volume") for name in classes),
        _made(
            "ClusterRoleBinding",
            "lab-reader",
            roleRef={"apiGroup": group, "kind": "ClusterRole", "name": "view"},
            subjects=[{"apiGroup": group, "kind": "User", "name": "lab-reader"}],
        ),
    )


def defined(cluster: str) -> tuple[Document, ...]:
    """What needs the definitions: the secret store that the fleet names, and on one cluster a Gateway."""
    vault = {
        "server": "https://vault.invalid:8200",
        "path": "secret",
        "version": "v2",
        "auth": {"kubernetes": {"mountPath": "kubernetes", "role": "lab"}},
    }
    found = [_made("ClusterSecretStore", "vault", spec={"provider": {"vault": vault}})]
    if cluster == "kubernetes":
        controller = "lab.trimaran.dev/none"
        listener = {
            "name": "http",
            "port": 80,
            "protocol": "HTTP",
            "allowedRoutes": {"namespaces": {"from": "All"}},
        }
        found += [
            _made("GatewayClass", GATEWAY_CLASS, spec={"controllerName": controller}),
            _made("Gateway", "public", spec={"gatewayClassName": GATEWAY_CLASS, "listeners": [listener]}),
        ]
    return tuple(found)


def marker(seeded: str) -> Document:
    """Says in the cluster itself what it was given; looked for before it is given again."""
    return _made("ConfigMap", "trimaran-lab", metadata={"namespace": "kube-system"}, data={"seeded": seeded})


def digest(cluster: str, classes: Iterable[str], definitions: str) -> str:
    """Names all that a cluster is given.

    Args:
        definitions: names the definitions.
    """
    text = repr((builtin(classes), defined(cluster), definitions))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def established(definition: Mapping[str, Any]) -> bool:
    """Whether the API server serves what a definition defines."""
    return _condition(definition, "Established")


def ready(node: Mapping[str, Any]) -> bool:
    """Whether a node takes pods."""
    tainted = any(taint.get("effect") for taint in node.get("spec", {}).get("taints") or ())
    return _condition(node, "Ready") and not tainted


def _condition(document: Mapping[str, Any], kind: str) -> bool:
    conditions = (document.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == kind and each.get("status") == "True" for each in conditions)
