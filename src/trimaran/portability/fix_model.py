"""What was tried, which of it serves, and the line to write for it. Pure."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from trimaran.binary import Outcome, Verdict
from trimaran.errors import Problem
from trimaran.portability.ways import Way

BEFORE = "before"
PROGRAM = "/tmp/program"  # noqa: S108 - in commands for a person, who may choose another


@dataclass(frozen=True, slots=True)
class Tried:
    """A way, and what came of it.

    Args:
        path: the program; empty when it was not built.
        digest: of the program.
        size_bytes: of the program; 0 when it was not built.
        kind: as `inspect` names it: `static`, `dynamic`…
        floor: the oldest glibc that it takes, as `2.31`; None for one that needs none.
        with_c: whether C was linked in.
        how: what decided that, and which compiler, one line.
        verdicts: one for each distribution; a verdict by a run is `proven`.
        notes: what the runs showed beyond the verdicts, one line each.
        problem: why there is no program; None when there is one, or when it was refused.
        statuses: with which its runs ended.
        runs: the command of each run, with stock tools.
        variables: what chose the C compiler, as `CC=musl-gcc`; empty for Go's own choice.
    """

    way: Way
    path: str = ""
    digest: str = ""
    size_bytes: int = 0
    kind: str = ""
    floor: str | None = None
    with_c: bool = False
    how: str = ""
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()
    problem: Problem | None = None
    statuses: frozenset[int] = frozenset()
    runs: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()

    @property
    def serves(self) -> bool:
        """Whether it runs wherever it is wanted."""
        return bool(self.path) and all(each.outcome is Outcome.RUNS for each in self.verdicts)

    def verdict(self, distribution: str) -> Verdict | None:
        """What is known of it there; None when it was not built."""
        return next((each for each in self.verdicts if each.distribution == distribution), None)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be mended.

    Args:
        name: for people.
        folder: of the module, for commands; empty for a module from the proxy.
        package: as `./cmd/x`.
        module: `path@version` for a module from the proxy; else empty.
        platform: as `linux/amd64`.
        declared: what the declaration says of the build now: `cgo`, `tags`, `libc`, as far as it says so.
        place: of `spec.build`, as `service.yaml:8`; empty without a declaration.
        arguments: what the program is started with.
    """

    name: str
    folder: str
    package: str
    module: str
    platform: str
    declared: Mapping[str, str] = field(default_factory=dict)
    place: str = ""
    arguments: tuple[str, ...] = ()


def ranked(tried: Iterable[Tried], wanted: Sequence[str]) -> tuple[Tried, ...]:
    """Those that serve first, then those that fail on the fewest; the given order decides between equals."""

    def short(each: Tried) -> tuple[int, int, int]:
        found = [each.verdict(name) for name in wanted]
        fails = sum(verdict is None or verdict.outcome is Outcome.FAILS for verdict in found)
        unknown = sum(verdict is not None and verdict.outcome is Outcome.UNKNOWN for verdict in found)
        return (0 if each.path else 2 if each.way.refused else 1, fails, unknown)

    return tuple(sorted(tried, key=short))


def changes(way: Way, declared: Mapping[str, str]) -> dict[str, str | None]:
    """Field of `spec.build` → what it has to become; None to remove it. Empty when nothing has to change."""
    wanted: dict[str, str | None] = {"cgo": None, "tags": None, "libc": None}
    if way.cgo == "off":
        wanted["cgo"] = "off"
    elif declared.get("cgo") not in (None, "off"):
        wanted["cgo"] = declared["cgo"]
    if way.libc:
        wanted["libc"] = way.libc
    if way.tags:
        wanted["tags"] = f"[{', '.join(way.tags)}]"
    return {key: value for key, value in wanted.items() if declared.get(key) != value}


def change_line(change: Mapping[str, str | None]) -> str:
    """The change as one line: what to write, and what to remove."""
    written = [f"{key}: {value}" for key, value in change.items() if value is not None]
    removed = [f"without {key}" for key, value in change.items() if value is None]
    return ", ".join([*written, *removed])


def go_command(way: Way, subject: Subject, variables: Sequence[str]) -> str:
    """The stock command that builds it this way.

    Args:
        variables: those that choose the C compiler, as `CC=musl-gcc`.
    """
    settings = [] if subject.platform == "linux/amd64" else _platform(subject.platform)
    settings.append(f"CGO_ENABLED={0 if way.cgo == 'off' else 1}")
    for name, _, value in (each.partition("=") for each in variables):
        settings.append(f"{name}={shlex.quote(value)}")
    flags = ["-trimpath"]
    if way.tags:
        flags.append(f"-tags={','.join(way.tags)}")
    if way.libc == "musl":
        flags.append(shlex.quote('-ldflags=-linkmode=external -extldflags "-static"'))
    elif way.libc == "glibc-static":
        flags += ["-buildmode=pie", shlex.quote('-ldflags=-linkmode=external -extldflags "-static-pie"')]
    if subject.module:
        return " ".join([*settings, "go install", *flags, shlex.quote(_versioned(subject))])
    go = f"go -C {shlex.quote(subject.folder)}" if subject.folder not in ("", ".") else "go"
    return " ".join([*settings, go, "build", *flags, "-o", PROGRAM, shlex.quote(subject.package)])


def _versioned(subject: Subject) -> str:
    path, _, version = subject.module.partition("@")
    package = subject.package.removeprefix("./").strip("./")
    return f"{path}/{package}@{version}" if package else subject.module


def _platform(platform: str) -> list[str]:
    system, _, machine = platform.partition("/")
    return [f"GOOS={system}", f"GOARCH={machine}"]
