"""docs/beliefs.md names each test of a belief, and no other."""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]


def test_the_page_and_the_tests_name_the_same() -> None:
    page = (HERE / "docs/beliefs.md").read_text("utf-8")
    tested = {
        name
        for file in (HERE / "tests/peers").glob("test_beliefs_*.py")
        for name in re.findall(r"^def test_(\w+)", file.read_text("utf-8"), re.MULTILINE)
    }
    assert tested
    assert set(re.findall(r"\| `(\w+)` \|$", page, re.MULTILINE)) == tested
