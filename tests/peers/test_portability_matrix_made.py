"""The matrix of programs that ask for one thing: what is predicted happens."""

import re

import pytest
from tests.peers import portability_matrix as matrix

from trimaran.binary import Outcome, Rule

pytestmark = pytest.mark.peer

GROUP = "made"


def test_no_run_contradicts_a_prediction() -> None:
    held = matrix.proofs(GROUP)
    assert len(held) >= 50
    assert not [
        (name, root, proof.predicted, proof.seen, proof.output[-300:])
        for name, row in held.items()
        for root, proof in row.items()
        if matrix.wrong(proof)
    ]


def test_what_is_left_open_has_a_reason() -> None:
    every = [proof for row in matrix.proofs(GROUP).values() for proof in row.values()]
    unknown = [proof for proof in every if proof.predicted.outcome is Outcome.UNKNOWN]
    assert len(unknown) < 0.1 * len(every)
    assert all(proof.predicted.reason for proof in unknown)


def test_the_page_shows_this_part_as_it_is() -> None:
    assert matrix.section(GROUP) in matrix.PAGE.read_text("utf-8")


def test_each_rule_has_failures_that_were_foretold_and_seen() -> None:
    page = matrix.PAGE.read_text("utf-8").partition("## Failures")[2]
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    counted = {name.strip("`"): int(count) for name, count in rows}
    assert counted.keys() == {rule.value for rule in Rule} - {Rule.STATIC.value}
    assert min(counted.values()) >= 5


def test_the_matrix_covers_many_programs() -> None:
    assert sum(len(matrix.entries(group)) for group in ("go", "debian", "made")) >= 120


def test_few_predictions_of_the_whole_page_are_left_open() -> None:
    counts = re.findall(
        r"(\d+) runs: \d+ `runs`, \d+ `fails`, (\d+) `unknown`", matrix.PAGE.read_text("utf-8")
    )
    assert len(counts) == 3
    assert sum(int(unknown) for _, unknown in counts) < 0.05 * sum(int(runs) for runs, _ in counts)
