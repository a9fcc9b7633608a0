"""The folder of rendered files: exactly what is rendered, and nothing of anybody else's."""

import json
import os
from pathlib import Path

import pytest
from tests.unit.spec.conftest import refusal

from trimaran.action import Change, Verb
from trimaran.deliver import output
from trimaran.deliver.output import INDEX, FileChange, compare, field_changes, write
from trimaran.platform.files import RenderedFile

BASE = "east/web"


def files(**texts: str) -> list[RenderedFile]:
    return [RenderedFile(f"{BASE}/{name.replace('__', '/')}.yaml", text) for name, text in texts.items()]


def bring(out: Path, wanted: list[RenderedFile]) -> list[tuple[Verb, str]]:
    changes = compare(out, BASE, wanted)
    write(out, BASE, wanted, changes)
    return [(each.verb, each.path.removeprefix(f"{BASE}/")) for each in changes]


def tree(out: Path) -> dict[str, str]:
    return {
        str(path.relative_to(out)): path.read_text()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != INDEX
    }


def test_the_folder_holds_what_is_rendered_and_then_nothing_changes(tmp_path: Path) -> None:
    wanted = files(a="1\n", deep__b="2\n")
    assert bring(tmp_path, wanted) == [(Verb.CREATE, "a.yaml"), (Verb.CREATE, "deep/b.yaml")]
    assert tree(tmp_path) == {"east/web/a.yaml": "1\n", "east/web/deep/b.yaml": "2\n"}
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert bring(tmp_path, wanted) == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_what_is_no_longer_rendered_goes_with_its_empty_folders(tmp_path: Path) -> None:
    bring(tmp_path, files(a="1", deep__er__b="2", c="3"))
    assert bring(tmp_path, files(a="1", c="4")) == [(Verb.UPDATE, "c.yaml"), (Verb.DELETE, "deep/er/b.yaml")]
    assert tree(tmp_path) == {"east/web/a.yaml": "1", "east/web/c.yaml": "4"}
    assert not (tmp_path / BASE / "deep").exists()


def test_files_of_others_stay(tmp_path: Path) -> None:
    (tmp_path / BASE / "deep").mkdir(parents=True)
    (tmp_path / BASE / "deep/notes.txt").write_text("mine")
    (tmp_path / "README").write_text("mine")
    bring(tmp_path, files(deep__b="2"))
    bring(tmp_path, files(a="1"))
    assert tree(tmp_path) == {"README": "mine", "east/web/a.yaml": "1", "east/web/deep/notes.txt": "mine"}


@pytest.mark.parametrize(
    "index",
    [
        "../../victim",
        "../../../victim",
        "/VICTIM",
        "deep/../../../victim",
        "./../../victim",
        ".",
        "",
        "..",
        "\0",
        "a\0/b",
    ],
)
def test_an_index_that_leads_elsewhere_is_not_believed(tmp_path: Path, index: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    bring(tmp_path / "out", files(a="1"))
    place = tmp_path / "out" / BASE / INDEX
    place.write_text(json.dumps({"files": [index.replace("/VICTIM", str(victim)), "a.yaml"]}))
    bring(tmp_path / "out", files(b="2"))
    assert victim.read_text() == "precious"
    assert tree(tmp_path / "out") == {"east/web/b.yaml": "2"}


@pytest.mark.parametrize(
    "index", ["", "[]", "{}", '{"files": 5}', '{"files": [5]}', '{"files": {"a": 1}}', "\xff", "[" * 100_000]
)
def test_a_spoilt_index_forgets_and_never_fails(tmp_path: Path, index: str) -> None:
    bring(tmp_path, files(a="1"))
    (tmp_path / BASE / INDEX).write_bytes(index.encode("latin-1"))
    bring(tmp_path, files(b="2"))
    assert (tmp_path / BASE / "b.yaml").read_text() == "2"


def test_a_link_in_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    out = tmp_path / "out"
    (out / BASE).mkdir(parents=True)
    (out / BASE / "a.yaml").symlink_to(victim)
    bring(out, files(a="1"))
    assert victim.read_text() == "precious"
    assert (out / BASE / "a.yaml").read_text() == "1"
    assert not (out / BASE / "a.yaml").is_symlink()


def test_a_folder_that_is_a_link_is_not_followed_to_delete(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.yaml").write_text("precious")
    out = tmp_path / "out"
    bring(out, files(a="1", deep__b="2"))
    (out / BASE / "deep/b.yaml").unlink()
    (out / BASE / "deep").rmdir()
    (out / BASE / "deep").symlink_to(outside)
    bring(out, files(a="1"))
    assert (outside / "b.yaml").read_text() == "precious"


def test_nothing_is_written_through_a_link_that_leads_out(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    out = tmp_path / "out"
    (out / BASE).mkdir(parents=True)
    (out / BASE / "deep").symlink_to(tmp_path / "outside")
    error = refusal(lambda: bring(out, files(deep__b="2")))
    assert error.problems[0].code == "TRM0702"
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_target_folder_that_the_user_linked_is_used(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / "east").symlink_to(tmp_path / "elsewhere")
    bring(out, files(a="1", deep__b="2"))
    bring(out, files(a="1"))
    assert tree(tmp_path / "elsewhere") == {"web/a.yaml": "1"}


@pytest.mark.parametrize("blocked", ["file", "folder", "null"])
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, blocked: str) -> None:
    out = tmp_path / "out"
    match blocked:
        case "file":
            out.write_text("in the way")
        case "folder":
            (out / BASE / "a.yaml").mkdir(parents=True)
        case _:
            out = Path("/dev/null")
    wanted = files(a="1")
    error = refusal(lambda: bring(out, wanted))
    assert [(each.code, bool(each.fix)) for each in error.problems] == [("TRM0702", True)]


def test_a_full_disk_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(tmp_path, files(a="old"))

    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:1])
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    error = refusal(lambda: bring(tmp_path, files(a="new")))
    monkeypatch.undo()
    assert "No space left" in error.problems[0].what
    assert tree(tmp_path) == {"east/web/a.yaml": "old"}
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("step", range(1, 8))
def test_wherever_writing_ends_the_next_run_cleans_up(
    tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(tmp_path, files(a="1", b="2", c="3"))
    left = step

    def count() -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    replace, unlink = Path.replace, Path.unlink

    def counted_replace(self: Path, to: Path) -> Path:
        count()
        return replace(self, to)

    def counted_unlink(self: Path, missing_ok: bool = False) -> None:
        count()
        unlink(self, missing_ok)

    def again_and_again() -> None:
        while True:
            bring(tmp_path, files(d="4", e="5"))
            (tmp_path / BASE / "d.yaml").write_text("spoilt")

    monkeypatch.setattr(Path, "replace", counted_replace)
    monkeypatch.setattr(Path, "unlink", counted_unlink)
    with pytest.raises(KeyboardInterrupt):
        again_and_again()
    monkeypatch.undo()
    bring(tmp_path, files(f="6"))
    rest = {path for path in tree(tmp_path) if not path.endswith(".tmp")}
    assert rest == {"east/web/f.yaml"}


def test_changed_yaml_is_told_field_by_field() -> None:
    change = FileChange("x/a.yaml", Verb.UPDATE, "a: 1\nb: x\n", "a: 2\nb: x\n")
    assert field_changes(change) == (Change("a", 1, 2),)
    assert field_changes(FileChange("x/a.yaml", Verb.UPDATE, "a: [", "a: 2\n")) == ()
    assert field_changes(FileChange("x/a.service", Verb.UPDATE, "a", "b")) == ()


def test_bytes_that_are_no_text_differ_from_every_text(tmp_path: Path) -> None:
    bring(tmp_path, files(a="1"))
    (tmp_path / BASE / "a.yaml").write_bytes(b"\xff\xfe")
    assert bring(tmp_path, files(a="1")) == [(Verb.UPDATE, "a.yaml")]
    assert output.compare(tmp_path, BASE, files(a="1")) == ()


def test_an_unreadable_folder_is_told(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        # Root reads everything; a name that is too long fails for everybody.
        error = refusal(lambda: compare(tmp_path / ("x" * 300), BASE, files(a="1")))
    else:
        tmp_path.chmod(0)
        error = refusal(lambda: compare(tmp_path, BASE, files(a="1")))
        tmp_path.chmod(0o700)
    assert error.problems[0].code == "TRM0702"
