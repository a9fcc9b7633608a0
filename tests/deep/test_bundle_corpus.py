"""Each archive of the corpus: the programs that are read, and one clear error for what is wrong."""

from pathlib import Path

import pytest

from tests.corpus import bundles, images
from trimaran.binary.bundle import files_in, is_bundle
from trimaran.binary.model import File
from trimaran.codes import explanations
from trimaran.errors import TrimaranError

CASES = {case.name: case for case in (*bundles.cases(), *images.cases())}


def seen(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the programs, and the codes of the errors."""
    programs, codes = list[str](), list[str]()
    for result in files_in(str(path)):
        if isinstance(result, File):
            assert result.glibc_floor == "2.34"
            programs.append(result.path.removeprefix(str(path)).removeprefix("!"))
            continue
        assert isinstance(result, TrimaranError)
        for problem in result.problems:
            codes.append(problem.code)
            assert problem.where is not None
            assert problem.where.file.startswith(str(path))
            assert problem.fix
            assert problem.code in explanations()
    return tuple(programs), tuple(codes)


@pytest.mark.parametrize("name", CASES)
def test_an_archive_gives_its_programs_and_one_error_for_each_fault(tmp_path: Path, name: str) -> None:
    case, path = CASES[name], tmp_path / name
    path.write_bytes(case.content)
    assert is_bundle(str(path))
    assert seen(path) == (case.programs, case.codes)
