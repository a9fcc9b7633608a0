"""A thousand services of eight objects, as files and as what kubectl takes; what a cluster has counted."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bench.stand import Stand, stand
from trimaran.deliver.rendering import render
from trimaran.facts import cluster_kinds
from trimaran.spec import load
from trimaran.spec.service import Service

COUNT = 1000
CHANGED = 10
NAMESPACE = "bench"
PEERS = "bench-peer"
"""The namespace in which the peer makes the same objects."""
KINDS = (
    "ServiceAccount",
    "ConfigMap",
    "Service",
    "Deployment",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "NetworkPolicy",
    "Ingress",
)
HEAD = {"apiVersion": "trimaran.dev/v1alpha1", "kind": "PlatformAgnosticSpec"}
_IMAGE = "registry.example.com/bench/service@sha256:" + "a" * 64
_COUNTER = re.compile(r"^apiserver_request_total\{(.*)\} (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def declaration(number: int, level: str = "info") -> dict[str, Any]:
    """One of the services; each renders to one object of each of `KINDS`."""
    labels = {"team": f"team-{number % 20}", "tier": str(number % 3)}
    spec = {
        "image": _IMAGE,
        "workload": {"replicas": 2},
        "command": {"args": ["--port=8080", f"--shard={number}"]},
        "ports": {"http": 8080, "admin": 9090},
        "env": {"LOG_LEVEL": level, **{f"VARIABLE_{each}": f"value {each} of {number}" for each in range(5)}},
        "files": {"/etc/app/app.conf": {"content": f"shard {number}\n" + "a line of settings\n" * 20}},
        "probes": {"ready": {"http": "/readyz"}, "live": {"http": "/healthz", "port": "admin"}},
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "routes": {"public": {"host": f"s{number}.example.com", "port": "http", "tls": "none"}},
        "scaling": {"min": 2, "max": 5, "cpu": "70%"},
    }
    return {**HEAD, "metadata": {"name": f"service-{number:04}", "labels": labels}, "spec": spec}


def documents() -> tuple[dict[str, Any], ...]:
    """The services as they were applied."""
    return tuple(declaration(number) for number in range(COUNT))


def changed() -> tuple[dict[str, Any], ...]:
    """The same, ten of them with another variable."""
    step = COUNT // CHANGED
    return tuple(declaration(each, "info" if each % step else "debug") for each in range(COUNT))


@cache
def fleet() -> Path:
    """A fleet of one cluster, the lab's, with a namespace of its own."""
    here = stand()
    return _fleet(here, "fleet.yaml", {"platform": "kubernetes", **_access(here), "namespace": NAMESPACE})


def _access(here: Stand) -> dict[str, str]:
    return {"kubeconfig": str(here.root / "kubeconfig"), "context": "kubernetes"}


def _fleet(here: Stand, name: str, target: Mapping[str, Any]) -> Path:
    head = {"apiVersion": "trimaran.dev/v1alpha1", "kind": "Fleet", "metadata": {"name": "bench"}}
    place = here.home / name
    place.write_text(json.dumps({**head, "spec": {"targets": {"lab": target}}}), "utf-8")
    return place


def vcenter() -> Path:
    """A fleet of the lab's vCenter alone, in a folder of its own."""
    here = stand()
    target = {
        "platform": "vsphere",
        "url": f"https://{here.address('vsphere')}/sdk",
        "user": here.govc_env()["GOVC_USERNAME"],
        "password": {"from": "file", "path": str(here.root / "vcenter.password")},
        "ca": str(here.root / "ca.crt"),
        "folder": NAMESPACE,
        "template": "debian-12",
    }
    return _fleet(here, "vcenter.yaml", target)


def declare(folder: str, services: Iterable[Mapping[str, Any]]) -> Path:
    """Write a file for each service, as people write them."""
    place = stand().home / folder
    place.mkdir()
    for each in services:
        text = yaml.dump(dict(each), Dumper=yaml.CSafeDumper, sort_keys=False)
        (place / f"{each['metadata']['name']}.yaml").write_text(text, "utf-8")
    return place


def rendered(name: str, services: Iterable[Mapping[str, Any]], namespace: str) -> Path:
    """One file with all objects of the services, as `kubectl` takes it."""
    found = load.fleet(str(fleet()))
    place = stand().home / name
    with place.open("w", encoding="utf-8") as file:
        for each in services:
            for rendering in render(Service.model_validate(each), found, {}):
                for item in rendering.rendering.objects:
                    document = dict(item.document)
                    metadata = {**document["metadata"], "namespace": namespace}
                    yaml.dump(
                        {**document, "metadata": metadata}, file, Dumper=yaml.CSafeDumper, explicit_start=True
                    )
    return place


def requests() -> dict[tuple[str, str, str], float]:
    """Requests that the API server has answered: verb, resource and scope → their number."""
    text = stand().kubectl("get", "--raw", "/metrics").text
    found: dict[tuple[str, str, str], float] = {}
    for match in _COUNTER.finditer(text):
        labels = dict(_LABEL.findall(match[1]))
        key = labels["verb"], labels["resource"], labels["scope"]
        found[key] = found.get(key, 0) + float(match[2])
    return found


def since(before: Mapping[tuple[str, str, str], float]) -> dict[tuple[str, str, str], int]:
    """What has been asked for since then."""
    now = requests()
    return {key: int(count - before.get(key, 0)) for key, count in now.items() if count > before.get(key, 0)}


@cache
def resources() -> frozenset[str]:
    """What the API calls the kinds of a service's objects."""
    return frozenset(cluster_kinds()[kind].plural for kind in KINDS)


def lists(asked: Mapping[tuple[str, str, str], int]) -> dict[str, int]:
    """Resource → how often it was listed in a namespace, of the resources that services have."""
    return {
        resource: count
        for (verb, resource, scope), count in asked.items()
        if verb == "LIST" and scope == "namespace" and resource in resources()
    }
