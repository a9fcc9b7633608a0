"""Runs a file for real in a root file system and holds what was predicted of it against what was seen."""

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path

from trimaran.binary import File, Kind, NameService, Outcome, Rule, Verdict, inspect_file, verdict
from trimaran.errors import Where, fail
from trimaran.portability import outcome, verify_place
from trimaran.portability.outcome import Seen
from trimaran.portability.verify_agree import Agreement, compare, proven
from trimaran.rootfs import Root, sandbox, sandbox_tree
from trimaran.rootfs.sandbox_ended import Ended
from trimaran.rootfs.sandbox_plan import PROGRAMS, Cell, Isolation, Limits, by_hand, environment

_NSSWITCH = Path(str(resources.files("trimaran.rootfs") / "nsswitch-enterprise.conf"))
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True)
class How:
    """What else a run is given.

    Args:
        network: whether it shares this machine's network.
        environment: variables that the program sees beside PATH, HOME, USER, LANG and TERM.
        isolation: what makes the sandbox; None for the better one at hand.
        cancelled: asked while it runs; True ends it.
    """

    network: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    isolation: Isolation | None = None
    cancelled: Callable[[], bool] = lambda: False


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
    how: How = How(),
) -> Proof:
    """Predict whether the file starts in the root file system, run it there, and compare.

    A shared library is not run: the distribution's own loader looks for all that it needs.

    Raises:
        TrimaranError: the file cannot be inspected (TRM02…), is not executable (TRM1320), or no sandbox can
            be made (TRM114…). What the program does is never an error.
    """
    file = inspect_file(program)
    trial = _Trial(file, program.absolute(), root, tuple(arguments), variant, limits, how)
    if file.kind is not Kind.LIBRARY and not os.access(trial.program, os.X_OK):
        raise fail("TRM1320", "the file is not executable", f"chmod +x {program}", Where(str(program)))
    known = verify_place.conditions(file, trial.program, root, variant)
    predicted = verdict(file, root.distribution, known)
    ended, seen, cell = trial.load() if file.kind is Kind.LIBRARY else trial.start()
    return Proof(
        program=program, root=root.name, variant=variant, file=file, predicted=predicted, seen=seen,
        agreement=compare(predicted, seen), status=ended.status, signal=ended.signal, output=ended.output,
        seconds=ended.seconds, command=shlex.join(by_hand(str(root.folder), cell, trial.shown())),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Trial:
    """One file in one root."""

    file: File
    program: Path
    root: Root
    arguments: tuple[str, ...]
    variant: NameService
    limits: Limits
    how: How

    @property
    def inside(self) -> str:
        return f"{PROGRAMS}/{self.program.name}"

    def start(self) -> tuple[Ended, Seen, Cell]:
        """Run it, and look again where its own words alone would decide."""
        cell = self._cell((self.inside, *self.arguments))
        ended = self._run(cell)
        seen = outcome.judge(self.file, ended)
        if seen.doubtful:
            seen = self._confirmed(seen, ended)
        elif self._names_may_be_why(ended, seen):
            seen = self._compared(seen)
        return ended, seen, cell

    def load(self) -> tuple[Ended, Seen, Cell]:
        """Let the loader of the distribution look for what a library needs."""
        cell = self._loading()
        ended = self._run(cell)
        return ended, outcome.judge_load(ended), cell

    def shown(self) -> list[tuple[str, str]]:
        """What of this machine is shown inside, for a command by hand."""
        over = [(str(path), f"/etc/{name}") for name, path in self._over().items()]
        return over + self._binds()

    def _binds(self) -> list[tuple[str, str]]:
        return [*verify_place.beside(self.file, self.program), (str(self.program), self.inside)]

    def _over(self) -> dict[str, Path]:
        return {"nsswitch.conf": _NSSWITCH} if self.variant is NameService.ENTERPRISE else {}

    def _cell(self, argv: tuple[str, ...], more: Mapping[str, str] | None = None) -> Cell:
        mounts = sandbox_tree.mounts(self.root.folder, self._over(), self._binds())
        seen = environment({**self.how.environment, **(more or {})})
        return Cell(mounts, argv, self.how.network, seen)

    def _loading(self) -> Cell:
        loader = self.root.distribution.interpreters.get(self.file.machine, "/nowhere")
        return self._cell((loader, "--list", self.inside), {"LD_WARN": "1", "LD_BIND_NOW": "1"})

    def _run(self, cell: Cell) -> Ended:
        return sandbox.run(cell, self.limits, isolation=self.how.isolation, cancelled=self.how.cancelled)

    def _confirmed(self, seen: Seen, ended: Ended) -> Seen:
        """What looks like the loader's message counts when the loader alone repeats it."""
        again = self._run(self._loading())
        said = outcome.loader_says(again.output)
        if said is None:
            return Seen(Outcome.RUNS, None, f"started, and ended with status {ended.status} of its own")
        return replace(seen, rule=said[0], doubtful=False)

    def _names_may_be_why(self, ended: Ended, seen: Seen) -> bool:
        bad = bool(ended.status) or seen.outcome is Outcome.FAILS
        return (
            self.variant is NameService.ENTERPRISE and self.file.name_services and bad and seen.rule is None
        )

    def _compared(self, seen: Seen) -> Seen:
        """A static glibc fails in many ways: what works with the plain configuration is due to the other."""
        plain = replace(self, variant=NameService.PLAIN)
        ended = plain._run(plain._cell((self.inside, *self.arguments)))  # noqa: SLF001 - of the same class
        if ended.status == 0 or ended.stop is not None:
            what = f"with the plain configuration it works; here: {seen.what}"
            return Seen(Outcome.FAILS, Rule.NAME_SERVICE, what)
        return seen
