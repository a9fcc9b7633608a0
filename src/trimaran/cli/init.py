"""`trimaran init`: read a Go module and write a service.yaml that ships."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import click

from trimaran.errors import Where, fail, printable
from trimaran.facts import distributions
from trimaran.spec import draft, load
from trimaran.spec.schema import schema

_MAX_FILES = 2_000
_MAX_BYTES = 1 << 20
_SKIPPED = {"vendor", "testdata", "node_modules", "rendered"}
_SCHEMA = ".trimaran/service.schema.json"  # the editor's schema, beside the declaration
_FAMILIES = ("ubuntu", "rhel", "alpine")


@click.command("init")
@click.argument("folder", default=".", metavar="[FOLDER]")
@click.option("--package", help="The main package, such as ./cmd/server, when there are several.")
@click.option("--name", help="The service's name; default: the package's or the module's.")
@click.option("--force", is_flag=True, help="Replace a service.yaml that is there.")
def command(folder: str, package: str | None, name: str | None, force: bool) -> None:
    """Write a first service.yaml for the Go module in FOLDER.

    Ports, probes and metrics are taken from the source, each with the place it was found at.
    """
    root = Path(folder)
    target = root / "service.yaml"
    if target.exists() and not force:
        raise fail("TRM0120", "there is a service.yaml already", "--force replaces it", Where(str(target)))
    found = _read(root, package)
    called = draft.service_name(name) if name else found.name
    _write(root / _SCHEMA, json.dumps(schema("service"), indent=1) + "\n")
    _write(target, draft.text(found, called, _runs_on(), _SCHEMA))
    load.service(str(target))
    click.echo(f"wrote {printable(str(target))}")
    if found.port is None:
        click.echo("no port was found in the source: it is declared as a worker; add ports: if it listens")
    elif found.ready is None:
        click.echo("no ready probe was found in the source: add probes: {ready: {http: /…}}")
    click.echo(f"next: trimaran ship {printable(str(target))}")


def _read(root: Path, package: str | None) -> draft.Draft:
    fix = "run it in the folder that holds go.mod, or name that folder"
    if not (root / "go.mod").is_file():
        raise fail("TRM0121", "there is no go.mod", fix, Where(str(root)))
    go_mod = load.read_bytes(str(root / "go.mod")).decode("utf-8", "replace")
    try:
        found = draft.draft(go_mod, dict(_sources(root)), package)
    except ValueError as error:
        raise fail("TRM0121", str(error), fix, Where(str(root / "go.mod"))) from None
    if not found.packages:
        what = "the module has no main package: it is a library"
        raise fail("TRM0122", what, "name the folder of a program with --package", Where(str(root)))
    if len(found.packages) > 1:
        what = f"the module has {len(found.packages)} main packages: {', '.join(found.packages[:20])}"
        raise fail("TRM0122", what, f"choose one: --package {found.packages[0]}", Where(str(root)))
    return found


def _sources(root: Path) -> Iterator[tuple[str, str]]:
    """The module's Go files, without tests, vendored code and other modules inside it."""
    count = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            each
            for each in folders
            if each not in _SKIPPED
            and not each.startswith((".", "_"))
            and not (Path(folder) / each / "go.mod").exists()
        )
        for name in sorted(names):
            path = Path(folder) / name
            if not name.endswith(".go") or name.endswith("_test.go") or not path.is_file():
                continue
            count += 1
            if count > _MAX_FILES:
                return
            raw = path.read_bytes()[:_MAX_BYTES]
            yield path.relative_to(root).as_posix(), raw.decode("utf-8", "replace")


def _runs_on() -> tuple[str, ...]:
    """The newest known release of each family that a service commonly meets; of Ubuntu a long-term one."""
    newest: dict[str, tuple[tuple[int, ...], str]] = {}
    for name in distributions():
        family, _, version = name.partition("-")
        number = tuple(int(part) for part in version.split(".") if part.isdigit())
        # Ubuntu supports a release for years in April of even years, and those between for months.
        interim = family == "ubuntu" and (number[0] % 2 == 1 or number[1:] != (4,))
        if family in _FAMILIES and not interim and number > newest.get(family, ((), ""))[0]:
            newest[family] = (number, name)
    return tuple(newest[family][1] for family in _FAMILIES if family in newest)


def _write(target: Path, text: str) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(exist_ok=True)
        temporary.write_text(text, "utf-8")
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        fix = "check the folder's rights and space"
        raise fail("TRM0123", f"cannot be written: {error.strerror}", fix, Where(str(target))) from None
