"""What became of a program in a sandbox, from what was told about it and what it printed. Pure."""

import json
from dataclasses import dataclass, field
from errno import errorcode

from trimaran.rootfs.sandbox_plan import Stop

_SIGNALS = {
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
    9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ",
    31: "SIGSYS",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended.

    Args:
        refused: the kernel's reason not to start the program, as `ENOENT`; None when it was started.
        status: its exit status; None when a signal or we ended it, or it was not started.
        signal: what ended it, as `SIGSEGV`; None when nothing did, or we did.
        stop: why we ended it; None when we did not.
        output: both streams as they came; the middle is left out when it was long.
        errors: standard error alone.
        unmade: what was said when the sandbox could not be made; None when it was.
        seconds: wall time, with the making of the sandbox.
    """

    refused: str | None
    status: int | None
    signal: str | None
    stop: Stop | None
    output: str
    errors: str
    unmade: str | None
    seconds: float


@dataclass(slots=True)
class Told:
    """What the sandbox's maker has told so far, line by line."""

    child: int | None = None
    code: int | None = None
    number: int | None = None
    errno: int | None = None
    there: bool = False
    _rest: bytes = b""

    def started(self, piece: bytes) -> None:
        """Take in what the starter writes: one byte when it is there, and the kernel's errno if it must."""
        if not self.there:
            self.there, piece = True, piece[1:]
        if piece:
            self.errno = piece[0]

    def more(self, piece: bytes) -> None:
        """Take in a piece of its report; what is not understood is left out."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if not isinstance(entry, dict):
                continue
            self.child = entry.get("child-pid", self.child)
            self.code = entry.get("exit-code", self.code)
            self.number = entry.get("exit-signal", self.number)
            self.errno = entry.get("exec-errno", self.errno)


@dataclass(slots=True)
class Kept:
    """The start and the end of a long text, in bounded memory."""

    most: int
    head: bytes = b""
    tail: bytes = b""
    dropped: int = 0

    def add(self, piece: bytes) -> None:
        room = self.most // 2 - len(self.head)
        if room > 0:
            self.head += piece[:room]
            piece = piece[room:]
        self.tail += piece
        over = len(self.tail) - self.most // 2
        if over > 0:
            self.tail, self.dropped = self.tail[over:], self.dropped + over

    def text(self) -> str:
        """All of it; a line says how much is left out."""
        gap = f"\n… {self.dropped} bytes left out …\n".encode() if self.dropped else b""
        return (self.head + gap + self.tail).decode("utf-8", "replace")


@dataclass(slots=True)
class Output:
    """What a program printed."""

    most: int
    both: Kept = field(init=False)
    errors: Kept = field(init=False)

    def __post_init__(self) -> None:
        self.both, self.errors = Kept(self.most), Kept(self.most)

    def add(self, stream: str, piece: bytes) -> None:
        self.both.add(piece)
        if stream == "stderr":
            self.errors.add(piece)


def ended(told: Told, output: Output, stop: Stop | None, seconds: float) -> Ended:
    """How the run ended."""
    errors = output.errors.text()
    refused = errorcode.get(told.errno) if told.errno is not None else None
    known = told.code is not None or told.number is not None or stop is not None
    # Without the starter, or the program, all that was printed is the maker's own.
    unmade = None if known or refused is not None else errors.strip() or "it ended without a word"
    status, signal = (None, None) if stop is not None or refused is not None else _end(told)
    nothing = refused is not None or unmade is not None
    return Ended(
        refused, status, signal, stop, "" if nothing else output.both.text(),
        "" if nothing else errors, unmade, seconds,
    )  # fmt: skip


def _end(told: Told) -> tuple[int | None, str | None]:
    """The exit status, or the signal that ended it."""
    number = told.number
    # Bubblewrap tells of a signal as a shell does, by a status above 128.
    if told.code is not None and told.code - 128 in _SIGNALS:
        number = told.code - 128
    if number is None:
        return told.code, None
    return None, _SIGNALS.get(number, f"signal {number}")
