"""`ship`: a second run that has nothing to do, beside the mere start of what it stands on."""

import atexit
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.world import ROOT, free_port

from bench.case import Case, elapsed

TRIMARAN = str(Path(sys.executable).parent / "trimaran")


@cache
def declaration() -> str:
    """A copy of podinfo's declaration on a free port, shipped once; taken down when the benchmark ends."""
    home = tempfile.mkdtemp(prefix="trimaran-bench-")
    os.environ["XDG_STATE_HOME"] = home  # what runs for the benchmark is not the user's
    place = Path(home) / "service.yaml"
    text = (ROOT / "examples/podinfo/service.yaml").read_text("utf-8")
    place.write_text(text.replace("9898", str(free_port())), "utf-8")
    subprocess.run([TRIMARAN, "ship", "-q", str(place)], check=True, stdout=subprocess.DEVNULL)
    down = [TRIMARAN, "down", "-q", "podinfo"]
    atexit.register(lambda: subprocess.run(down, check=True, stdout=subprocess.DEVNULL))
    return str(place)


def again() -> float:
    """Seconds of a ship that has nothing to do."""
    return elapsed([TRIMARAN, "ship", "-q", declaration()])()


CASES = (
    Case(
        "ship: a second run that changes nothing",
        ours=again,
        peer=elapsed([sys.executable, "-c", "import click, pydantic, sqlalchemy, yaml"]),
        peer_name="python, importing click, pydantic, sqlalchemy and yaml",
        limit=1.5,
    ),
)
