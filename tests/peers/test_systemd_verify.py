"""Every unit that the golden cases render, read by systemd's own verifier. Needs the package systemd."""

import subprocess
from pathlib import Path

import pytest
from tests.golden.cases import CASES, renderings

pytestmark = pytest.mark.peer

UNITS = {
    f"{case}-{rendering.target}": (rendering.service.name, item.document["content"])
    for case in CASES
    for rendering in renderings(case)
    for item in rendering.rendering.objects
    if item.ref.kind == "Unit"
}


def complaints(folder: Path, name: str, text: str) -> list[str]:
    """What `systemd-analyze verify` says, but for what only a machine that has the program could answer."""
    path = folder / f"{name}.service"
    path.write_text(text, "utf-8")
    # The program is not on this machine; a real one in its place lets everything else be checked.
    program = folder / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path.write_text(text.replace(f"ExecStart=/opt/{name}/bin/program", f"ExecStart={program}"), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # It also reads the units of this machine, whose faults are not ours.
    said = [line for line in done.stderr.splitlines() if name in line]
    return said or ([done.stderr] if done.returncode else [])


def test_there_are_units_of_every_sort() -> None:
    assert len(UNITS) >= 10
    text = "".join(content for _, content in UNITS.values())
    for directive in (
        "CacheDirectory",
        "StateDirectory",
        "ReadWritePaths",
        "MemoryMax",
        "CPUQuota",
        "EnvironmentFile",
    ):
        assert f"\n{directive}=" in text


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_has_no_complaint(unit: str, tmp_path: Path) -> None:
    assert complaints(tmp_path, *UNITS[unit]) == []


def test_systemd_would_complain_about_a_wrong_unit(tmp_path: Path) -> None:
    name, text = next(iter(UNITS.values()))
    assert complaints(tmp_path, name, text.replace("[Service]", "[Service]\nMemoryMaxx=1\nRestart=perhaps"))
