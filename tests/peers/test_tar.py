"""Files that the system's tar stores without their holes come back whole, in each of its forms."""

import io
import os
import subprocess
from pathlib import Path

import pytest

from trimaran.archive.tar import Archive, members

pytestmark = pytest.mark.peer

FORMS = {
    "old GNU": ("--format=gnu",),
    "0.0": ("--format=posix", "--sparse-version=0.0"),
    "0.1": ("--format=posix", "--sparse-version=0.1"),
    "1.0": ("--format=posix", "--sparse-version=1.0"),
}


def holed(path: Path, parts: int) -> bytes:
    """A file of so many parts with holes between and behind them."""
    with path.open("wb") as file:
        for number in range(parts):
            file.seek(number << 16)
            file.write(bytes([number % 255 + 1]) * 5000)
        file.truncate((parts << 16) + 12_345)
    return path.read_bytes()


@pytest.mark.parametrize("parts", [0, 1, 4, 5, 60])
@pytest.mark.parametrize("form", FORMS)
def test_a_file_with_holes_comes_back(tmp_path: Path, form: str, parts: int) -> None:
    name = "long/" * 30 + "holes"
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    content = holed(path, parts)
    (tmp_path / "after").write_text("alive")
    argv = ["tar", "-cf", "-", "--sparse", *FORMS[form], "-C", str(tmp_path), name, "after"]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    made = subprocess.run(argv, capture_output=True, check=True, timeout=60, env=environment).stdout
    assert len(made) < len(content) or not parts

    found: dict[str, bytes] = {}
    archive = Archive(io.BytesIO(made).read)
    for member in members(archive):
        whole = bytearray(member.size)
        for offset, piece in archive.pieces(member):
            whole[offset : offset + len(piece)] = piece
        found[member.name] = bytes(whole)
    assert found == {name: content, "after": b"alive"}
