"""What a run shows about a program's start, from how it ended and what it printed. Pure.

What the kernel says of `exec` is certain. What the loader says comes on the program's own standard error,
where the program could have written it too: such a reading is `doubtful` until the loader alone repeats it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from trimaran.binary import File, Kind, Outcome, Rule
from trimaran.binary.verdict import cpu_level
from trimaran.facts import Scope, Stub
from trimaran.rootfs.sandbox_ended import Ended
from trimaran.rootfs.sandbox_plan import Stop


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen.

    Args:
        outcome: UNKNOWN when it was not run, or nothing can be concluded.
        rule: what stopped it; None for a start, and for an end that no rule explains.
        what: one line for people.
        doubtful: whether only the program's own output says so.
        loaded: whether it was only loaded, as a library, and not run.
    """

    outcome: Outcome
    rule: Rule | None
    what: str
    doubtful: bool = False
    loaded: bool = False


_FAILS = Outcome.FAILS
_SIGNS: tuple[tuple[Rule, re.Pattern[str]], ...] = (
    # glibc 2.33 and newer compare the ISA level of each file and of the processor.
    (Rule.CPU_LEVEL, re.compile(r"CPU ISA level is lower than required|Fatal glibc error: CPU does not ")),
    (
        Rule.LIBRARY,
        re.compile(
            r"error while loading shared libraries: (?!.*(DT_RELR|reloc|CPU ISA))"
            r"|Error loading shared library "
        ),
    ),
    (Rule.SYMBOL_VERSION, re.compile(r": version `(?!GLIBC_ABI_DT_RELR')[^']+' not found \(required by ")),
    (Rule.SYMBOL_VERSION, re.compile(r": symbol \S+ version \S+ not defined in file \S+")),
    (
        Rule.RELOCATION,
        re.compile(r"GLIBC_ABI_DT_RELR|DT_RELR without|unexpected reloc type|unsupported relocation type"),
    ),
    (Rule.SYMBOL, re.compile(r"symbol lookup error: |undefined symbol: |: symbol not found$")),
)
_KERNEL = re.compile(r"^FATAL: kernel too old$", re.MULTILINE)
_GO_CPU = re.compile(r"^This program can only be run on AMD64 processors with v\d", re.MULTILINE)
_GO_CRASH = re.compile(r"^(SIG[A-Z]+): .*\n(?:.*\n){0,4}?signal arrived during cgo execution", re.MULTILINE)
_NAMES = re.compile(r"_Cfunc_\w*get(pw|gr|addrinfo|nameinfo|host)|_C2func_get(addrinfo|nameinfo)")
_EMULATOR = re.compile(r"^qemu\S*: Could not open '([^']*)': No such file", re.MULTILINE)
_REFUSED = {"ENOENT": Rule.INTERPRETER, "ENOEXEC": Rule.MACHINE, "ELIBBAD": Rule.INTERPRETER}


def judge(file: File, ended: Ended, stubs: Iterable[Stub], *, emulated: bool = False) -> Seen:
    """What a program's run shows.

    Args:
        stubs: what modules that were compiled to a stub say when they are used.
        emulated: whether an emulator was started, which then looks for the program's interpreter.
    """
    if ended.refused is not None:
        return _refused(file, ended.refused)
    return _stub(file, ended, stubs) or _after_exec(file, ended, emulated=emulated)


def _after_exec(file: File, ended: Ended, *, emulated: bool) -> Seen:
    if ended.stop is not None:
        return Seen(Outcome.RUNS, None, _stopped(ended.stop))
    if ended.signal is not None:
        return _killed(file, ended, ended.signal)
    if not ended.status:
        return Seen(Outcome.RUNS, None, "started, and ended with status 0")
    missing = _EMULATOR.search(ended.errors) if emulated else None
    if missing is not None:
        return Seen(_FAILS, Rule.INTERPRETER, f"the emulator does not find {missing[1]}, its interpreter")
    return _complained(file, ended) or Seen(
        Outcome.RUNS, None, f"started, and ended with status {ended.status} of its own"
    )


def judge_load(ended: Ended) -> Seen:
    """What the loader's own check of a file shows; of a library, nothing more can be tried."""
    if ended.refused is not None:
        return Seen(Outcome.UNKNOWN, None, f"the loader is not there ({ended.refused})", loaded=True)
    found = loader_says(f"{ended.output}")
    if found is None and ended.signal is not None:
        return Seen(_FAILS, None, f"the loader was killed by {ended.signal}", loaded=True)
    if found is None and ended.status:
        return Seen(
            Outcome.UNKNOWN, None, f"the loader ended with status {ended.status}: {_last(ended)}", loaded=True
        )
    if found is None:
        return Seen(Outcome.RUNS, None, "load-checked: the loader finds all that it needs", loaded=True)
    rule, line = found
    if rule is Rule.SYMBOL:
        # A plug-in is made to find such symbols in the program that loads it.
        return Seen(
            Outcome.UNKNOWN, rule, f"the program that loads it must bring symbols: {line}", loaded=True
        )
    return Seen(_FAILS, rule, line, loaded=True)


def nobody_loads(file: File) -> Seen:
    """For a library of another machine than the root's, where no loader of that machine is."""
    return Seen(_FAILS, Rule.MACHINE, f"load-checked: no loader for {file.machine} is there", loaded=True)


def loader_says(text: str) -> tuple[Rule, str] | None:
    """The first rule that a loader's messages name, in the order in which it looks; and the message."""
    lines = text.splitlines()
    for rule, sign in _SIGNS:
        line = next((line for line in lines if sign.search(line)), None)
        if line is not None:
            return rule, line.strip()
    return None


def not_run(why: str) -> Seen:
    """For a file that this machine cannot run there."""
    return Seen(Outcome.UNKNOWN, None, f"not run: {why}")


def _refused(file: File, errno: str) -> Seen:
    rule = _REFUSED.get(errno)
    if rule is Rule.INTERPRETER and file.interpreter is not None:
        what = f'the kernel answers "not found" ({errno}): {file.interpreter}, its interpreter, is missing'
        if errno == "ELIBBAD":
            what = f"the kernel cannot use {file.interpreter}, its interpreter ({errno})"
        return Seen(_FAILS, rule, what)
    if rule is Rule.MACHINE:
        return Seen(
            _FAILS, rule, f'the kernel answers "Exec format error" ({errno}): made for {file.machine}'
        )
    return Seen(_FAILS, None, f"the kernel refuses to start it: {errno}")


def _stub(file: File, ended: Ended, stubs: Iterable[Stub]) -> Seen | None:
    if file.go is None or file.go.setting("CGO_ENABLED") == "1":
        return None
    modules = {"std", *(module.path for module in file.go.modules)}
    if file.go.main is not None:
        modules.add(file.go.main.path)
    for stub in stubs:
        # Where some calls alone fail, the program's own status says what it makes of that.
        counts = stub.module in modules and stub.scope is Scope.PACKAGE
        said = re.search(stub.message, ended.output) if counts else None
        if said is not None:
            return Seen(_FAILS, Rule.STUB, f"{stub.packages[0]} says: {_line(ended.output, said[0])}")
    return None


def _stopped(stop: Stop) -> str:
    match stop:
        case Stop.TIME:
            return "started, and was still running at the time limit"
        case Stop.MEMORY:
            return "started, and was ended by us: it used more memory than the limit"
        case Stop.TASKS:
            return "started, and was ended by us: it had more processes than the limit"
        case Stop.CANCELLED:
            return "started, and was ended because the command was"


def _killed(file: File, ended: Ended, signal: str) -> Seen:
    killed = f"killed by {signal}"
    if signal == "SIGABRT" and _KERNEL.search(ended.errors):
        return Seen(_FAILS, Rule.KERNEL, "the C library in it says: FATAL: kernel too old")
    if signal == "SIGILL" and (file.isa > 1 or cpu_level(file) > 1):
        return Seen(_FAILS, Rule.CPU_LEVEL, f"{killed}: an instruction that the processor lacks")
    if signal in {"SIGSEGV", "SIGBUS"} and file.interpreter is None and file.needed:
        return Seen(
            _FAILS, Rule.KIND, f"{killed}: it names no interpreter, so nobody loaded {file.needed[0]}"
        )
    if signal in {"SIGSEGV", "SIGBUS"} and file.relr and file.interpreter and not ended.output:
        return Seen(
            _FAILS, Rule.RELOCATION, f"{killed} before its first word: packed relocations were skipped"
        )
    if _by_names(file, ended):
        return Seen(_FAILS, Rule.NAME_SERVICE, f"{killed} in glibc's name services")
    return Seen(_FAILS, None, f"{killed}: {_last(ended)}")


def _complained(file: File, ended: Ended) -> Seen | None:
    """A status that is not 0, explained by what is known to be printed before a program's own first step."""
    if _KERNEL.search(ended.errors) and ended.status == 127:
        return Seen(_FAILS, Rule.KERNEL, "its C library says: FATAL: kernel too old")
    if file.go is not None and (found := _GO_CPU.search(ended.errors)):
        return Seen(_FAILS, Rule.CPU_LEVEL, _line(ended.errors, found[0]))
    if file.go is not None and ended.status == 2 and (crash := _GO_CRASH.search(ended.errors)):
        if _by_names(file, ended):
            return Seen(_FAILS, Rule.NAME_SERVICE, f"glibc's name services ended it with {crash[1]}")
        return Seen(_FAILS, None, f"its C code was ended by {crash[1]}")
    # glibc's loader ends with 127, or with 1 for a version; musl's with 127.
    if ended.status in {1, 127} and file.interpreter is not None and (said := loader_says(ended.errors)):
        return Seen(_FAILS, said[0], said[1], doubtful=True)
    return None


def _by_names(file: File, ended: Ended) -> bool:
    return (
        file.name_services
        and file.kind in {Kind.STATIC, Kind.STATIC_PIE}
        and bool(_NAMES.search(ended.output))
    )


def _line(text: str, part: str) -> str:
    return next((line.strip() for line in text.splitlines() if part in line), part)


def _last(ended: Ended) -> str:
    lines = [line.strip() for line in ended.output.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"
