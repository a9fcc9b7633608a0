"""A layout on disk is checked as a registry is."""

import json
import os
from pathlib import Path

import pytest
from tests.unit.oci.images import MANIFEST, Made, descriptor, digest

from trimaran.errors import TrimaranError
from trimaran.oci import image, model
from trimaran.oci.layout import Layout, is_layout

AMD64 = model.platform_of("x86_64")


def taken(folder: Path, name: str = "") -> list[bytes]:
    source = Layout(folder, name)
    found = image.find(source, AMD64)
    return [path.read_bytes() for *_, path in image.layers(source, found, folder, lambda _: None)]


def test_an_image_is_taken(tmp_path: Path) -> None:
    made = Made()
    folder = made.layout(tmp_path / "layout")
    assert is_layout(folder)
    assert not is_layout(tmp_path)
    assert taken(folder) == made.layers


def test_an_only_image_needs_no_platform(tmp_path: Path) -> None:
    made = Made()
    index = json.dumps({"manifests": [descriptor(MANIFEST, made.manifest)]}).encode()
    assert taken(made.layout(tmp_path / "layout", index)) == made.layers


def test_entries_are_found_by_name(tmp_path: Path) -> None:
    made = Made()
    named = {"annotations": {"org.opencontainers.image.ref.name": "one"}}
    index = json.dumps({"manifests": [descriptor(MANIFEST, made.manifest, **named)]}).encode()
    folder = made.layout(tmp_path / "layout", index)
    assert [each.digest for each in Layout(folder, "one").entries()] == [digest(made.manifest)]
    with pytest.raises(TrimaranError) as caught:
        Layout(folder, "two").entries()
    assert caught.value.problems[0].code == "TRM1108"


def _blob(folder: Path, content: bytes) -> Path:
    return folder / "blobs/sha256" / digest(content).removeprefix("sha256:")


@pytest.mark.parametrize("lie", ["other", "short", "long", "gone", "pipe", "link out", "folder"])
@pytest.mark.parametrize("part", ["manifest", "config", "layer"])
def test_a_blob_that_is_not_what_its_name_says_is_refused(tmp_path: Path, lie: str, part: str) -> None:
    made = Made()
    folder = made.layout(tmp_path / "layout")
    content = {"manifest": made.manifest, "config": made.config_bytes, "layer": made.layers[0]}[part]
    path = _blob(folder, content)
    path.unlink()
    match lie:
        case "other":
            path.write_bytes(b"x" * len(content))
        case "short":
            path.write_bytes(content[:-1])
        case "long":
            path.write_bytes(content + b"x")
        case "pipe":
            os.mkfifo(path)
        case "link out":
            path.symlink_to("/etc/passwd")
        case "folder":
            path.mkdir()
    with pytest.raises(TrimaranError) as caught:
        taken(folder)
    assert caught.value.problems[0].code in {"TRM1107", "TRM1109"}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"manifests": []}', b'{"manifests": 1}', b" " * (5 << 20)]
)
def test_an_index_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(TrimaranError) as caught:
        taken(Made().layout(tmp_path / "layout", content))
    assert caught.value.problems[0].code in {"TRM1104", "TRM1106"}
