"""Runs a file for real in a root file system and holds what was predicted of it against what was seen."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trimaran.binary import File, Kind, NameService, Verdict, inspect_file, verdict
from trimaran.errors import Where, fail
from trimaran.portability import verify_place
from trimaran.portability.outcome import Seen
from trimaran.portability.verify_agree import Agreement, compare, proven
from trimaran.portability.verify_how import How
from trimaran.portability.verify_machine import machine
from trimaran.portability.verify_trace import Trace
from trimaran.portability.verify_trial import Trial
from trimaran.rootfs import Root
from trimaran.rootfs.sandbox_plan import Limits

__all__ = ["How", "Limits", "NameService", "Proof", "verify"]


@dataclass(frozen=True, slots=True)
class Proof:
    """A file, tried in one root file system.

    Args:
        root: the root file system's name.
        variant: whose configuration of name services was there.
        predicted: what was said before it was run.
        status: the program's own exit status; None when it had none.
        signal: what killed it, as `SIGSEGV`.
        output: what it printed, both streams; the middle of a long one is left out.
        seconds: wall time of the run that counts.
        command: the same with stock tools, for a shell.
        trace: what it asked for; None when nobody looked.
    """

    program: Path
    root: str
    variant: NameService
    file: File
    predicted: Verdict
    seen: Seen
    agreement: Agreement
    status: int | None
    signal: str | None
    output: str
    seconds: float
    command: str
    trace: Trace | None = None

    @property
    def agree(self) -> bool:
        """False when the run contradicts the prediction."""
        return self.agreement is not Agreement.CONTRADICTS

    @property
    def verdict(self) -> Verdict:
        """What is known now: proven where the run tells, else as predicted."""
        return proven(self.predicted, self.seen)


def verify(
    program: Path,
    root: Root,
    arguments: Sequence[str] = (),
    *,
    variant: NameService = NameService.PLAIN,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    how: How = How(),  # noqa: B008 - frozen
) -> Proof:
    """Predict whether the file starts in the root file system, run it there, and compare.

    A shared library is not run: the distribution's own loader looks for all that it needs.

    Raises:
        TrimaranError: the file cannot be inspected (TRM02…), is not executable (TRM1320), or no sandbox can
            be made (TRM114…). What the program does is never an error.
    """
    file = inspect_file(program)
    if file.kind is not Kind.LIBRARY and not os.access(program, os.X_OK):
        raise fail("TRM1320", "the file is not executable", f"chmod +x {program}", Where(str(program)))
    known = verify_place.conditions(file, program.absolute(), root, variant)
    on = machine(file, how.cpu, known.machines or frozenset(), old_kernel=how.old_kernel)
    predicted = verdict(file, verify_place.as_it_is(root), on.conditions(known, file))
    trial = Trial(file, program.absolute(), root, tuple(arguments), variant, limits, how, on)
    ran = trial.load() if file.kind is Kind.LIBRARY else trial.start()
    ended = ran.ended
    return Proof(
        program=program, root=root.name, variant=variant, file=file, predicted=predicted, seen=ran.seen,
        agreement=compare(predicted, ran.seen), status=ended.status, signal=ended.signal,
        output=ended.output, seconds=ended.seconds, command=trial.by_hand(ran.cell), trace=ran.trace,
    )  # fmt: skip
