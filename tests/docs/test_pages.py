"""What a user meets is documented, and what is documented exists."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.docs.generate import DOCS, ROOT
from trimaran.cli.main import COMMANDS, cli
from trimaran.errors import Exit

PAGES = sorted(ROOT.glob("*.md")) + sorted(DOCS.rglob("*.md"))
# Environment variables that are read by their full name, in our code or by what we hand them to.
_READ = re.compile(r"(?:environ(?:\.get\(|\[)|_setting\()\"([A-Z][A-Z0-9_]+)\"")


def _commands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for inner in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), inner)
            assert found is not None
            yield from _commands(f"{name} {inner}", found)


def _all() -> list[tuple[str, click.Command]]:
    context = click.Context(cli)
    found: list[tuple[str, click.Command]] = []
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        found += _commands(name, command)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_page_that_names_every_option(name: str) -> None:
    page = DOCS / f"{name}.md"
    assert page.exists(), f"docs/{name}.md is missing"
    text = page.read_text("utf-8")
    for full, command in _all():
        if full.split()[0] != name:
            continue
        assert f"trimaran {full}" in text, f"docs/{name}.md does not show `trimaran {full}`"
        for option in command.params:
            if isinstance(option, click.Option):
                words = "|".join(re.escape(word) for word in option.opts)
                assert re.search(rf"(?<![\w-])({words})(?![\w-])", text), f"{page.name}: {option.opts}"


def test_every_option_has_a_help_text() -> None:
    silent = [
        f"{name} {option.name}"
        for name, command in _all()
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert silent == []


def test_the_index_leads_to_every_page() -> None:
    text = (DOCS / "README.md").read_text("utf-8")
    for page in DOCS.rglob("*.md"):
        if page.name != "README.md":
            assert f"({page.relative_to(DOCS)})" in text, f"docs/README.md does not link {page.name}"


def test_every_exit_status_is_explained() -> None:
    text = (DOCS / "exit-status.md").read_text("utf-8")
    for status in Exit:
        assert re.search(rf"^\| `?{int(status)}`? \|", text, re.M), f"status {int(status)}"


def test_every_environment_variable_that_is_read_is_explained() -> None:
    text = (DOCS / "environment.md").read_text("utf-8")
    read = {name for path in (ROOT / "src").rglob("*.py") for name in _READ.findall(path.read_text("utf-8"))}
    assert {"NO_COLOR", "GOPROXY", "XDG_CONFIG_HOME"} <= read
    for name in sorted(read):
        assert f"`{name}`" in text, f"docs/environment.md does not name {name}"


def _codes(text: str) -> set[str]:
    return set(re.findall(r"\bTRM\d{4}\b", text))


def test_every_code_that_is_raised_is_explained_and_none_is_explained_for_nothing() -> None:
    from trimaran.codes import explanations

    used = {
        str(node.value)
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and re.fullmatch(r"TRM\d{4}", str(node.value))
    }
    known = set(explanations())
    assert used - known == set(), "raised, and not explained in src/trimaran/codes"
    assert known - used == set(), "explained, and never raised"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_only_codes_that_exist(page: Path) -> None:
    from trimaran.codes import explanations

    assert _codes(page.read_text("utf-8")) - set(explanations()) == set()


def _anchors(path: Path) -> set[str]:
    found = set()
    for line in path.read_text("utf-8").splitlines():
        heading = re.fullmatch(r"#+ (.*)", line)
        if heading:
            words = re.sub(r"[^\w\- ]", "", heading[1].lower())
            found.add(words.replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.S | re.M)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        assert target.is_relative_to(ROOT), f"{page.name}: {link}"
        if anchor:
            assert anchor in _anchors(target), f"{page.name}: {link}"


def _texts() -> Iterator[tuple[str, str]]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for name in filter(None, listed):
        path = ROOT / name
        if path.is_file():
            yield name, path.read_bytes().decode("utf-8", "ignore")


def test_no_registry_is_named_and_nothing_of_one_machine_is_left() -> None:
    # Written in halves, so that this file does not name them either.
    hosts = (
        *(("proxy.gol", "ang.org"), ("goproxy", ".io"), ("goproxy", ".cn"), ("py", "pi.org")),
        *(("python", "hosted.org"), ("npm", "js.org"), ("npm", "js.com"), ("docker", ".io")),
        *(("quay", ".io"), ("gcr", ".io"), ("ghcr", ".io")),
    )
    places = (("/wo", "rk/"), ("/ro", "ot/"), ("/home", "/runner/"), ("/opt/", "wheels/"))
    words = [re.escape("".join(halves)) for halves in hosts]
    words += [re.escape("".join(halves)) + r"\w" for halves in places]
    bad = re.compile("|".join(rf"(?<![\w}}]){word}" for word in words))
    found = [f"{name}: {hit[0]}" for name, text in _texts() for hit in bad.finditer(text)]
    # What a reference without a host means everywhere, said once.
    hub = "".join(next(halves for halves in hosts if halves[0] == "docker"))
    allowed = {f"src/trimaran/oci/reference.py: {hub}"}
    assert [each for each in found if each not in allowed] == []
