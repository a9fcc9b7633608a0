"""Folders of declarations: every service below, nothing else, and all problems of all files at once."""

from pathlib import Path

import pytest

from trimaran.errors import TrimaranError
from trimaran.spec import find


def declare(path: Path, name: str, extra: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"apiVersion: trimaran.dev/v1alpha1\nkind: PlatformAgnosticSpec\nmetadata: {{name: {name}}}\n"
        f"spec: {{image: registry.example.com/{name}{extra}}}\n"
    )


def names(*paths: Path) -> list[str]:
    return [each.service.name for each in find.services(map(str, paths))]


def test_every_service_below_a_folder_is_found_in_the_order_of_its_path(tmp_path: Path) -> None:
    declare(tmp_path / "b/service.yaml", "beta")
    declare(tmp_path / "a/deep/er.yml", "alpha")
    assert names(tmp_path) == ["alpha", "beta"]


def test_other_documents_and_rendered_and_hidden_folders_are_left_out(tmp_path: Path) -> None:
    declare(tmp_path / "service.yaml", "web")
    (tmp_path / "fleet.yaml").write_text("kind: Fleet\n")
    (tmp_path / "notes.txt").write_text("kind: PlatformAgnosticSpec\n")
    declare(tmp_path / "rendered/x.yaml", "rendered")
    (tmp_path / "rendered/.trimaran.json").write_text("{}")
    declare(tmp_path / ".git/x.yaml", "hidden")
    assert names(tmp_path) == ["web"]


def test_a_file_that_is_named_twice_is_one_service(tmp_path: Path) -> None:
    declare(tmp_path / "service.yaml", "web")
    assert names(tmp_path / "service.yaml", tmp_path / "service.yaml") == ["web"]


def test_two_services_of_one_name_are_refused_with_both_places(tmp_path: Path) -> None:
    declare(tmp_path / "a.yaml", "web")
    declare(tmp_path / "b.yaml", "web")
    with pytest.raises(TrimaranError, match="TRM0116") as caught:
        names(tmp_path)
    (problem,) = caught.value.problems
    assert "a.yaml" in problem.what
    assert problem.where is not None
    assert problem.where.file.endswith("b.yaml")


def test_the_problems_of_all_files_come_together(tmp_path: Path) -> None:
    declare(tmp_path / "a.yaml", "web", "\n  bad")
    declare(tmp_path / "b.yaml", "UPPER")
    declare(tmp_path / "c.yaml", "fine")
    with pytest.raises(TrimaranError) as caught:
        names(tmp_path)
    files = {problem.where.file[-6:] for problem in caught.value.problems if problem.where}
    assert files == {"a.yaml", "b.yaml"}


def test_a_folder_without_services_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrimaranError, match="TRM0116"):
        names(tmp_path)


def test_a_link_that_leads_in_a_circle_ends(tmp_path: Path) -> None:
    declare(tmp_path / "service.yaml", "web")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert names(tmp_path) == ["web"]
