"""The matrix of programs of Debian's packages: what is predicted happens."""

import pytest
from tests.peers import portability_matrix as matrix

from trimaran.binary import Outcome

pytestmark = pytest.mark.peer

GROUP = "debian"


def test_no_run_contradicts_a_prediction() -> None:
    held = matrix.proofs(GROUP)
    assert len(held) >= 40
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
