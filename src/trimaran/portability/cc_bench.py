"""A place to try a C toolchain in: its folder, its environment, and running one command within bounds."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trimaran.errors import TrimaranError, printable
from trimaran.portability.cc_model import Target
from trimaran.portability.cc_packages import family
from trimaran.toolchain import Progress, gocommand
from trimaran.toolchain.gocommand import Go, Limits
from trimaran.toolchain.install import this_machine

ASKING = Limits(total_s=10)  # a question that a compiler answers without compiling
COMPILING = Limits(total_s=180)  # the first link by Zig compiles its C library
BUILDING = Limits(total_s=300)
RUNNING = Limits(total_s=20)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command.

    Args:
        status: its exit status; None when it was not started or did not end in time.
        out: its standard output; `err` likewise.
        why: why there is no status; empty when there is one.
    """

    status: int | None
    out: str
    err: str
    why: str = ""

    @property
    def good(self) -> bool:
        return self.status == 0


@dataclass(frozen=True, slots=True)
class Bench:
    """What all checks of one toolchain share.

    Args:
        command: the words of CC.
        folder: private to this examination.
        settings: the environment of every command.
        family: of this machine's distribution, as `debian`; empty when it is not known.
    """

    target: Target
    go: Go
    command: tuple[str, ...]
    folder: Path
    settings: Mapping[str, str]
    family: str
    progress: Progress

    @property
    def native(self) -> bool:
        """Whether the target is this machine."""
        return self.target.platform == "/".join(this_machine())

    def run(self, argv: Sequence[str], limits: Limits, settings: Mapping[str, str] | None = None) -> Answer:
        """A command's answer; whatever it is, it ends in time and leaves no process behind."""
        try:
            done = gocommand.run(
                argv, self.folder, {**self.settings, **(settings or {})}, self.progress, limits
            )
        except TrimaranError as error:
            problem = error.problems[0]
            hung = problem.code == "TRM0325"
            why = f"did not answer within {limits.total_s:g} s" if hung else problem.what
            return Answer(None, "", "", printable(why))
        return Answer(done.status, done.out, done.err)

    def compile(self, *arguments: str) -> Answer:
        """What the compiler answers to some arguments, beside those that stand in CC."""
        return self.run([*self.command, *arguments], COMPILING)

    def write(self, name: str, text: str) -> str:
        """Put a source into the folder; returns its path."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        return str(path)


def this_family() -> str:
    """The family of this machine's distribution, by os-release; empty when it is not known."""
    found: dict[str, str] = {}
    for name in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            with Path(name).open(encoding="utf-8", errors="replace") as file:
                rows = file.read(1 << 16).splitlines()
        except OSError:
            continue
        for row in rows:
            key, _, value = row.partition("=")
            found.setdefault(key, value.strip().strip("\"'"))
        break
    return family(found.get("ID", ""), found.get("ID_LIKE", ""))


def variables(words: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Variables of the environment that look as if they named a C compiler, and that no build reads."""
    given = os.environ if words is None else words
    return tuple(sorted(name for name in given if name.startswith(("CC_", "CXX_"))))
