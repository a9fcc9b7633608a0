"""Whatever the bytes are: a declaration or one TrimaranError whose codes are explained, in little time."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trimaran.codes import explanations
from trimaran.errors import Problem, TrimaranError
from trimaran.spec import load
from trimaran.spec.fleet import Fleet
from trimaran.spec.load import Declared

EXAMPLE = Path("examples/podinfo/service.yaml").read_text("utf-8")
DOCUMENTED = Path("tests/golden/everything")
CODES = frozenset(explanations())
LIMITS = settings(
    max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the time is measured below, per file

CHILD = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
import time
from trimaran.errors import TrimaranError
from trimaran.spec import load
for path in sys.argv[1:]:
    started = time.process_time()
    try:
        load.service(path)
        print("read", end=" ")
    except TrimaranError as error:
        print(*sorted({each.code for each in error.problems}), sep="+", end=" ")
    print(f"{time.process_time() - started:.3f}", flush=True)
"""


def test_no_nesting_crashes_the_process_or_costs_a_second(tmp_path: Path) -> None:
    pieces = [
        "[",
        "{",
        "- ",
        "? ",
        "{a: ",
        "[{",
        "-\n",
        "&a [",
        '"',
        "|\n ",
        ": ",
        "[?",
        "- ? ",
        "!!x [",
        "a: [",
        "'",
        "*",
    ]
    texts = [(piece * 100_000)[: 1 << 20] for piece in pieces]
    texts += ["".join(f"{' ' * depth}a:\n" for depth in range(1400))]
    texts += ["".join(f"k{number}: 1\n" for number in range(60_000))]
    texts += ["a: 1\n" * 100_000, "a: " + "x" * 1_000_000, "? " + "x" * 100_000 + "\n: y\n"]
    texts += [EXAMPLE + "".join(f"  u{number}: 1\n" for number in range(20_000))]
    texts += [
        EXAMPLE.replace("{http: 9898}", "{" + ",".join(f'"{number}": 0' for number in range(20_000)) + "}")
    ]
    paths = []
    for number, text in enumerate(texts):
        paths.append(tmp_path / f"{number}.yaml")
        paths[-1].write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"ended with {done.returncode} after {done.stdout}{done.stderr[-500:]}"
    answers = [line.split() for line in done.stdout.splitlines()]
    assert len(answers) == len(texts)
    for text, (codes, seconds) in zip(texts, answers, strict=True):
        assert codes.startswith("TRM01"), text[:40]
        assert float(seconds) < 1, text[:40]


def test_a_file_with_ten_thousand_mistakes_shows_the_first_hundred(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(EXAMPLE + "".join(f"  u{number}: 1\n" for number in range(10_000)))
    with pytest.raises(TrimaranError) as caught:
        load.service(str(path))
    assert len(caught.value.problems) == 101
    assert caught.value.problems[-1].what == "and more problems"


def survives(raw: bytes, path: Path, *, fleet: bool) -> Declared | Fleet | None:
    path.write_bytes(raw)
    started = time.process_time()
    found: Declared | Fleet | None = None
    problems: tuple[Problem, ...] = ()
    try:
        found = load.fleet(str(path), (PODINFO,)) if fleet else load.service(str(path))
    except TrimaranError as error:
        problems = error.problems
    assert time.process_time() - started < 1
    assert all(each.code in CODES and each.what for each in problems)
    places = [(each.where.line, each.where.column) for each in problems if each.where]
    assert places == sorted(places)
    return found


PODINFO = load.service("examples/podinfo/service.yaml").service
FLEET = (DOCUMENTED / "fleet.yaml").read_text("utf-8")
EVERYTHING = (DOCUMENTED / "service.yaml").read_text("utf-8")

ODD_VALUES = [
    "null",
    "~",
    "[]",
    "{}",
    "[a]",
    "{a: b}",
    "true",
    "no",
    "a b",
    "A",
    "x" * 300,
    "|\n  x",
    "",
    "*x",
    "<<",
]
ODD_VALUES += [
    "-1",
    "0",
    "70000",
    "1e400",
    "1.5",
    "5",
    "5 s",
    "200%",
    "0%",
    "9" * 30,
    "%",
    "@",
    "`",
    "- a",
    "? [a]",
]
ODD_VALUES += ["''", "'\\0'", '"\\0"', '"\\n"', '"\\u202e"', "\u2028", "../..", "/", "//x", "/a:b", "&x [*x]"]
ODD_VALUES += ["!!set {a}", "{<<: {a: b}}", "[[[[]]]]", "{1: 2}"]
ODD = st.sampled_from(ODD_VALUES)
TOKEN = re.compile(r"[A-Za-z0-9_./%~-]+|[{}\[\],:\"'\n]|  ")


@st.composite
def mutated(draw: st.DrawFn, *texts: str) -> bytes:
    """A real declaration with a few tokens deleted, doubled, swapped or replaced by odd ones."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 3))):
        spans = [match.span() for match in TOKEN.finditer(text)]
        start, end = draw(st.sampled_from(spans))
        piece = text[start:end]
        other = draw(st.sampled_from(spans))
        new = draw(st.sampled_from(["", piece * 2, text[slice(*other)]]) | ODD)
        text = text[:start] + new + text[end:]
    return text.encode()


@LIMITS
@given(mutated(EXAMPLE, EVERYTHING))
def test_a_damaged_service_is_read_or_refused(tmp_path: Path, raw: bytes) -> None:
    survives(raw, tmp_path / "f.yaml", fleet=False)


@LIMITS
@given(mutated(FLEET))
def test_a_damaged_fleet_is_read_or_refused(tmp_path: Path, raw: bytes) -> None:
    survives(raw, tmp_path / "f.yaml", fleet=True)


@LIMITS
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_arbitrary_bytes_are_read_or_refused(tmp_path: Path, raw: bytes) -> None:
    assert survives(raw, tmp_path / "f.yaml", fleet=False) is None
    assert survives(raw, tmp_path / "f.yaml", fleet=True) is None


YAMLISH = st.text("ab:{}[]-?&*!|>'\"%@#, \n\t~<=.0", max_size=60)


@LIMITS
@given(YAMLISH)
def test_text_that_is_nearly_yaml_is_read_or_refused(tmp_path: Path, text: str) -> None:
    survives(text.encode(), tmp_path / "f.yaml", fleet=False)
    survives(EXAMPLE.replace("{http: 9898}", text).encode(), tmp_path / "f.yaml", fleet=False)


def test_the_undamaged_ones_are_read(tmp_path: Path) -> None:
    # Otherwise everything above would hold for a reader that refuses whatever it is given.
    assert survives(EXAMPLE.encode(), tmp_path / "f.yaml", fleet=False) is not None
    assert survives(FLEET.encode(), tmp_path / "f.yaml", fleet=True) is not None
