"""What a tar archive says beyond plain headers holds for the programs inside it too."""

from pathlib import Path

import pytest
from tests.corpus.bundles import PROGRAM
from tests.corpus.pack import PACK
from tests.unit.oci import tars

from trimaran.binary.bundle import files_in
from trimaran.errors import TrimaranError

FILE = tars.block(b"x", size=len(PROGRAM)) + tars.filled(PROGRAM)
SPARSE = tars.pax(("path", "s"), ("GNU.sparse.map", f"0,{len(PROGRAM)}"))


def results(tmp_path: Path, content: bytes) -> list[str]:
    """Of each result the name inside, or the code of the error."""
    path = tmp_path / "x.tar"
    path.write_bytes(content)
    return [
        each.problems[0].code if isinstance(each, TrimaranError) else each.path.removeprefix(f"{path}!")
        for each in files_in(str(path))
    ]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (tars.pax(("path", "usr/all"), kind=b"g") + FILE + tars.END, ["/usr/all"]),
        (tars.pax(("path", "usr/x"), kind=b"X") + FILE + tars.END, ["/usr/x"]),
        (tars.pax(("path", "n" * 5000)) + FILE + tars.END, ["TRM0216"]),
        (tars.long_name("n" * 70_000) + FILE + tars.END, ["TRM0216"]),
        (tars.pax(("GNU.sparse.map", "0,9,5,9")) + FILE + tars.END, ["TRM0213"]),
        (SPARSE + FILE + FILE + tars.END, ["TRM0218", "/x"]),
        (FILE + tars.block(b"a", b"M") + tars.END, ["/x", "TRM0213"]),
        (FILE + bytes(500), ["/x", "TRM0212"]),
        (FILE + bytes(512), ["/x"]),
        (PACK["gz"](FILE), ["/x"]),
        (PACK["gz"](b""), ["TRM0211"]),
    ],
)
def test_what_extended_headers_say_holds(tmp_path: Path, content: bytes, found: list[str]) -> None:
    assert results(tmp_path, content) == found


def test_a_name_that_is_no_text_is_shown_as_its_bytes(tmp_path: Path) -> None:
    made = tars.block(b"\xff\xe9x", size=len(PROGRAM)) + tars.filled(PROGRAM) + tars.END
    assert results(tmp_path, made) == ["/\\xff\\xe9x"]
