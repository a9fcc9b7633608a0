"""Compares what was predicted of a file with what a run has shown. Pure."""

from enum import StrEnum

from trimaran.binary import Basis, Outcome, Rule, Verdict
from trimaran.portability.outcome import Seen

# What these rules foretell happens only to a run that asks for it: a database, a user's name.
_LATER = frozenset({Rule.STUB, Rule.NAME_SERVICE})


class Agreement(StrEnum):
    """How a prediction and a run stand to each other."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    SETTLED = "settled"
    NOT_REACHED = "not-reached"
    NOT_RUN = "not-run"


def compare(predicted: Verdict, seen: Seen) -> Agreement:
    """Whether the run bears the prediction out.

    SETTLED: the prediction was `unknown`, and now it is known. NOT_REACHED: what is predicted to fail comes
    after the start, and this run did not ask for it. NOT_RUN: nothing was learned.
    """
    if seen.outcome is Outcome.UNKNOWN:
        return Agreement.NOT_RUN
    if predicted.outcome is Outcome.UNKNOWN:
        return Agreement.SETTLED
    if predicted.outcome is seen.outcome:
        # A crash long after the start does not say what it was about.
        later = seen.rule is None and predicted.rule in _LATER
        same = seen.outcome is Outcome.RUNS or predicted.rule is seen.rule or later
        return Agreement.AGREES if same else Agreement.CONTRADICTS
    if predicted.outcome is Outcome.FAILS and predicted.rule in _LATER:
        return Agreement.NOT_REACHED
    return Agreement.CONTRADICTS


def proven(predicted: Verdict, seen: Seen) -> Verdict:
    """The verdict after the run: what was seen where it tells, else what was predicted."""
    if compare(predicted, seen) in {Agreement.NOT_RUN, Agreement.NOT_REACHED}:
        return predicted
    rule = seen.rule or predicted.rule
    return Verdict(predicted.distribution, seen.outcome, rule, seen.what, Basis.PROVEN)
