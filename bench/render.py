"""`render`: a thousand different services to all four platforms, as text, beside PyYAML writing the same."""

import time
from collections import deque
from collections.abc import Iterator
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import yaml

from bench.case import Case, peak
from trimaran.deliver.made import Program
from trimaran.deliver.rendering import TargetRendering, render
from trimaran.spec import load
from trimaran.spec.fleet import Fleet
from trimaran.spec.service import Service

COUNT = 1000
LIMIT_S = 3.0
GROWTH_MB = 3.0
PROGRAM = Program(PurePosixPath("/nowhere"), "sha256:" + "a" * 64, "program", 1, "", reused=True)
KINDS = ["service", "worker", "stateful", "daemon", "job", "cron"]


def declaration(number: int) -> dict[str, Any]:
    """One of many services that differ in kind, size and what they use."""
    kind = KINDS[number % len(KINDS)]
    workload: dict[str, Any] = {"type": kind, "replicas": 1 + number % 3}
    if kind == "cron":
        workload["cron"] = {"schedule": f"{number % 60} 3 * * *"}
    spec: dict[str, Any] = {
        "binary": f"bin/service-{number}",
        "workload": workload,
        "command": {"args": ["--port=8080", f"--shard={number}", "--name=a name"]},
        "ports": {"http": 8080, "admin": 9090},
        "env": {f"VARIABLE_{each}": f"value {each} of {number}" for each in range(number % 9)},
        "probes": {"ready": {"http": "/readyz"}, "live": {"http": "/healthz", "port": "admin"}},
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "security": {"runAsNonRoot": True, "readOnlyRoot": number % 2 == 0},
        "metrics": {"port": "admin"},
    }
    if number % 2:
        spec["files"] = {f"/etc/app/{each}.conf": {"content": f"line {each}\n" * 20} for each in range(3)}
    if number % 3 == 0:
        spec["routes"] = {"public": {"host": f"s{number}.example.com", "port": "http"}}
    if number % 4 == 0:
        spec["volumes"] = {"data": {"mount": "/var/lib/data", "size": "1Gi"}}
    if number % 5 == 0:
        spec["secrets"] = {"PASSPHRASE": {"from": "vault", "path": f"kv/{number}", "key": "value"}}
    if number % 7 == 0:
        spec["scaling"] = {"min": 1, "max": 5, "cpu": "70%"}
    metadata = {
        "name": f"service-{number}",
        "labels": {"team": f"team-{number % 20}", "tier": str(number % 3)},
    }
    head = {"apiVersion": "trimaran.dev/v1alpha1", "kind": "PlatformAgnosticSpec", "metadata": metadata}
    return {**head, "spec": spec}


def services(count: int) -> Iterator[Service]:
    """The services, one at a time."""
    return (Service.model_validate(declaration(number)) for number in range(count))


def renderings(service: Service) -> Iterator[TargetRendering]:
    """A service on the four targets of the default fleet."""
    return render(service, fleet(), {"amd64": PROGRAM})


@cache
def fleet() -> Fleet:
    return load.fleet(None)


def texts(found: Iterator[Service]) -> Iterator[str]:
    """The text of every file of every target, one at a time."""
    for service in found:
        for rendering in renderings(service):
            yield from (file.text for file in rendering.files)


@cache
def thousand() -> tuple[Service, ...]:
    """Read beforehand: rendering is measured, not reading."""
    return tuple(services(COUNT))


@cache
def documents() -> tuple[Any, ...]:
    """The documents of the same renderings, for the peer, which only has to write them."""
    found = (rendering for service in thousand() for rendering in renderings(service))
    return tuple(dict(item.document) for each in found for item in each.rendering.objects)


def ours() -> float:
    """Seconds of processor time to render all and to make the text of every file."""
    found = thousand()
    started = time.process_time()
    deque(texts(iter(found)), maxlen=0)
    return time.process_time() - started


def peer() -> float:
    """Seconds of processor time that PyYAML's C emitter takes for the text alone."""
    found = documents()
    started = time.process_time()
    for document in found:
        yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False)
    return time.process_time() - started


def growth() -> float:
    """How much more memory a stream of a thousand services takes than one of a hundred, in MB."""
    few, many = (peak(f"from bench.render import stream; stream({count})") for count in (COUNT // 10, COUNT))
    return many - few


def stream(count: int) -> None:
    """Render services one after the other and keep none."""
    deque(texts(services(count)), maxlen=0)


CASES = [
    Case(
        f"{COUNT} services rendered to four platforms",
        ours,
        peer,
        "PyYAML's C emitter, given the finished documents",
        limit=LIMIT_S,
        ratio=1,
        rounds=5,
    ),
    Case(
        f"memory of {COUNT} services beyond {COUNT // 10}, streamed",
        growth,
        unit="MB",
        limit=GROWTH_MB,
        rounds=3,
    ),
]
