"""What a golden case renders, as the relative paths and texts of its files."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from trimaran.deliver.made import Program
from trimaran.deliver.rendering import TargetRendering, render
from trimaran.spec import load

HERE = Path(__file__).resolve().parent
CASES = sorted(path.parent.name for path in HERE.glob("*/service.yaml"))
PROGRAMS = {
    arch: Program(
        PurePosixPath("/nowhere"), f"sha256:{digit * 64}", "program", 1, "a golden case", reused=True
    )
    for arch, digit in (("amd64", "a"), ("arm64", "b"))
}
"""No binary is built for a golden case: these digests stand for one."""


def renderings(case: str) -> Iterator[TargetRendering]:
    """The case on every target of its fleet, or of the default one."""
    folder = HERE / case
    declared = load.service(str(folder / "service.yaml"))
    path = folder / "fleet.yaml"
    fleet = load.fleet(str(path) if path.exists() else None, (declared.service,))
    yield from render(declared.service, fleet, PROGRAMS)


def rendered(case: str) -> dict[str, str]:
    """Path below `expected/` → text; the losses of all targets are in `losses.txt`."""
    found: dict[str, str] = {}
    losses = []
    for rendering in renderings(case):
        for file in rendering.files:
            assert file.path not in found, f"{file.path} is written twice"
            found[file.path] = file.text
        losses += [f"{loss.target} {loss.field}: {loss.reason}\n" for loss in rendering.rendering.losses]
    return {**found, "losses.txt": "".join(losses)}


def expected(case: str) -> dict[str, str]:
    """What was committed."""
    folder = HERE / case / "expected"
    return {
        str(path.relative_to(folder)): path.read_bytes().decode()
        for path in folder.rglob("*")
        if path.is_file()
    }
