"""`verify`: what a run in a sandbox costs beyond the program's own time, and one command of many runs."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.rootfs import at_hand

from bench.case import Case, elapsed, folder
from trimaran.binary import NameService
from trimaran.portability.verify import verify
from trimaran.rootfs import Root, find

TRIMARAN = str(Path(sys.executable).with_name("trimaran"))
RUNS = 10


@cache
def program() -> Path:
    """A static program that looks up a user, built once."""
    place = folder("verify") / "account"
    if not place.exists():
        source = Path(__file__).resolve().parents[1] / "tests/fixtures/go/account"
        environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": ""}
        subprocess.run(["go", "build", "-o", str(place), "."], cwd=source, env=environment, check=True)
    return place


@cache
def root() -> Root:
    """A root file system that was added and measured."""
    return find(at_hand() / "trimaran" / "rootfs", "debian-12")


def _once() -> None:
    proof = verify(program(), root(), variant=NameService.PLAIN)
    if proof.status:
        raise RuntimeError(proof.output)


def _by_hand() -> None:
    subprocess.run(by_hand(), stdin=subprocess.DEVNULL, capture_output=True, check=True)


@cache
def by_hand() -> list[str]:
    """The command with stock tools that `verify` prints."""
    return shlex.split(verify(program(), root(), variant=NameService.PLAIN).command)


def _beyond(work: Callable[[], None]) -> float:
    """Seconds that a run takes beyond the same program, started directly; the mean of ten pairs."""
    total = 0.0
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        between = time.perf_counter()
        subprocess.run([program()], stdin=subprocess.DEVNULL, capture_output=True, check=True)
        total += 2 * between - began - time.perf_counter()
    return total / RUNS


def _command() -> float:
    os.environ["XDG_DATA_HOME"] = str(at_hand())
    return elapsed([TRIMARAN, "verify", str(program())])()


CASES = (
    Case(
        "verify: a run, beyond the program's own time",
        ours=lambda: _beyond(_once),
        peer=lambda: _beyond(_by_hand),
        peer_name="bubblewrap by hand: no prediction, limits, watch or reading",
        limit=0.05,
    ),
    Case(
        "verify: one command, four root file systems, two variants each", ours=_command, limit=2.0, rounds=5
    ),
)
