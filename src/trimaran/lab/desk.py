"""Starting, judging and ending the lab. Input and output; the files beside it decide what runs, and how it
fares.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from trimaran.errors import Problem, TrimaranError, fail, printable
from trimaran.lab import build, credentials, fleetfile, members, ports, processes, seeding, standing, texts
from trimaran.lab.api import Api
from trimaran.lab.credentials import Credentials, write_private
from trimaran.lab.members import CLUSTERS, Member, Settings
from trimaran.lab.recipes import recipes
from trimaran.lab.seeding import Cluster
from trimaran.lab.standing import Row, Seen
from trimaran.toolchain import disk
from trimaran.toolchain.model import Progress

_READY_S = 180
_PAUSE_S = 0.1
_GRACE_S = 10
_HOLDS = {"etcd": ("etcd", "etcd-peer"), "vsphere": ("vsphere",)} | {
    f"{name}-api": (name,) for name in CLUSTERS
}


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a lab is kept.

    Args:
        root: its own folder: credentials, data, logs. Resolved, because the processes carry it as their mark.
        cache: Trimaran's cache folder, with the programs.
    """

    root: Path
    cache: Path

    @classmethod
    def of(cls, state: Path, cache: Path) -> "Desk":
        """The lab of a state folder."""
        return cls((state / "lab").resolve(), cache)


@dataclass(frozen=True, slots=True)
class Running:
    """A lab that is up.

    Args:
        started: the members that were started just now; empty when all of it was up already.
        rows: how each member fares.
    """

    root: Path
    fleet: Path
    started: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def environment(self) -> Path:
        """A file for a shell to source."""
        return self.root / "env"


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the lab is to be now."""

    desk: Desk
    settings: Settings
    credentials: Credentials
    members: tuple[Member, ...]
    definitions: Path

    def digest(self, member: Member) -> str:
        return members.digest(member, self.settings)


def up(desk: Desk, fleet: Path, progress: Progress) -> Running:
    """Bring every member up that is not, and write the fleet file; returns when the lab answers.

    Raises TRM1001 when the fleet file is somebody else's, TRM1004 and TRM1005 when a member does not come
    up, and what building raises.
    """
    fleetfile.check(fleet)
    build.programs(desk.cache, progress)
    definitions = build.extracts(desk.cache, progress)
    with _locked(desk, progress):
        plan = _planned(desk, definitions)
        _write_texts(plan)
        started = _start(plan, progress)
        fleetfile.write(desk.root, fleet, plan.settings.ports["vsphere"])
        return Running(desk.root, fleet.absolute(), started, _rows(plan))


def look(desk: Desk) -> tuple[Row, ...]:
    """How each member fares now; changes nothing."""
    processes.bound_logs(desk.root)
    chosen = ports.known(desk.root)
    found = credentials.known(desk.root, datetime.now(UTC))
    if chosen is None or found is None:
        versions = _versions()
        unset = Settings(str(desk.root), dict.fromkeys(members.PORTS, 0), _paths(desk), "", "")
        return standing.unset(members.members(unset), versions, processes.found(desk.root))
    return _rows(_plan(desk, chosen, found, build.definitions(desk.cache)))


def down(desk: Desk, progress: Progress, *, purge: bool = False) -> tuple[str, ...]:
    """End every process of the lab, and no other; returns the names of those that ran.

    Args:
        purge: also remove the lab's folder and the fleet files that it wrote.
    """
    with _locked(desk, progress):
        found = processes.found(desk.root)
        # Whoever talks to etcd goes before it.
        for last in (False, True):
            those = [each for each in found if (each.member == "etcd") is last]
            if those:
                progress(f"ending {', '.join(each.member for each in those)}")
                processes.end(those, _GRACE_S)
        if purge:
            fleetfile.remove(desk.root)
            shutil.rmtree(desk.root, ignore_errors=True)
    return tuple(each.member for each in found)


@contextmanager
def _locked(desk: Desk, progress: Progress) -> Iterator[None]:
    """Only one command at a time starts or ends this lab. The lock is beside the folder, which may go."""
    if not Path("/proc/self/environ").exists():
        raise fail("TRM1006", "/proc is not there", "run the lab on Linux, with /proc mounted")
    with disk.lock(desk.root.with_name(".lab.lock"), progress, "the lab"):
        yield


def _paths(desk: Desk) -> dict[str, str]:
    return {name: str(build.place(desk.cache, name)) for name in recipes().names}


def _versions() -> dict[str, str]:
    return {name: recipes().program(name)[1].version for name in recipes().names}


def _planned(desk: Desk, definitions: Path) -> _Plan:
    """Settings for now: those of before, where they still hold."""
    desk.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    desk.root.chmod(0o700)
    processes.bound_logs(desk.root)
    made = credentials.ensure(desk.root, datetime.now(UTC))
    held = [name for each in processes.found(desk.root) for name in _HOLDS.get(each.member, ())]
    return _plan(desk, ports.ensure(desk.root, held), made, definitions)


def _plan(desk: Desk, chosen: Mapping[str, int], made: Credentials, definitions: Path) -> _Plan:
    settings = Settings(str(desk.root), chosen, _paths(desk), str(definitions / "stages.yaml"), made.name)
    return _Plan(desk, settings, made, members.members(settings), definitions)


def _write_texts(plan: _Plan) -> None:
    """The files that members and users read."""
    root, chosen, made = plan.desk.root, plan.settings.ports, plan.credentials
    for cluster in CLUSTERS:
        for role in ("controllers", "kwok", "scheduler"):
            text = texts.kubeconfig(made.ca, chosen, [(cluster, cluster, made.tokens[role])], cluster)
            write_private(Path(members.kubeconfig_file(str(root), cluster, role)), text.encode())
    users = [(cluster, cluster, made.tokens["admin"]) for cluster in CLUSTERS]
    users += [(f"{cluster}-reader", cluster, made.tokens["reader"]) for cluster in CLUSTERS]
    write_private(root / "kubeconfig", texts.kubeconfig(made.ca, chosen, users).encode())
    folders = sorted({str(Path(path).parent) for path in plan.settings.programs.values()})
    text = texts.environment(str(root), chosen["vsphere"], made.password, folders)
    write_private(root / "env", text.encode())


def _start(plan: _Plan, progress: Progress) -> tuple[str, ...]:
    """Start what does not run as it should, stage by stage; returns the names of what was started."""
    running = _kept(plan, progress)
    started: list[str] = []

    def ensure(wanted: Callable[[Member], bool]) -> None:
        for member in filter(wanted, plan.members):
            if member.name not in running:
                progress(f"starting {member.name}")
                running[member.name] = processes.start(plan.desk.root, member, plan.digest(member))
                started.append(member.name)

    ensure(lambda member: member.stage < 2)
    until = time.monotonic() + _READY_S

    def bring(cluster: str) -> None:
        with _api(plan, cluster) as api:
            _wait(plan, running, until, f"{cluster}-api", lambda: api.answers("/readyz"))
            ensure(lambda member: member.stage == 2 and member.name.startswith(f"{cluster}-"))
            place = Cluster(cluster, api, plan.definitions / cluster)
            seeding.seed(place, progress, lambda: _watch(plan, running, until, cluster))

    progress("waiting for the API servers")
    with ThreadPoolExecutor(len(CLUSTERS)) as pool:
        waiting = [pool.submit(bring, cluster) for cluster in CLUSTERS]
        with Api(plan.settings.ports["vsphere"], plan.credentials.ca) as vcenter:
            _wait(plan, running, until, "vsphere", lambda: vcenter.answers("/about"))
        for each in waiting:
            each.result()
    return tuple(started)


def _kept(plan: _Plan, progress: Progress) -> dict[str, Seen]:
    """The processes that go on; those of other settings, and second ones of a member, are ended."""
    wanted = {member.name: plan.digest(member) for member in plan.members}
    kept: dict[str, Seen] = {}
    ended = []
    for each in processes.found(plan.desk.root):
        if wanted.get(each.member) == each.digest and each.member not in kept:
            kept[each.member] = each
        else:
            ended.append(each)
    if ended:
        progress(f"ending {', '.join(each.member for each in ended)}, which run with other settings")
        processes.end(ended, _GRACE_S)
    return kept


def _api(plan: _Plan, cluster: str, timeout_s: float = 30) -> Api:
    made = plan.credentials
    return Api(plan.settings.ports[cluster], made.ca, made.tokens["admin"], timeout_s)


def _wait(
    plan: _Plan, running: Mapping[str, Seen], until: float, member: str, good: Callable[[], bool]
) -> None:
    while not good():
        _watch(plan, running, until, member)
        time.sleep(_PAUSE_S)


def _watch(plan: _Plan, running: Mapping[str, Seen], until: float, waiting_for: str) -> None:
    """Raises TRM1004 when a member has ended, TRM1005 when it takes too long."""
    root = plan.desk.root
    for name, each in list(running.items()):
        if not processes.alive(each):
            lines = tuple(printable(line) for line in processes.last_lines(root, name))
            fix = f"see {processes.log_file(root, name)}, mend the cause, and run `trimaran lab up` again"
            raise TrimaranError(
                Problem("TRM1004", f"{name} ended while the lab was starting", fix, detail=lines)
            )
    if time.monotonic() > until:
        lines = tuple(printable(line) for line in processes.last_lines(root, waiting_for))
        fix = f"see {root / 'logs'}; `trimaran lab down --purge` and a new start may help"
        what = f"{waiting_for} is not ready after {_READY_S} s"
        raise TrimaranError(Problem("TRM1005", what, fix, detail=lines))


def _rows(plan: _Plan) -> tuple[Row, ...]:
    versions = _versions()
    wanted = [(member, versions[member.program], plan.digest(member)) for member in plan.members]
    seen = processes.found(plan.desk.root)
    return standing.standing(wanted, seen, _answering(plan, {each.member for each in seen}))


def _answering(plan: _Plan, there: set[str]) -> frozenset[str]:
    """The members that answer as they should; all are asked at once."""
    asked: dict[str, tuple[Api, str]] = {
        f"{cluster}-api": (_api(plan, cluster, 5), "/readyz") for cluster in CLUSTERS
    }
    vcenter = Api(plan.settings.ports["vsphere"], plan.credentials.ca, timeout_s=5)
    asked["vsphere"] = (vcenter, "/about")

    def answers(name: str) -> bool:
        api, path = asked[name]
        with api:
            return api.answers(path)

    names = [name for name in asked if name in there]
    with ThreadPoolExecutor(len(asked)) as pool:
        good = {name for name, yes in zip(names, pool.map(answers, names), strict=True) if yes}
    # An API server is ready only when etcd is.
    if any(f"{cluster}-api" in good for cluster in CLUSTERS):
        good.add("etcd")
    return frozenset(good)
