"""The lab's clusters, asked without our client: plain HTTP with the kubeconfig's token."""

import base64
import hashlib
import http.client
import json
import os
import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from trimaran.action import Json

KUBECONFIG = "TRIMARAN_TEST_KUBECONFIG"
"""The variable that names the kubeconfig of the running lab: set by the tests that start it."""

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


def kubeconfig() -> Path:
    """The kubeconfig of the lab, with a context for each cluster."""
    return Path(os.environ[KUBECONFIG])


@dataclass(frozen=True)
class Cluster:
    """One of the lab's clusters."""

    context: str

    def ask(
        self, method: str, path: str, body: Json = None, content: str = "application/json"
    ) -> tuple[int, Any]:
        """Status and JSON of the answer; its text when it is no JSON."""
        port, tls, token = _access(kubeconfig(), self.context)
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=tls)
        try:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": content}
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, headers)
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(told)
        except ValueError:
            return answer.status, told.decode()

    def get(self, path: str) -> Any:
        """The object there; None when there is none."""
        status, found = self.ask("GET", path)
        assert status in (200, 404), found
        return found if status == 200 else None

    def put(self, path: str, document: Json, manager: str, *, force: bool = False) -> Any:
        """Apply as somebody else."""
        query = f"?fieldManager={manager}&force={'true' if force else 'false'}"
        status, found = self.ask("PATCH", path + query, document, APPLY)
        assert status in (200, 201), found
        return found

    def edit(self, path: str, patch: Json, manager: str) -> Any:
        """Change as somebody else, as `kubectl edit` does."""
        status, found = self.ask("PATCH", f"{path}?fieldManager={manager}", patch, MERGE)
        assert status == 200, found
        return found

    def make_namespace(self, name: str) -> str:
        """The namespace, made when it is missing; the resource version from which on its history counts."""
        path = f"/api/v1/namespaces/{name}"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        version: str = self.put(path, body, "tests")["metadata"]["resourceVersion"]
        return version

    def drop_namespace(self, name: str) -> None:
        self.ask("DELETE", f"/api/v1/namespaces/{name}")

    def history(self, collection: str, since: str, end: Json) -> list[tuple[str, Any]]:
        """What happened to the objects of a collection, as the server's own watch tells it again.

        Args:
            collection: the path of it.
            since: the resource version after which it begins.
            end: an object that is made there now: what comes before it is all that has happened.
        """
        status, made = self.ask("POST", collection, end)
        assert status == 201, made
        port, tls, token = _access(kubeconfig(), self.context)
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=tls)
        try:
            path = f"{collection}?watch=1&resourceVersion={since}&timeoutSeconds=50"
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            found: list[tuple[str, Any]] = []
            for line in connection.getresponse():
                event = json.loads(line)
                assert event["type"] in ("ADDED", "MODIFIED", "DELETED"), event
                if event["object"]["metadata"]["uid"] == made["metadata"]["uid"]:
                    return found
                found.append((event["type"], event["object"]))
        finally:
            connection.close()
        raise AssertionError(f"the watch of {collection} ended before it told of {made['metadata']}")


@cache
def _access(path: Path, context: str) -> tuple[int, ssl.SSLContext, str]:
    config = yaml.safe_load(path.read_text("utf-8"))
    found = next(each["context"] for each in config["contexts"] if each["name"] == context)
    cluster = next(each["cluster"] for each in config["clusters"] if each["name"] == found["cluster"])
    user = next(each["user"] for each in config["users"] if each["name"] == found["user"])
    ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
    return int(cluster["server"].rsplit(":", 1)[1]), ssl.create_default_context(cadata=ca), user["token"]


def namespace_for(text: str) -> str:
    """A namespace of a test's own."""
    return f"test-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
