"""The page of the matrix adds up. Its parts are compared with real runs elsewhere; here are its sums."""

import re
from collections import Counter
from pathlib import Path

PAGE = (Path(__file__).parents[3] / "docs" / "portability-matrix.md").read_text("utf-8")
PARTS, _, LAST = PAGE.partition("## Failures that were foretold and seen")


def cells() -> list[str]:
    rows = [line for line in PARTS.splitlines() if line.startswith("| ") and not line.startswith("| program")]
    return [cell.strip() for row in rows for cell in row.strip("|").split("|")[1:]]


def test_the_failures_are_those_of_the_tables_at_least_five_of_each_rule() -> None:
    told = {rule: int(count) for rule, count in re.findall(r"^\| `([a-z-]+)` \| (\d+) \|$", LAST, re.M)}
    assert told == Counter(cell.partition(": ")[2] for cell in cells() if cell.startswith("fails: "))
    assert min(told.values()) >= 5
    assert len(told) >= 11


def test_each_part_counts_its_own_cells_and_none_is_wrong() -> None:
    counted = re.findall(r"(\d+) runs: (\d+) `runs`, (\d+) `fails`, (\d+) `unknown`; (\d+) wrong", PARTS)
    runs, well, failed, unknown, wrong = (sum(int(row[place]) for row in counted) for place in range(5))
    outcomes = Counter(cell.partition(":")[0] for cell in cells())
    assert (well, failed, unknown) == (outcomes["runs"], outcomes["fails"], outcomes["unknown"])
    assert runs == well + failed + unknown == len(cells()) >= 800
    assert wrong == 0
    assert "**" not in PARTS.partition("## Go programs")[2]
    assert unknown < 0.05 * runs
