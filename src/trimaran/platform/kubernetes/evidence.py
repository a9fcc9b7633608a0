"""What a person wants to see of objects that do not do well: conditions, events, the last log lines."""

import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from trimaran.action import Gap, Scope, Snapshot
from trimaran.errors import TrimaranError, printable
from trimaran.platform.kubernetes import answers, places
from trimaran.platform.kubernetes.client import Client
from trimaran.platform.kubernetes.request import Request
from trimaran.platform.kubernetes.sweep import Sweep

LOG_LINES = 50
_PODS = 3  # of a service: what one says, the others say too
_EVENTS = 50
_BYTES = "65536"

_Look = Callable[[Client, str, Scope, float], dict[str, str]]


def snapshot(
    client: Client, namespace: str, scope: Scope, deadline: float, clock: Callable[[], datetime]
) -> Snapshot:
    """Status, events and logs, as far as they can be had before the deadline."""
    texts: dict[str, str] = {}
    gaps: list[Gap] = []
    looks: tuple[tuple[str, _Look], ...] = (("status", _status), ("events", _events), ("logs", _logs))
    for name, look in looks:
        if time.monotonic() >= deadline:
            gaps.append(Gap(f"{name} in {namespace}", "no time was left to look"))
            continue
        try:
            texts |= look(client, namespace, scope, deadline)
        except (TrimaranError, ValueError, KeyError, TypeError) as broken:
            what = broken.problems[0].what if isinstance(broken, TrimaranError) else "it is malformed"
            gaps.append(Gap(f"{name} in {namespace}", what))
    return Snapshot(texts, tuple(gaps), clock())


def _status(client: Client, namespace: str, scope: Scope, _deadline: float) -> dict[str, str]:
    objects, _ = Sweep(client, namespace).look(scope)
    return {
        f"{item.ref.kind}/{item.ref.name} status": json.dumps(
            item.document["status"], indent=2, sort_keys=True
        )
        for item in objects
        if item.document.get("status")
    }


def _events(client: Client, namespace: str, scope: Scope, deadline: float) -> dict[str, str]:
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/events"
    request = Request("GET", path, f"list events in {namespace}", {"limit": "500"})
    items: list[dict[str, Any]] = json.loads(client.need(request, deadline).body)["items"]
    names = {ref.name for ref in scope.refs}
    told = []
    for item in items:
        about = item["involvedObject"]
        name = str(about.get("name", ""))
        if names and name not in names:
            continue
        if scope.service is not None and not (name == scope.service or name.startswith(f"{scope.service}-")):
            continue
        at = item.get("lastTimestamp") or item.get("eventTime") or ""
        line = (
            f"{at} {item.get('type')} {about.get('kind')}/{name} {item.get('reason')}: {item.get('message')}"
        )
        told.append(answers.words(line))
    return {"events": "\n".join(sorted(told)[-_EVENTS:])} if told else {}


def _logs(client: Client, namespace: str, scope: Scope, deadline: float) -> dict[str, str]:
    if scope.service is None:
        return {}
    base = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods"
    selector = {"labelSelector": f"{places.NAME}={scope.service}", "limit": str(_PODS)}
    listed = client.need(Request("GET", base, f"list pods in {namespace}", selector), deadline)
    texts = {}
    for pod in json.loads(listed.body)["items"]:
        name = pod["metadata"]["name"]
        params = {"tailLines": str(LOG_LINES), "limitBytes": _BYTES}
        asked = f"read the log of {printable(name)}"
        answer = client.ask(
            Request("GET", f"{base}/{quote(name, safe='')}/log", asked, params, patient=False), deadline
        )
        if answer.code >= 500:
            break  # the node does not answer: the other pods' logs would take as long
        if answer.is_good:
            lines = answer.body.decode("utf-8", "replace").splitlines()
        else:
            lines = [f"(no log: {answers.status(answer.body).says})"]
        texts[f"{printable(name)} log"] = "\n".join(map(printable, lines[-LOG_LINES:]))
    return texts
