"""The files that a user of the lab reads or sources: the kubeconfigs, the fleet, the environment. Pure."""

import base64
import json
import shlex
from collections.abc import Iterable, Mapping

import yaml

from trimaran.lab.members import CLUSTERS, TEMPLATE, USER

OURS = "# Made by `trimaran lab up`, which writes it anew."
"""The first line of a fleet file that may be replaced."""
NAMESPACE = "web"
POLICY = "VM Encryption Policy"


def kubeconfig(
    ca: bytes, ports: Mapping[str, int], users: Iterable[tuple[str, str, str]], current: str = CLUSTERS[0]
) -> str:
    """A kubeconfig with the CA in it.

    Args:
        ca: the CA's certificate, PEM.
        users: (context, cluster, token); a context without a port is left out.
    """
    contexts, accounts = [], []
    for context, cluster, token in users:
        body = {"cluster": cluster, "user": context, "namespace": NAMESPACE}
        contexts.append({"name": context, "context": body})
        accounts.append({"name": context, "user": {"token": token}})
    trusted = base64.b64encode(ca).decode()
    clusters = [
        {
            "name": name,
            "cluster": {
                "server": f"https://127.0.0.1:{ports[name]}",
                "certificate-authority-data": trusted,
            },
        }
        for name in CLUSTERS
    ]
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": clusters,
        "contexts": contexts,
        "users": accounts,
    }
    return yaml.safe_dump(document, sort_keys=False)


def is_ours(text: str) -> bool:
    """Whether a fleet file may be replaced."""
    return text.partition("\n")[0] == OURS


def fleet(root: str, port: int) -> str:
    """The fleet file of the lab: two clusters, a vCenter and this machine.

    Args:
        root: the lab's folder.
        port: the vCenter's.
    """
    return f"""{OURS}
# The clusters and the vCenter listen on this machine only; `trimaran lab status` shows them.
apiVersion: trimaran.dev/v1alpha1
kind: Fleet
metadata: {{name: lab}}
spec:
  targets:
    kubernetes:
      platform: kubernetes
      kubeconfig: {_quoted(f"{root}/kubeconfig")}
      context: kubernetes
      namespace: {NAMESPACE}
      secretStore: {{kind: ClusterSecretStore, name: vault}}
      storage: {{class: standard, encrypted: encrypted}}
      monitoring: prometheus-operator
      gateway: {{name: public}}
    openshift:
      platform: openshift
      kubeconfig: {_quoted(f"{root}/kubeconfig")}
      context: openshift
      namespace: {NAMESPACE}
      secretStore: {{kind: ClusterSecretStore, name: vault}}
      storage: {{class: standard, encrypted: encrypted}}
      monitoring: prometheus-operator
    vsphere:
      platform: vsphere
      url: https://127.0.0.1:{port}/sdk
      user: {USER}
      password: {{from: file, path: {_quoted(f"{root}/vcenter.password")}}}
      ca: {_quoted(f"{root}/ca.crt")}
      datacenter: DC0
      folder: trimaran
      template: {TEMPLATE}
      encryptionPolicy: {POLICY}
    host:
      platform: host
"""


def _quoted(text: str) -> str:
    # A JSON string is a YAML string.
    return json.dumps(text, ensure_ascii=False)


def environment(root: str, port: int, password: str, folders: Iterable[str]) -> str:
    """Lines for a shell to source, so that kubectl and govc talk to the lab."""
    values = {
        "KUBECONFIG": f"{root}/kubeconfig",
        "GOVC_URL": f"https://127.0.0.1:{port}/sdk",
        "GOVC_USERNAME": USER,
        "GOVC_PASSWORD": password,
        "GOVC_TLS_CA_CERTS": f"{root}/ca.crt",
        "GOVC_PERSIST_SESSION": "false",
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    path = ":".join(shlex.quote(folder) for folder in folders)
    return "\n".join([*lines, f"export PATH={path}:$PATH", ""])
