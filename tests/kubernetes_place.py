"""A namespace of a test's own on a cluster of the lab, and our session on it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from tests.cluster import KUBECONFIG, Cluster, namespace_for
from tests.lab import Lab
from trimaran.action import (
    Action,
    Change,
    Json,
    Object,
    ObjectRef,
    Receipt,
    Scope,
    Undo,
    Verb,
)
from trimaran.errors import Exit, TrimaranError
from trimaran.platform import platform
from trimaran.platform.kubernetes.client import Client
from trimaran.platform.kubernetes.session import ClusterSession
from trimaran.spec.fleet import KubernetesTarget

TARGET = "east"
PLATFORM = platform("kubernetes")
LABELS = {"app.kubernetes.io/managed-by": "trimaran", "app.kubernetes.io/name": "web"}
IMAGE = "spec.template.spec.containers[name=web].image"


@dataclass
class Place:
    """A namespace of a test's own, our session on it, and the cluster itself.

    Args:
        asked: the requests of our session, as method and path.
    """

    namespace: str
    session: ClusterSession
    cluster: Cluster
    kubeconfig: Path
    asked: list[str]

    def ref(self, document: Json) -> ObjectRef:
        return ObjectRef(TARGET, document["kind"], document["metadata"]["name"], self.namespace)

    def path(self, plural: str, name: str = "web", group: str = "apps/v1") -> str:
        root = f"/apis/{group}" if "/" in group else f"/api/{group}"
        return f"{root}/namespaces/{self.namespace}/{plural}/{name}"

    def action(self, verb: Verb, document: Json, *, take: bool = False, key: str = "key") -> Action:
        ref = self.ref(document)
        return Action(TARGET, verb, ref, document, None, Undo.RESTORE, "test", key, take)

    def do(self, verb: Verb, document: Json, *, take: bool = False, wait_s: float = 30) -> Receipt:
        return self.session.apply(self.action(verb, document, take=take), 1, time.monotonic() + wait_s)

    def seen(self, document: Json) -> Object:
        (found,) = self.session.observe(Scope(TARGET, refs=(self.ref(document),))).objects
        return found

    def diff(self, document: Json) -> tuple[Change, ...]:
        return PLATFORM.diff(Object(self.ref(document), document), self.seen(document))

    def writes(self) -> list[str]:
        return [each for each in self.asked if not each.startswith("GET ")]

    def deployment(self, **container: Json) -> dict[str, Any]:
        metadata = {"name": "web", "namespace": self.namespace, "labels": dict(LABELS)}
        main = {
            "name": "web",
            "image": "registry.invalid/web:1",
            "env": [{"name": "EMPTY", "value": ""}, {"name": "LEVEL", "value": "info"}],
            "ports": [{"name": "http", "containerPort": 8080}],
            "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}, "requests": {"cpu": "0.5"}},
            **container,
        }
        pod = {"automountServiceAccountToken": False, "hostNetwork": False, "containers": [main]}
        spec = {
            "replicas": 2,
            "selector": {"matchLabels": {"app.kubernetes.io/name": "web"}},
            "template": {"metadata": {"labels": dict(LABELS)}, "spec": pod},
        }
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}

    def config(self, name: str = "web", **data: str) -> dict[str, Any]:
        metadata = {"name": name, "namespace": self.namespace, "labels": dict(LABELS)}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data or {"k": "v"}}


class Watched(Client):
    """Tells every request."""

    asked: list[str]

    def _connected(self) -> httpx2.Client:
        http = super()._connected()
        http.event_hooks = {"request": [self._tell]}
        return http

    def _tell(self, request: httpx2.Request) -> None:
        self.asked.append(f"{request.method} {request.url.raw_path.decode()}")


def session_of(kubeconfig: Path, namespace: str, root: Path, context: str = "kubernetes") -> ClusterSession:
    settings = KubernetesTarget(
        platform="kubernetes", kubeconfig=str(kubeconfig), context=context, namespace=namespace
    )
    client = Watched(TARGET, settings)
    client.asked = []
    return ClusterSession(client, namespace, root, lambda: datetime.now(UTC))


Places = Callable[[str], Place]


@pytest.fixture
def places(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    monkeypatch.setenv(KUBECONFIG, str(lab.kubeconfig))
    made: list[Place] = []

    def make(context: str) -> Place:
        namespace = namespace_for(f"{tmp_path} {context}")
        cluster = Cluster(context)
        cluster.make_namespace(namespace)
        session = session_of(lab.kubeconfig, namespace, tmp_path / "root", context)
        assert isinstance(session.client, Watched)
        made.append(Place(namespace, session, cluster, lab.kubeconfig, session.client.asked))
        return made[-1]

    yield make
    for place in made:
        place.session.client.close()
        place.cluster.drop_namespace(place.namespace)


@pytest.fixture
def here(places: Places) -> Place:
    return places("kubernetes")


def problems(caught: pytest.ExceptionInfo[TrimaranError]) -> list[str]:
    return [problem.code for problem in caught.value.problems]


def altered(
    place: Place, folder: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]
) -> ClusterSession:
    """A session by a copy of the kubeconfig in which `change` altered the cluster and the user."""
    config = yaml.safe_load(place.kubeconfig.read_text("utf-8"))
    found = next(each["context"] for each in config["contexts"] if each["name"] == place.cluster.context)
    cluster = next(each["cluster"] for each in config["clusters"] if each["name"] == found["cluster"])
    user = next(each["user"] for each in config["users"] if each["name"] == found["user"])
    change(cluster, user)
    own = folder / "altered"
    own.write_text(yaml.safe_dump(config), "utf-8")
    return session_of(own, place.namespace, folder / "root", place.cluster.context)


def fails(session: ClusterSession, code: str, status: Exit) -> str:
    with pytest.raises(TrimaranError) as caught:
        session.observe(Scope(TARGET))
    session.client.close()
    assert (problems(caught), caught.value.status) == ([code], status)
    return caught.value.problems[0].what
