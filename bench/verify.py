"""`verify`: what a run in a sandbox costs beyond the program's own time, and one command of many runs."""

import os
import subprocess
import sys
import time
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


def beyond() -> float:
    """Seconds that a run takes beyond the same program, started directly; the mean of ten pairs."""
    total = 0.0
    for _ in range(RUNS):
        began = time.perf_counter()
        proof = verify(program(), root(), variant=NameService.PLAIN)
        total += time.perf_counter() - began
        if proof.status:
            raise RuntimeError(proof.output)
        began = time.perf_counter()
        subprocess.run([program()], stdin=subprocess.DEVNULL, capture_output=True, check=True)
        total -= time.perf_counter() - began
    return total / RUNS


def _command() -> float:
    os.environ["XDG_DATA_HOME"] = str(at_hand())
    return elapsed([TRIMARAN, "verify", str(program())])()


CASES = (
    Case("verify: a run, beyond the program's own time", ours=beyond, limit=0.05),
    Case(
        "verify: one command, four root file systems, two variants each", ours=_command, limit=2.0, rounds=5
    ),
)
