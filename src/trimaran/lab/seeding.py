"""Giving a new cluster what the lab's have from the start, and waiting until it works. Input and output."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimaran.errors import TrimaranError, fail, printable
from trimaran.lab import seeds
from trimaran.lab.api import APPLY, MERGE, Api
from trimaran.lab.build import CLASSES
from trimaran.lab.texts import NAMESPACE
from trimaran.toolchain.model import Progress

_OWNER = "?fieldManager=trimaran-lab&force=true"
_PAUSE_S = 0.1

Watch = Callable[[], None]
"""Called while something is waited for; raises when that has become pointless or takes too long."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that answers.

    Args:
        name: `kubernetes` or `openshift`.
        api: asked as an administrator.
        definitions: the folder with a file for each resource definition.
    """

    name: str
    api: Api
    definitions: Path


def seed(cluster: Cluster, progress: Progress, watch: Watch) -> None:
    """Give the cluster everything; the definitions only when it does not say itself that it has them.

    Every step may be done again: a run that was killed is repeated from the start. Raises TRM1007 when the
    cluster refuses.
    """
    wanted = seeds.digest(cluster.name, CLASSES, cluster.definitions.parent.name)
    marker = seeds.marker(wanted)
    there = cluster.api.document(seeds.path(marker))
    names: list[str] = []
    if there is None or there.get("data") != marker["data"]:
        progress(f"{cluster.name}: giving it its resource definitions")
        names = _define(cluster)
    # The rest is little, and somebody may have deleted some of it.
    for document in seeds.builtin(CLASSES):
        _give(cluster, document)
    for name in names:
        _until(cluster, seeds.definition_path(name), seeds.established, watch)
    for document in seeds.defined(cluster.name):
        _retried(cluster, document, watch)
    _give(cluster, marker)
    progress(f"{cluster.name}: waiting for its node")
    _settle_node(cluster, watch)


def _define(cluster: Cluster) -> list[str]:
    names = []
    for path in sorted(cluster.definitions.glob("*.yaml")):
        name = path.name.removesuffix(".yaml")
        _put(cluster, seeds.definition_path(name) + _OWNER, path.read_bytes(), APPLY, name)
        names.append(name)
    return names


def _give(cluster: Cluster, document: seeds.Document) -> None:
    place = seeds.path(document) + _OWNER
    _put(
        cluster,
        place,
        json.dumps(document).encode(),
        APPLY,
        f"{document['kind']} {document['metadata']['name']}",
    )


def _put(cluster: Cluster, path: str, body: bytes, content: str, what: str) -> None:
    try:
        status, answer = cluster.api.ask("PATCH", path, body, content)
    except OSError as error:
        raise _refused(cluster, what, str(error)) from None
    if status not in (200, 201):
        raise _refused(cluster, what, _message(answer) or f"status {status}")


def _message(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["message"])
    except (ValueError, KeyError, TypeError):
        return answer[:200].decode("utf-8", "replace")


def _refused(cluster: Cluster, what: str, why: str) -> TrimaranError:
    text = printable(f"the lab's {cluster.name} does not take {what}: {why}")
    return fail("TRM1007", text, "`trimaran lab down --purge`, then `trimaran lab up`")


def _retried(cluster: Cluster, document: seeds.Document, watch: Watch) -> None:
    # A definition is established a moment before it is served.
    for _ in range(50):
        try:
            return _give(cluster, document)
        except TrimaranError:
            watch()
            time.sleep(_PAUSE_S)
    return _give(cluster, document)


def _until(cluster: Cluster, path: str, good: Callable[[dict[str, Any]], bool], watch: Watch) -> None:
    while True:
        found = cluster.api.document(path)
        if found is not None and good(found):
            return
        watch()
        time.sleep(_PAUSE_S)


def _settle_node(cluster: Cluster, watch: Watch) -> None:
    """Wait until the node takes pods. Admission taints a new node; what takes that off is not run here."""
    path = f"/api/v1/nodes/{seeds.NODE}"
    found = cluster.api.document(path) or {}
    if found.get("spec", {}).get("taints"):
        _put(cluster, path, b'{"spec":{"taints":null}}', MERGE, f"Node {seeds.NODE}")
    _until(cluster, path, seeds.ready, watch)
    account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default"
    _until(cluster, account, bool, watch)
