"""What the runs of one build say about it. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from trimaran.binary import Outcome, Verdict
from trimaran.portability.verify import Proof


def judged(run: Proof, usual: Collection[int], first: bool) -> Verdict:
    """The verdict after a run.

    A program that starts and then complains has not shown that it works: that is `unknown`, unless its status
    is 0 or a usual one, or this is the build with which others are compared (`first`).
    """
    found = run.verdict
    fine = first or not run.status or run.status in usual
    if found.outcome is not Outcome.RUNS or fine:
        return found
    said = last_line(run.output)
    what = f"started, but ended with status {run.status}" + (f": {said}" if said else "")
    return found._replace(outcome=Outcome.UNKNOWN, reason=what)


def notes(runs: Mapping[str, Proof], enterprise: Iterable[Proof]) -> Iterator[str]:
    """What else has to be said: a prediction that a run contradicts, and what name services change."""
    for name, run in runs.items():
        if not run.agree:
            yield f"{name}: predicted {run.predicted.outcome} ({run.predicted.reason}), but {run.seen.what}"
    failed = [run for run in enterprise if run.seen.outcome is Outcome.FAILS]
    for run in failed:
        yield f"{run.root} with the name services of an enterprise (compat, sss): {run.seen.what}"


def last_line(output: str) -> str:
    """The last line that says something, at most 160 characters of it."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:160] if lines else ""
