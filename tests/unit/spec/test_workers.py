"""Work that is spread over children gives what the same work gives here, whatever becomes of a child."""

import os
import signal
from pathlib import Path

import pytest

from trimaran.spec import find, workers
from trimaran.spec.workers import spread

ITEMS = [str(number) for number in range(257)]


@pytest.fixture(autouse=True)
def _two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})


def where(item: str) -> tuple[str, int]:
    return item, os.getpid()


def test_results_come_in_the_order_of_the_items_and_from_children() -> None:
    found = spread(ITEMS, where).results()
    assert [item for item, _ in found] == ITEMS
    pids = {pid for _, pid in found}
    assert len(pids) == 3
    assert os.getpid() not in pids


def test_a_few_items_are_done_here() -> None:
    assert {pid for _, pid in spread(ITEMS[:20], where).results()} == {os.getpid()}


def test_what_a_killed_child_did_not_end_is_done_here(tmp_path: Path) -> None:
    first = tmp_path / "first"

    def dies_once(item: str) -> tuple[str, int]:
        if item == "100" and not first.exists():
            first.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return where(item)

    found = spread(ITEMS, dies_once).results()
    assert [item for item, _ in found] == ITEMS
    assert os.getpid() in {pid for _, pid in found}


def test_no_child_is_left_behind() -> None:
    begun = spread(ITEMS, where)
    begun.results()
    assert len(begun.children) == 3
    for child in begun.children:
        with pytest.raises(ChildProcessError):
            os.waitpid(child.pid, os.WNOHANG)


def test_many_declarations_are_read_as_a_few_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(120):
        (tmp_path / f"{number:03d}.yaml").write_text(
            "apiVersion: trimaran.dev/v1alpha1\nkind: PlatformAgnosticSpec\n"
            f"metadata: {{name: s{number}}}\nspec: {{image: registry.example.com/s{number}}}\n"
        )
    many = find.services([str(tmp_path)])
    monkeypatch.setattr(workers, "_WORTH", 1_000)
    assert [each.service for each in many] == [each.service for each in find.services([str(tmp_path)])]
    assert [each.service.name for each in many] == [f"s{number}" for number in range(120)]
