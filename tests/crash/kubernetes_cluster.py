"""The Kubernetes platform under the contract: a namespace of the lab's cluster, and its own history."""

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from tests.cluster import Cluster, kubeconfig, namespace_for
from tests.crash.platforms import TARGET
from trimaran.action import ABSENT, Action, Json, ObjectRef, Session, Undo, Verb
from trimaran.platform.kubernetes.client import Client
from trimaran.platform.kubernetes.session import ClusterSession
from trimaran.spec.fleet import KubernetesTarget

_CONTEXT = "kubernetes"
_WRITES = ("PATCH", "DELETE")
_PLACES = {"not sent yet": "request", "answer not read": "response"}


class DyingClient(Client):
    """Is killed around a write: before it is sent, or when the server has done it and nobody has heard."""

    kill: Callable[[], None]
    place: str

    def _connected(self) -> httpx2.Client:
        http = super()._connected()
        http.event_hooks = {_PLACES[self.place]: [self._die]}
        return http

    def _die(self, met: httpx2.Request | httpx2.Response) -> None:
        request = met.request if isinstance(met, httpx2.Response) else met
        if request.method in _WRITES:
            self.kill()


class KubernetesCluster:
    """A CronJob that takes a variable from a Secret; the cluster runs nothing of it."""

    cluster = Cluster(_CONTEXT)

    def _settings(self, home: Path) -> KubernetesTarget:
        own = home / "kubeconfig"
        if not own.exists() and not self._aside(home).exists():
            shutil.copy(kubeconfig(), own)
            since = self.cluster.make_namespace(namespace_for(str(home)))
            (home / "since").write_text(since)
        return KubernetesTarget(
            platform="kubernetes",
            kubeconfig=str(own),
            context=_CONTEXT,
            namespace=namespace_for(str(home)),
        )

    def _aside(self, home: Path) -> Path:
        return home / "kubeconfig.aside"

    def _collection(self, home: Path) -> str:
        return f"/apis/batch/v1/namespaces/{namespace_for(str(home))}/cronjobs"

    def _ref(self, home: Path) -> ObjectRef:
        return ObjectRef(TARGET, "CronJob", "web", namespace_for(str(home)))

    def open(self, home: Path) -> Session:
        settings = self._settings(home)
        return ClusterSession(Client(TARGET, settings), settings.namespace, home / "root", _now)

    def dying(self, home: Path, kill: Callable[[], None]) -> Mapping[str, Session]:
        settings = self._settings(home)
        found: dict[str, Session] = {}
        for place in _PLACES:
            client = DyingClient(TARGET, settings)
            client.kill, client.place = kill, place
            found[place] = ClusterSession(client, settings.namespace, home / "root", _now)
        return found

    def _document(self, home: Path, **env: str) -> dict[str, Json]:
        labels = {"app.kubernetes.io/managed-by": "trimaran", "app.kubernetes.io/name": "web"}
        secret = {"secretKeyRef": {"name": "web-secrets", "key": "DB_PASSWORD"}}
        variables = [{"name": "DB_PASSWORD", "valueFrom": secret}]
        variables += [{"name": name, "value": value} for name, value in env.items()]
        container = {"name": "web", "image": "registry.invalid/web", "env": variables}
        pod = {"containers": [container], "restartPolicy": "OnFailure"}
        job = {"template": {"metadata": {"labels": labels}, "spec": pod}}
        metadata = {"name": "web", "namespace": namespace_for(str(home)), "labels": labels}
        spec = {"schedule": "0 3 29 2 *", "suspend": True, "jobTemplate": {"spec": job}}
        return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec}

    def create(self, home: Path) -> Action:
        ref, first = self._ref(home), self._document(home)
        return Action(TARGET, Verb.CREATE, ref, first, ABSENT, Undo.RESTORE, "ship web", "create")

    def update(self, home: Path) -> Action:
        ref, second = self._ref(home), self._document(home, LOG_LEVEL="debug")
        return Action(TARGET, Verb.UPDATE, ref, second, None, Undo.RESTORE, "ship web", "update")

    def delete(self, home: Path) -> Action:
        return Action(TARGET, Verb.DELETE, self._ref(home), {}, None, Undo.RESTORE, "down web", "delete")

    def truth(self, home: Path) -> Json:
        found = self.cluster.get(f"{self._collection(home)}/web")
        if found is None:
            return None
        assert "DB_PASSWORD" in json.dumps(found["spec"])
        return {"labels": found["metadata"]["labels"], "spec": found["spec"]}

    def effects(self, home: Path) -> int:
        """Made, changed in more than its status, deleted: the server's watch tells it from the beginning."""
        if not (home / "since").exists():
            return 0
        count, generation = 0, None
        end = self._document(home)
        end["metadata"] = {"generateName": "end-"}
        since = (home / "since").read_text()
        for event, seen in self.cluster.history(self._collection(home), since, end):
            if seen["metadata"]["name"] != "web":
                continue
            if event == "MODIFIED" and seen["metadata"]["generation"] == generation:
                continue
            generation = seen["metadata"]["generation"]
            count += 1
        return count

    def blind(self, home: Path, on: bool) -> None:
        """Without its kubeconfig nobody sees the cluster."""
        own, aside = home / "kubeconfig", self._aside(home)
        (own if on else aside).replace(aside if on else own)

    def clean_up(self, home: Path) -> None:
        self.cluster.drop_namespace(namespace_for(str(home)))


def _now() -> datetime:
    return datetime.now(UTC)
