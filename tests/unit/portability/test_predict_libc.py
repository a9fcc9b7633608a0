"""What is predicted where it is said what C is linked to."""

import pytest

from trimaran.binary import Kind
from trimaran.portability.predict_judge import Machine
from trimaran.portability.predict_libc import Calls, linked
from trimaran.portability.predict_model import Way
from trimaran.toolchain.golist import Package

PACKAGES = (Package("runtime/cgo", cgo_files=("cgo.go",)), Package("example.org/x", cgo_files=("x.go",)))
CALLS = Calls({"runtime/cgo": ("pthread_create",)}, {"example.org/x": ("memcpy",)}, ())
WAY = Way(True, True, "")


def way(libc: str, arch: str = "amd64", calls: Calls = CALLS) -> Way:
    return linked(libc, WAY, PACKAGES, Machine(arch, "", "go1.26.8"), calls)


@pytest.mark.parametrize(("version", "floor"), [("2.17", "2.2.5"), ("2.34", "2.34")])
def test_the_facts_tell_what_glibc_had_then(version: str, floor: str) -> None:
    found = way(f"glibc-{version}")
    assert found.file is not None
    assert (found.file.glibc_floor, found.most) == (floor, version)


def test_what_is_linked_in_needs_nothing() -> None:
    for libc, kind in (("musl", Kind.STATIC), ("glibc-static", Kind.STATIC_PIE)):
        file = way(libc, "386").file
        assert file is not None
        assert (file.kind, file.interpreter, file.needed) == (kind, None, ())


def test_a_machine_whose_loader_nobody_knows_is_a_doubt_and_no_verdict() -> None:
    found = way("glibc-2.28", "386")
    assert (found.file, found.verdicts) == (None, ())
    assert "i386" in found.doubt


def test_a_library_beyond_the_c_library_is_a_doubt() -> None:
    found = way("musl", calls=Calls({}, {}, ("libm.so.6", "libssl.so.3")))
    assert found.doubt == "links libssl.so.3, which has to be there for musl too"
