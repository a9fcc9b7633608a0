"""`trimaran rootfs`: root file systems of distributions, to run programs in and to measure facts in."""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trimaran.cli import paths
from trimaran.errors import Exit, printable

if TYPE_CHECKING:
    from trimaran.rootfs import Root

_output = click.option(
    "-o",
    "--output",
    type=click.Choice(("text", "json", "toml")),
    default="text",
    show_default=True,
    help="How to print; toml is the form of the facts.",
)


@click.group("rootfs")
def command() -> None:
    """Add, list, measure and remove root file systems of distributions.

    A program is proven in them, and facts are measured in them. They are kept in the user's data folder.
    Nothing of them is run by these commands.
    """


@command.command("add")
@click.argument("name")
@click.option(
    "--from",
    "source",
    metavar="SOURCE",
    required=True,
    help="oci:REFERENCE, debian:SUITE, wheel:REQUIREMENT, a tar file, or a folder.",
)
@click.option(
    "--machine", metavar="NAME", default="", help="Of an image or a suite, as uname -m; this one's."
)
@_output
def add(name: str, source: str, machine: str, output: str) -> int:
    """Bring a root file system, measure it, and keep it as NAME.

    NAME is the id of a distribution, as debian-12, or a name of your own. Owners, setuid bits and devices are
    not taken over. A run that is interrupted leaves nothing that counts.
    """
    from trimaran.rootfs import Request
    from trimaran.rootfs import add as add_root

    with _telling() as tell:
        root = add_root(store(), Request(name, source, _today(), machine), tell)
    _print({name: root}, output)
    return Exit.CLEAN


@command.command("list")
@_output
def list_(output: str) -> int:
    """List the root file systems that are at hand."""
    from trimaran.rootfs import roots

    found = roots(store())
    if output != "text":
        _print(found, output)
        return Exit.CLEAN
    if not found:
        click.echo("no root file system is at hand; `trimaran rootfs add NAME --from …` adds one", err=True)
    width = max((len(name) for name in found), default=0)
    for name, root in found.items():
        fact = root.distribution
        libc = f"{fact.libc} {fact.libc_version}"
        click.echo(f"{name:<{width}}  {libc:<12} {root.machine:<8} {root.added}  {printable(root.origin)}")
    return Exit.CLEAN


@command.command("measure")
@click.argument("name", required=False)
@_output
def measure(name: str | None, output: str) -> int:
    """Measure NAME anew, or all, and print what was found.

    Reads the C library and its version, the libraries that the loader finds and what they bring, name
    service, packages and Go. With -o toml it is an entry for the facts.
    """
    from trimaran.rootfs import find, measure_again, roots

    names = [find(store(), name).name] if name is not None else list(roots(store()))
    _print({each: measure_again(store(), each, _today()) for each in names}, output)
    return Exit.CLEAN


@command.command("remove")
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
def remove(names: tuple[str, ...]) -> int:
    """Take root file systems away."""
    from trimaran.rootfs import remove as remove_root

    for name in names:
        remove_root(store(), name)
        click.echo(f"removed {name}", err=True)
    return Exit.CLEAN


def store() -> Path:
    """Where root file systems are kept."""
    return paths.data() / "rootfs"


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _print(found: "dict[str, Root]", output: str) -> None:
    from trimaran.rootfs import record

    match output:
        case "json":
            body = [{**record.document(root), "folder": str(root.folder)} for root in found.values()]
            click.echo(json.dumps({"schema": "trimaran.dev/rootfs-list/v1", "roots": body}, indent=1))
        case "toml":
            click.echo("\n".join(record.toml(root, _own(root)) for root in found.values()), nl=False)
        case _:
            click.echo("\n\n".join("\n".join(_rows(root)) for root in found.values()))


def _own(root: "Root") -> frozenset[str]:
    """The libraries that belong to the C library wherever it is, which the facts do not repeat."""
    from trimaran.facts import distributions

    same = [each for each in distributions().values() if each.libc is root.distribution.libc]
    return frozenset.intersection(*(each.libraries for each in same))


def _rows(root: "Root") -> list[str]:
    import textwrap

    fact, there = root.distribution, root.contents
    packages = "" if there.packages is None else f"{there.packages} installed, "
    services = "; ".join(f"{name}: {row}" for name, row in there.name_services.items())
    rows: list[tuple[str, Any]] = [
        ("system", f"{fact.name}, {root.machine}"),
        ("libc", f"{fact.libc} {fact.libc_version}"),
        ("libraries", f"{len(fact.libraries)} names that the loader finds"),
        ("names", services or "no nsswitch.conf"),
        ("modules", ", ".join(there.name_modules)),
        ("packages", f"{packages}{there.manager}" if there.manager else "no package manager's database"),
        ("go", there.go),
        ("from", root.origin),
        ("digest", root.digest),
        ("skipped", ", ".join(each.removeprefix("./") for each in root.skipped)),
        ("folder", str(root.folder)),
    ]
    lines = [click.style(root.name, bold=True)]
    for name, value in rows:
        if value:
            text = textwrap.wrap(printable(str(value)), 66, break_long_words=False, break_on_hyphens=False)
            lines += [f"  {name if not place else '':<10} {line}" for place, line in enumerate(text)]
    return lines


class _telling(AbstractContextManager[Callable[[str], None]]):  # noqa: N801 - reads as a phrase where it is used
    """Tells on standard error: one line rewritten on a terminal, plain lines elsewhere."""

    def __enter__(self) -> Callable[[str], None]:
        self._shown = False
        return self._on_terminal if sys.stderr.isatty() else self._plain

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _plain(self, line: str) -> None:
        click.echo(printable(line), err=True)

    def _on_terminal(self, line: str) -> None:
        self._shown = True
        sys.stderr.write(f"\r\x1b[K{printable(line)}")
        sys.stderr.flush()
