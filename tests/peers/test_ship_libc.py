"""Shipping a program with C, linked to what its declaration names: the line that `fix` prints, at work."""

from pathlib import Path

import pytest
from tests.programs import copied
from tests.world import World

pytestmark = pytest.mark.peer

RUNS_ON = ("debian-11", "alpine-3.23")
DECLARED = """\
apiVersion: trimaran.dev/v1alpha1
kind: PlatformAgnosticSpec
metadata: {{name: hello}}
spec:
  build: {{{build}}}
  runsOn: [debian-11, alpine-3.23]
  workload: {{type: job}}
"""


def test_what_fails_as_it_is_built_here_ships_with_musl_linked_in(here: World, tmp_path: Path) -> None:
    declaration = copied("sqlite", tmp_path) / "service.yaml"

    def declare(build: str) -> str:
        declaration.write_text(DECLARED.format(build=build), "utf-8")
        return str(declaration)

    refused = here.run("ship", declare("path: ."), status=1)
    assert refused.stderr.count("TRM0703") == len(RUNS_ON)
    assert "alpine-3.23" in refused.stderr
    assert here.run("ship", declare("path: ., cgo: off"), status=1).stderr.count("stub") >= 1

    report = here.ship(Path(declare("path: ., libc: musl")))
    assert report["changed"]
    # The job ends well only if its queries were answered.
    assert {each["outcome"] for each in report["verdicts"] if each["distribution"] in RUNS_ON} == {"runs"}
    assert "for musl" in here.run("ship", str(declaration)).stdout
    here.run("down", "hello")
    assert here.processes() == []
