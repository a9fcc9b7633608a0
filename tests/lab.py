"""A running lab for tests: one for all tests of a run, in a state folder of its own, ended with the run.

A test takes the fixture `lab`. The compiled programs are those in the user's cache, which
`python -m tests.provision` makes; the lab's data is not the user's. What a run that was killed left behind is
ended by the next one.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from trimaran import lab as room
from trimaran.supervise import supervisor

CACHE = platformdirs.user_cache_path("trimaran")
_STATES = CACHE / "peers" / "labs"


@dataclass(frozen=True, slots=True)
class Lab:
    """Two clusters and a vCenter that are up.

    Args:
        root: the lab's folder, with its credentials and logs.
        fleet: the fleet file that names all of it.
        kubeconfig: with the contexts `kubernetes`, `openshift`, and `-reader` of both, which may only read.
        programs: the lab's own programs by name.
        rows: the members as they were when the lab came up.
    """

    root: Path
    fleet: Path
    kubeconfig: Path
    programs: Mapping[str, Path]
    rows: tuple[room.standing.Row, ...]

    def kubectl(
        self, *words: str, context: str = "kubernetes", given: str | None = None, status: int | None = 0
    ) -> str:
        """What `kubectl WORDS` prints; `given` is its standard input, `status` what it must end with."""
        argv = [str(self.programs["kubectl"]), "--kubeconfig", str(self.kubeconfig), "--context", context]
        return _run([*argv, *words], {}, given, status)

    def objects(self, *words: str, context: str = "kubernetes") -> Any:
        """What `kubectl get WORDS -o json` gives."""
        return json.loads(self.kubectl("get", *words, "-o", "json", context=context))

    def govc(self, *words: str, status: int | None = 0, **more: str) -> str:
        """What `govc WORDS` prints; further arguments are variables of its environment."""
        return _run([str(self.programs["govc"]), *words], self.govc_environment | more, None, status)

    @property
    def govc_environment(self) -> dict[str, str]:
        """What govc reads of its environment."""
        return {
            "GOVC_URL": f"https://{self.address('vsphere')}/sdk",
            "GOVC_USERNAME": room.members.USER,
            "GOVC_PASSWORD": self.password,
            "GOVC_TLS_CA_CERTS": str(self.root / "ca.crt"),
            "GOVC_PERSIST_SESSION": "false",
        }

    def process_template(self, template: Mapping[str, Any], **parameters: str) -> list[dict[str, Any]]:
        """The objects that OpenShift makes of a Template."""
        argv = [str(self.programs["process-template"])]
        for name, value in parameters.items():
            argv += ["-p", f"{name}={value}"]
        objects: list[dict[str, Any]] = json.loads(_run(argv, {}, json.dumps(template), 0))
        return objects

    @property
    def password(self) -> str:
        """Of the vCenter's user."""
        return (self.root / "vcenter.password").read_text("utf-8").strip()

    def address(self, member: str) -> str:
        """Where a member listens, as 127.0.0.1:PORT."""
        return next(row.address for row in self.rows if row.member == member)


def _run(argv: list[str], env: Mapping[str, str], given: str | None, status: int | None) -> str:
    done = subprocess.run(
        argv,
        # As root kubectl would make this home for its cache.
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "KUBECACHEDIR": os.devnull, **env},
        input=given if given is not None else "",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    what = f"{argv[0]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert status is None or done.returncode == status, what
    return done.stdout if done.returncode == 0 else done.stderr


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab of this run; started by the first test that asks for it."""
    _end_those_left_behind()
    home = _STATES / f"{os.getpid()}-{_started(os.getpid())}"
    home.mkdir(mode=0o700, parents=True)
    desk = room.Desk.of(home, CACHE)
    try:
        running = room.up(desk, home / "lab.yaml", lambda line: None)
        programs = room.programs(CACHE, lambda line: None)
        yield Lab(desk.root, running.fleet, running.kubeconfig, programs, running.rows)
    finally:
        room.down(desk, lambda line: None, purge=True)
        shutil.rmtree(home, ignore_errors=True)


def _started(pid: int) -> int:
    seen = supervisor.stat_of(pid)
    return seen["start"] if seen else 0


def _end_those_left_behind() -> None:
    for home in _STATES.glob("*-*"):
        pid, _, start = home.name.partition("-")
        if pid.isdigit() and start.isdigit() and not supervisor.alive(int(pid), int(start)):
            room.down(room.Desk.of(home, CACHE), lambda line: None, purge=True)
            shutil.rmtree(home, ignore_errors=True)
