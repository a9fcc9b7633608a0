"""One file, tried in one root file system."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from trimaran.binary import File, NameService, Outcome, Rule
from trimaran.facts import stubs
from trimaran.portability import outcome, verify_place
from trimaran.portability.outcome import Seen
from trimaran.portability.verify_how import How
from trimaran.portability.verify_machine import Machine
from trimaran.portability.verify_trace import Trace
from trimaran.portability.verify_tracing import tracer
from trimaran.rootfs import Root, inside, sandbox, sandbox_tree
from trimaran.rootfs.sandbox_ended import Ended
from trimaran.rootfs.sandbox_plan import Cell, Limits, by_hand, environment

_NSSWITCH = Path(str(resources.files("trimaran.rootfs") / "nsswitch-enterprise.conf"))


@dataclass(frozen=True, slots=True)
class Ran:
    """How a trial went."""

    ended: Ended
    seen: Seen
    cell: Cell
    trace: Trace | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried, and where."""

    file: File
    program: Path
    root: Root
    arguments: tuple[str, ...]
    variant: NameService
    limits: Limits
    how: How
    machine: Machine

    @property
    def inside(self) -> str:
        """The program's path in the sandbox."""
        return f"{verify_place.inside_of(self.file)}/{self.program.name}"

    def start(self) -> Ran:
        """Run it, and look again where its own words alone would decide."""
        cell = self._starting()
        with tracer(wanted=self.how.trace) as traced:
            ended = self._run(cell, traced.before)
            trace = traced.read(cell.argv[0])
        seen = outcome.judge(self.file, ended, stubs(), emulated=bool(self.machine.emulator))
        if seen.doubtful and not self.machine.emulator:
            seen = self._confirmed(seen, ended)
        elif self._names_may_be_why(ended, seen):
            seen = self._compared(seen)
        if self.machine.emulator:
            seen = replace(seen, what=f"under {Path(self.machine.emulator).name}: {seen.what}")
        return Ran(ended, seen, cell, trace)

    def load(self) -> Ran:
        """Let the loader of the distribution look for what a library needs."""
        cell = self._loading()
        ended = self._run(cell)
        own = self.file.machine == self.root.machine
        return Ran(ended, outcome.judge_load(ended) if own else outcome.nobody_loads(self.file), cell)

    def by_hand(self, cell: Cell) -> str:
        """The run with stock tools, as a line for a shell."""
        over = [(str(path), f"/etc/{name}") for name, path in self._over().items()]
        plain = replace(cell, environment=self.how.environment)
        words = [*self.machine.before, *by_hand(str(self.root.folder), plain, over + self._binds())]
        return shlex.join(words)

    def _starting(self) -> Cell:
        return self._cell((*self.machine.inside, self.inside, *self.arguments))

    def _loading(self) -> Cell:
        loader = self.root.distribution.interpreters.get(self.file.machine, "/nowhere")
        return self._cell((loader, "--list", self.inside), {"LD_WARN": "1", "LD_BIND_NOW": "1"})

    def _cell(self, argv: tuple[str, ...], more: Mapping[str, str] | None = None) -> Cell:
        mounts = sandbox_tree.mounts(self.root.folder, self._over(), self._binds())
        seen = environment({**self.how.environment, **(more or {})})
        return Cell(mounts, argv, self.how.network, seen)

    def _binds(self) -> list[tuple[str, str]]:
        beside = verify_place.beside(self.file, self.program)
        return [*self.machine.binds(), *beside, (str(self.program), self.inside)]

    def _over(self) -> dict[str, Path]:
        """Files of this machine that are shown in `/etc`."""
        over = {"nsswitch.conf": _NSSWITCH} if self.variant is NameService.ENTERPRISE else {}
        # Images leave this file empty, because whoever runs them fills it.
        if self.how.network and not inside.read(self.root.folder, "/etc/resolv.conf", 1):
            over["resolv.conf"] = Path("/etc/resolv.conf").resolve()
        return over

    def _run(self, cell: Cell, traced: tuple[str, ...] = ()) -> Ended:
        before = (*self.machine.before, *traced)
        return sandbox.run(
            cell, self.limits, isolation=self.how.isolation, before=before, cancelled=self.how.cancelled
        )

    def _confirmed(self, seen: Seen, ended: Ended) -> Seen:
        """What looks like the loader's message counts when the loader alone repeats it."""
        if seen.rule is Rule.CPU_LEVEL:
            # A loader that only lists compares no processor (measured: glibc 2.36, 2.41).
            return replace(seen, doubtful=False)
        said = outcome.loader_says(self._run(self._loading()).output)
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
        ended = plain._run(plain._starting())  # noqa: SLF001 - of the same class
        if ended.status == 0 or ended.stop is not None:
            what = f"with the plain configuration it works; here: {seen.what}"
            return Seen(Outcome.FAILS, Rule.NAME_SERVICE, what)
        return seen
