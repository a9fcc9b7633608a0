"""Whatever a declaration that was taken holds: it renders on every target, as text that reads back."""

from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from tests.golden.cases import PROGRAMS
from tests.unit.spec.test_hostile import EVERYTHING, EXAMPLE, FLEET, mutated

from trimaran.deliver.rendering import TargetRendering, render
from trimaran.errors import TrimaranError
from trimaran.spec import load


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutated(EXAMPLE, EVERYTHING))
def test_what_is_taken_is_rendered(tmp_path: Path, raw: bytes) -> None:
    check_rendered(tmp_path, raw)


def check_rendered(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "conf").mkdir(exist_ok=True)
    (tmp_path / "conf/limits.conf").write_text("limit = 10\n")
    (tmp_path / "s.yaml").write_bytes(raw)
    (tmp_path / "f.yaml").write_text(FLEET)
    found: list[TargetRendering] = []
    codes: set[str] = set()
    try:
        service = load.service(str(tmp_path / "s.yaml")).service
        fleet = load.fleet(str(tmp_path / "f.yaml"), (service,))
        found += render(service, fleet, PROGRAMS)
    except TrimaranError as error:
        codes = {each.code for each in error.problems}
    assert "TRM0510" not in codes, "a field that was taken cannot be written into a unit"
    for rendering in found:
        for item, file in zip(rendering.rendering.objects, rendering.files, strict=True):
            if item.ref.kind not in ("File", "Unit", "TemplateParameters"):
                assert yaml.load(file.text, Loader=yaml.CSafeLoader) == item.document
