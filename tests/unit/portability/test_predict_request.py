"""What is named on the command line."""

from pathlib import Path

import pytest

from trimaran.errors import TrimaranError
from trimaran.portability.predict_request import distributions_named, package_request, request


def test_a_folder_is_a_package_of_the_module_above_it(tmp_path: Path) -> None:
    (tmp_path / "go.mod").touch()
    (tmp_path / "cmd" / "x").mkdir(parents=True)
    found = package_request(str(tmp_path / "cmd" / "x"))
    assert (found.path, found.package) == (tmp_path.resolve(), "./cmd/x")
    assert package_request(str(tmp_path)).package == "."
    assert package_request(str(tmp_path), "./cmd/x").package == "./cmd/x"


def test_a_module_has_its_version_and_its_package() -> None:
    found = package_request("a.b/c@v1.2.3", "./cmd/x")
    assert (found.module, found.version, found.package) == ("a.b/c", "v1.2.3", "./cmd/x")
    assert request("a.b/c@v1.2.3", "").version == "v1.2.3"


def test_a_folder_may_have_an_at_sign_in_its_name(tmp_path: Path) -> None:
    place = tmp_path / "m@v1"
    place.mkdir()
    (place / "go.mod").touch()
    assert package_request(str(place)).path == place.resolve()
    assert request(str(place), "").path == place


def test_a_folder_in_no_module_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(TrimaranError, match="TRM0303"):
        package_request(str(tmp_path / "nowhere"))


def test_distributions_are_named_by_commas_and_a_slip_is_told() -> None:
    assert [each.id for each in distributions_named(["debian-12, alpine-3.23", "debian-12"])] == [
        "debian-12",
        "alpine-3.23",
    ]
    assert len(distributions_named([])) > 20
    for wrong in ("debain-12", " , "):
        with pytest.raises(TrimaranError, match="TRM0210"):
            distributions_named([wrong])
