"""Whom to ask: GOPROXY and GOSUMDB from where Go itself would take them, and asking in that order.

No address is written in our code. Go keeps its defaults in `go.env` in its tree, which is read without
running anything of that tree.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from trimaran.errors import TrimaranError, fail, printable
from trimaran.toolchain import proxy
from trimaran.toolchain.goproxy import Proxies, Source, parse_goproxy
from trimaran.toolchain.proxy import Patience
from trimaran.toolchain.proxyfaults import AbsentError
from trimaran.toolchain.situation import path_command, settings_file, toolchains, wheel_root

_SETTINGS_LIMIT = 1 << 20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Network:
    """What is needed to ask for toolchains.

    Args:
        proxies: GOPROXY.
        database: GOSUMDB, as set.
        patience: how long to wait.
    """

    proxies: Proxies
    database: str = ""
    patience: Patience = field(default_factory=Patience)


def configured(cache: Path, patience: Patience | None = None) -> Network:
    """The network as the environment, `go env -w` and Go's own defaults configure it.

    Raises TRM0305 when no module proxy is configured, or one that cannot be used.
    """
    text = _setting("GOPROXY", cache)
    try:
        proxies = parse_goproxy(text)
    except ValueError as error:
        raise fail("TRM0305", f"GOPROXY cannot be used: {printable(str(error))}", "correct GOPROXY") from None
    if not proxies.sources:
        why = f"GOPROXY is {text}" if text else "GOPROXY is not set and no Go is there to tell its default"
        fix = "set GOPROXY to the address of a module proxy; toolchains come from nowhere else"
        raise fail("TRM0305", f"no module proxy is configured: {printable(why)}", fix)
    return Network(proxies, _setting("GOSUMDB", cache), patience or Patience())


def _setting(name: str, cache: Path) -> str:
    if os.environ.get(name):
        return os.environ[name]
    for file in _settings_files(cache):
        for line in _lines(file):
            key, equals, value = line.partition("=")
            if equals and key.strip() == name and value.strip():
                return value.strip()
    return ""


def _settings_files(cache: Path) -> Iterator[Path]:
    own = settings_file()
    if own is not None:
        yield own
    if path_command() is not None:
        root = _root_of_path_go()
        if root is not None:
            yield root / "go.env"
    wheel = wheel_root()
    if wheel is not None:
        yield wheel / "go.env"
    yield from sorted(toolchains(cache).glob("go1*/go.env"), reverse=True)


def _root_of_path_go() -> Path | None:
    from trimaran.toolchain import locate

    found = locate.on_path()
    return found.root if found is not None else None


def _lines(file: Path) -> list[str]:
    try:
        with file.open("rb") as stream:
            return stream.read(_SETTINGS_LIMIT).decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def ask(network: Network, question: Callable[[Source], T]) -> T:
    """The first source's answer, by the rules of GOPROXY: `,` passes on what is not there, `|` any fault.

    Raises AbsentError when no source has it, or the error of the last source that was asked.
    """
    last: AbsentError | TrimaranError | None = None
    for source in network.proxies.sources:
        try:
            return question(source)
        except AbsentError as error:
            last = error
            if not (error.passes or source.yields):
                raise
        except TrimaranError as error:
            last = error
            if not source.yields:
                raise
    raise last or AbsentError(404)


def get(network: Network, path: str, limit: int) -> bytes:
    """A small file from the first proxy that has it. Raises as `ask` and `proxy.get`."""
    return ask(network, lambda source: proxy.get(source, path, limit, network.patience))
