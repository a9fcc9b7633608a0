"""A fleet of a thousand services on a real API server, and two hundred machines in a vCenter simulator.

Each command runs whole, from its start to its end, in a lab of the benchmark alone. What is counted is what
the API server has counted, and what both commands find is compared; a difference ends the benchmark.
"""

import json
import re
import statistics
from functools import cache
from pathlib import Path
from typing import Any

from bench import thousand
from bench.case import Case
from bench.stand import Spent, stand
from bench.thousand import CHANGED, COUNT, KINDS, NAMESPACE, PEERS

PART = COUNT // 10
MACHINES = 200
_ROUNDS = 2  # a round of the peer takes minutes
_DIFFERS = re.compile(r"^diff .* \S*/MERGED-\d+/(\S+)$", re.MULTILINE)
_WRITES = ("APPLY", "POST", "PUT", "PATCH", "DELETE", "DELETECOLLECTION")


@cache
def declared() -> Path:
    """The folder of the services as they are applied."""
    return thousand.declare("declared", thousand.documents())


@cache
def edited() -> tuple[Path, Path]:
    """The folder of the services of which ten have changed, and one file of all their objects."""
    found = thousand.changed()
    return thousand.declare("edited", found), thousand.rendered("edited.yaml", found, NAMESPACE)


@cache
def applied() -> Spent:
    """The first apply of all services; it can be measured once."""
    for namespace in (NAMESPACE, PEERS):
        stand().kubectl("create", "namespace", namespace)
    before = thousand.requests()
    words = ("apply", str(declared()), "--fleet", str(thousand.fleet()), "-q", "--wait", "0")
    done = stand().trimaran(*words)
    asked = thousand.since(before)
    written = {
        key: count for key, count in asked.items() if key[0] in _WRITES and key[1] in thousand.resources()
    }
    wanted = {("APPLY", resource, "resource"): COUNT for resource in thousand.resources()}
    _same(written, wanted, "writes of the apply")
    return done


@cache
def applied_by_peer() -> Spent:
    """A tenth of the same objects, made by `kubectl` in another namespace."""
    part = thousand.rendered("part.yaml", thousand.documents()[:PART], PEERS)
    return stand().kubectl("apply", "--server-side", "--field-manager=trimaran", "-f", str(part))


def planned() -> Spent:
    """A plan over all services, which must name the objects that were changed and list each kind once."""
    applied()
    folder, _ = edited()
    before = thousand.requests()
    done = stand().trimaran("plan", str(folder), "--fleet", str(thousand.fleet()), "-q", "-o", "json")
    lists = thousand.lists(thousand.since(before))
    _same(lists, dict.fromkeys(thousand.resources(), 1), "lists of the plan")
    (target,) = json.loads(done.text)["targets"]
    found = {(each["kind"], each["name"]) for each in target["items"] if each["verb"]}
    _same(found, _changed(), "changes that the plan found")
    _PLANS.append(done)
    return done


def compared() -> Spent:
    """`kubectl diff` over the same objects, which must name the same ones."""
    _, file = edited()
    words = ("diff", "--server-side", "--field-manager=trimaran", "-f", str(file))
    done = stand().kubectl(*words, good=(1,))
    # GROUP.VERSION.KIND.NAMESPACE.NAME, as kubectl names the files that it compares
    names = [each.partition(f".{NAMESPACE}.") for each in _DIFFERS.findall(done.text)]
    found = {(before.rpartition(".")[2], name) for before, _, name in names}
    _same(found, _changed(), "changes that kubectl found")
    _DIFFS.append(done)
    return done


_PLANS: list[Spent] = []
_DIFFS: list[Spent] = []


def _changed() -> set[tuple[str, str]]:
    return {("Deployment", f"service-{each:04}") for each in range(0, COUNT, COUNT // CHANGED)}


def _same(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise RuntimeError(f"{what}: {str(found)[:1000]} rather than {str(wanted)[:1000]}")


def one_changed() -> float:
    """Seconds to apply one service that has changed; it must write its Deployment and nothing else."""
    applied()
    path, number = _one(), next(_TURNS)
    path.write_text(json.dumps(thousand.declaration(0, ("debug", "info")[number % 2])), "utf-8")
    before = thousand.requests()
    done = stand().trimaran("apply", str(path), "--fleet", str(thousand.fleet()), "-q", "--wait", "0")
    asked = thousand.since(before)
    # A lease is the API server's own proof of life.
    written = {key: count for key, count in asked.items() if key[0] in _WRITES and key[1] != "leases"}
    _same(written, {("APPLY", "deployments", "resource"): 1}, "writes of one changed service")
    return done.seconds


def one_changed_by_peer() -> float:
    """`kubectl apply` of the eight objects of a service, one of which has changed."""
    applied_by_peer()
    number = next(_PEER_TURNS)
    document = thousand.declaration(0, ("debug", "info")[number % 2])
    file = thousand.rendered("one-by-peer.yaml", [document], PEERS)
    words = ("apply", "--server-side", "--field-manager=trimaran", "-f", str(file))
    return stand().kubectl(*words).seconds


_TURNS = iter(range(1_000))
_PEER_TURNS = iter(range(1_000))


def _one() -> Path:
    place = stand().home / "one"
    place.mkdir(exist_ok=True)
    return place / "service.yaml"


def drifted() -> float:
    """Seconds of a `drift` over all services, of which none has drifted."""
    applied()
    return stand().trimaran("drift", str(declared()), "--fleet", str(thousand.fleet()), "-q").seconds


@cache
def machines() -> tuple[Path, Path]:
    """A declaration with one replica more than the two hundred that were made, and its fleet: the vCenter."""
    place = stand().home / "machines"
    place.mkdir()
    (place / "service").write_bytes(Path("/bin/true").read_bytes())
    file, fleet = place / "service.yaml", thousand.vcenter()
    file.write_text(json.dumps(_replicas(MACHINES)), "utf-8")
    stand().trimaran("apply", str(file), "--fleet", str(fleet), "-q", "--wait", "0")
    file.write_text(json.dumps(_replicas(MACHINES + 1)), "utf-8")
    return file, fleet


def _replicas(count: int) -> dict[str, Any]:
    spec = {"binary": "service", "workload": {"replicas": count}}
    return thousand.HEAD | {"metadata": {"name": "web"}, "spec": spec}


def machines_planned() -> float:
    """Seconds of a plan of all machines, which must see that one is missing and no other differs."""
    file, fleet = machines()
    done = stand().trimaran("plan", str(file), "--fleet", str(fleet), "-q", "-o", "json")
    (target,) = json.loads(done.text)["targets"]
    found = [(each["verb"], each["name"]) for each in target["items"]]
    _same(found, [("create", f"web-{MACHINES}")], "what the plan of the machines found")
    return done.seconds


def machines_told() -> float:
    """Seconds of `govc vm.info` for each machine of a tenth, times ten."""
    asked = [stand().govc("vm.info", "-json", f"web-{number}") for number in range(MACHINES // 10)]
    names = [each["name"] for done in asked for each in json.loads(done.text)["virtualMachines"]]
    _same(names, [f"web-{number}" for number in range(MACHINES // 10)], "machines that govc told of")
    return 10 * sum(each.seconds for each in asked)


CASES = (
    Case(
        f"fleet: apply of {COUNT} services, {COUNT * len(KINDS)} objects, all new",
        ours=lambda: applied().seconds,
        peer=lambda: COUNT / PART * applied_by_peer().seconds,
        peer_name=f"kubectl apply --server-side of {PART} services, times {COUNT // PART}",
        rounds=1,
    ),
    Case(
        f"fleet: plan of {COUNT} services, {CHANGED} of them changed",
        ours=lambda: planned().seconds,
        peer=lambda: compared().seconds,
        peer_name="kubectl diff --server-side, the same set of changed objects",
        ratio=20,
        rounds=_ROUNDS,
    ),
    Case(
        "fleet: peaks of memory of the processes of that plan, added up",
        ours=lambda: statistics.median(each.peak_mb for each in _PLANS or [planned()]),
        peer=lambda: statistics.median(each.peak_mb for each in _DIFFS or [compared()]),
        peer_name="kubectl diff --server-side and its diff",
        unit="MB",
        rounds=1,
    ),
    Case(
        f"fleet: apply of one changed service among {COUNT}",
        ours=one_changed,
        peer=one_changed_by_peer,
        peer_name="kubectl apply --server-side of its eight objects, without a look at the others",
        limit=2,
        rounds=5,
    ),
    Case(f"fleet: drift over {COUNT} services, none drifted", ours=drifted, rounds=3),
    Case(
        f"fleet: plan of {MACHINES} machines of a vCenter simulator",
        ours=machines_planned,
        peer=machines_told,
        peer_name=f"govc vm.info -json of {MACHINES // 10} machines, one command each, times 10",
        rounds=3,
    ),
)
