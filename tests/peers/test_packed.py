"""Programs that UPX has packed: what they really need cannot be read, and is not guessed."""

import subprocess
from pathlib import Path

import pytest
from tests.peers import portability_debian
from tests.programs import FIXTURES, go

from trimaran.binary import inspect_file
from trimaran.errors import TrimaranError

pytestmark = pytest.mark.peer


def upx() -> Path:
    portability_debian.collect()
    entry = next(each for each in portability_debian.PROGRAMS if each.package == "upx-ucl")
    return portability_debian.program(entry, "bullseye")


@pytest.mark.parametrize("how", ["-1", "--lzma"])
@pytest.mark.parametrize("machine", ["386", "amd64", "arm64"])
def test_a_go_program_that_was_packed_is_told_so(machine: str, how: str, tmp_path: Path) -> None:
    program = tmp_path / "tiny"
    go("build", "-o", str(program), ".", folder=FIXTURES / "tiny", GOARCH=machine, CGO_ENABLED="0")
    before = inspect_file(program)
    subprocess.run([upx(), "-qqq", how, program], check=True, capture_output=True)
    assert program.stat().st_size < before.size_bytes
    with pytest.raises(TrimaranError) as caught:
        inspect_file(program)
    assert caught.value.problems[0].code == "TRM0240"

    # What comes out of it again is read as before.
    subprocess.run([upx(), "-qqq", "-d", program], check=True, capture_output=True)
    after = inspect_file(program)
    assert (after.kind, after.go, after.needed) == (before.kind, before.go, before.needed)
