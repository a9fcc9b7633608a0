"""Unit text for systemd. Pure.

Escaping follows systemd.syntax(7), systemd.exec(5) and "Command lines" of systemd.service(5): `%` starts a
specifier everywhere, `$` a variable in commands only, backslashes and quotes count where words are split.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from trimaran.errors import Problem, TrimaranError, printable
from trimaran.supervise.state import Restart

_CONTROL = re.compile("[\0-\x08\n-\x1f\x7f\ud800-\udfff]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_BELOW = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_RESTART = {Restart.ALWAYS: "always", Restart.ON_FAILURE: "on-failure", Restart.NEVER: "no"}


@dataclass(frozen=True, slots=True)
class Unit:
    """A service for systemd, in plain values.

    Args:
        argv: the program by its absolute path, and its arguments.
        env: variables that are no secrets; anybody on the machine can read a unit.
        environment_file: an absolute path from which more variables are read; must exist at the start.
        user: a user that exists; empty lets systemd make one up (DynamicUser=).
        restart_s: wait before a restart, in seconds.
        stop_s: seconds between SIGTERM and SIGKILL.
        read_only_root: the whole file system is read-only but for the directories named here.
        cache: directories beneath /var/cache that belong to the service.
        state: directories beneath /var/lib that belong to the service.
        writable: other absolute paths that stay writable.
        memory_bytes: more than this kills it; None for no limit.
        cpu_milli: thousandths of a processor at most; None for no limit.
        low_ports: may listen below 1024 without root.
    """

    description: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict, hash=False)
    environment_file: str = ""
    user: str = ""
    working_directory: str = ""
    restart: Restart = Restart.ALWAYS
    restart_s: float = 0.5
    stop_s: float = 30.0
    read_only_root: bool = False
    cache: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    memory_bytes: int | None = None
    cpu_milli: int | None = None
    low_ports: bool = False


def unit_text(unit: Unit) -> str:
    """The text of a `.service` file, the same for the same values.

    Raises TRM0510 with all that systemd could not take or would take for something else.
    """
    wrong = _faults(unit)
    if wrong:
        fix = "mend the service's command, environment or paths"
        raise TrimaranError(*(Problem("TRM0510", text, fix) for text in wrong))
    lines = [*_head(unit), "", "[Service]", *_command(unit), *_life(unit), *_walls(unit)]
    return "\n".join([*lines, "", "[Install]", "WantedBy=multi-user.target", ""])


def quoted(word: str) -> str:
    """One word of a list, such as a value of Environment=."""
    inner = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    # Quotes only where they are needed: units are read by people.
    return f'"{inner}"' if inner != word or re.search(r"[\s';#]", word) or not word else word


def command_word(word: str) -> str:
    """One argument of ExecStart=, where `$` stands for a variable and `;` alone for another command."""
    return quoted(word).replace("$", "$$")


def _head(unit: Unit) -> list[str]:
    return [
        "[Unit]",
        f"Description={_plain(unit.description)}",
        "Wants=network-online.target",
        "After=network-online.target",
        # Without it five quick failures end the service for good.
        "StartLimitIntervalSec=0",
    ]


def _command(unit: Unit) -> list[str]:
    program, *arguments = unit.argv
    # systemd expands no variables in the program's own path.
    lines = ["Type=exec", "ExecStart=" + " ".join([quoted(program), *map(command_word, arguments)])]
    lines += [f"Environment={quoted(f'{name}={value}')}" for name, value in sorted(unit.env.items())]
    if unit.environment_file:
        lines.append(f"EnvironmentFile={_plain(unit.environment_file)}")
    if unit.working_directory:
        lines.append(f"WorkingDirectory={_plain(unit.working_directory)}")
    return lines


def _life(unit: Unit) -> list[str]:
    lines = [f"User={unit.user}"] if unit.user else ["DynamicUser=yes"]
    lines.append(f"Restart={_RESTART[unit.restart]}")
    if unit.restart is not Restart.NEVER:
        lines.append(f"RestartSec={_seconds(unit.restart_s)}")
    return [*lines, f"TimeoutStopSec={_seconds(unit.stop_s)}"]


def _walls(unit: Unit) -> list[str]:
    lines = ["NoNewPrivileges=yes"]
    if unit.low_ports:
        lines.append("AmbientCapabilities=CAP_NET_BIND_SERVICE")
    if unit.read_only_root:
        lines.append("ProtectSystem=strict")
    lines += _list("CacheDirectory", unit.cache) + _list("StateDirectory", unit.state)
    lines += _list("ReadWritePaths", unit.writable)
    if unit.memory_bytes is not None:
        lines.append(f"MemoryMax={unit.memory_bytes}")
    if unit.cpu_milli is not None:
        lines.append(f"CPUQuota={unit.cpu_milli / 10:g}%")
    return lines


def _list(directive: str, words: Iterable[str]) -> list[str]:
    text = " ".join(quoted(word) for word in sorted(words))
    return [f"{directive}={text}"] if text else []


def _plain(text: str) -> str:
    """A value that is taken as it stands but for its specifiers."""
    return text.replace("%", "%%")


def _seconds(count: float) -> str:
    return f"{round(count * 1000)}ms" if count % 1 else f"{count:.0f}"


def _faults(unit: Unit) -> list[str]:
    whole = (unit.description, unit.environment_file, unit.working_directory)
    paths = (unit.environment_file, unit.working_directory, *unit.writable)
    names = [unit.user] if unit.user else []
    checks = (
        (unit.argv[:1] or ("",), _absolute, "is not the absolute path of a program"),
        (unit.env, _VARIABLE.fullmatch, "cannot be the name of an environment variable"),
        (names, _USER.fullmatch, "cannot be the name of a user"),
        ([path for path in paths if path], _absolute, "is not an absolute path"),
        ((*unit.cache, *unit.state), _BELOW.fullmatch, "is not a directory beneath /var/cache or /var/lib"),
        (whole, _whole, "begins or ends with white space or ends with a backslash"),
    )
    found = [
        f"{what} {printable(text)!r} holds a line break or another control character"
        for what, text in _texts(unit)
        if _CONTROL.search(text)
    ]
    for texts, fits, fault in checks:
        found += [f"{printable(text)!r} {fault}" for text in texts if not fits(text)]
    return found


def _absolute(path: str) -> bool:
    return path.startswith("/")


def _whole(text: str) -> bool:
    # A backslash at the end of a line joins the next line to it; white space there is dropped.
    return not text.endswith("\\") and text == text.strip()


def _texts(unit: Unit) -> list[tuple[str, str]]:
    paths = (unit.environment_file, unit.working_directory, *unit.writable)
    return [
        ("the description", unit.description),
        *(("the argument", word) for word in unit.argv),
        *((f"the value of {printable(name)}", value) for name, value in unit.env.items()),
        *(("the path", path) for path in paths),
    ]
