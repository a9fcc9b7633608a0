"""What a program may ask for while it runs, told of real builds, each beside one that does not ask."""

import os
import subprocess
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from trimaran.binary import inspect_file
from trimaran.binary.reader import headers, look_at
from trimaran.binary.wants import Want
from trimaran.binary.wantsread import look

pytestmark = pytest.mark.peer

SOURCE = Path(__file__).parents[1] / "fixtures" / "go" / "wants"
WAYS = {
    "pure": ("0", ()),
    "pie": ("0", ("-buildmode=pie", "-ldflags=-s -w")),
    "cgo": ("1", ()),
    "static": ("1", ("-ldflags=-linkmode external -extldflags -static",)),
}


def built(name: str, way: str, folder: Path) -> Path:
    cgo, flags = WAYS[way]
    path = folder / f"{name}-{way}"
    environment = {**os.environ, "CGO_ENABLED": cgo, "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
    subprocess.run(
        ["go", "build", "-buildvcs=false", *flags, "-o", str(path), f"./{name}"],
        cwd=SOURCE,
        env=environment,
        check=True,
        capture_output=True,
    )
    return path


@cache
def wants(name: str, way: str) -> dict[str, Want]:
    with tempfile.TemporaryDirectory() as folder:
        _, found = look_at(built(name, way, Path(folder)), look)
    return {want.asks.value: want for want in found}


@pytest.mark.parametrize(
    ("name", "way", "expected"),
    [
        ("plain", "pure", {}),
        ("plain", "static", {}),
        ("starts", "pure", {"program": "certain"}),
        ("starts", "pie", {"program": "certain"}),
        ("dials", "pure", {"certificates": "likely"}),
        ("serves", "pure", {"certificates": "possible"}),
        ("trusted", "pie", {"certificates": "possible"}),
        ("zones", "pure", {"time-zones": "likely"}),
        ("zones", "pie", {"time-zones": "likely"}),
        ("ownzones", "pure", {}),
        ("looksup", "pure", {}),
        ("looksup", "cgo", {"name-service": "likely"}),
        ("looksup", "static", {"name-service": "likely"}),
    ],
)
def test_a_build_asks_for_what_its_source_asks_for(name: str, way: str, expected: dict[str, str]) -> None:
    found = wants(name, way)
    assert {asks: want.confidence.value for asks, want in found.items()} == expected


def test_programs_are_named_as_the_source_names_them() -> None:
    assert wants("starts", "pie")["program"].names == ("/usr/bin/ssh", "git")


def test_a_static_glibc_is_told_from_a_dynamic_one() -> None:
    assert "its own release" in wants("looksup", "static")["name-service"].note
    assert "its own release" not in wants("looksup", "cgo")["name-service"].note


def test_a_short_look_and_a_close_one_differ_in_the_release_of_glibc_alone(tmp_path: Path) -> None:
    program = built("looksup", "static", tmp_path)
    short, close = look_at(program, headers), inspect_file(program)
    assert close.static_glibc is not None
    assert short.static_glibc is None
    assert short.name_services
    assert replace(close, static_glibc=None) == short


def test_programs_of_this_machine_are_told_by_their_symbols() -> None:
    _, found = look_at("/usr/bin/env", look)
    assert "program" in {want.asks.value for want in found}
    _, none = look_at("/usr/bin/true", look)
    assert "program" not in {want.asks.value for want in none}
