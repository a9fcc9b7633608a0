"""The front door: help, slips of the pen, exit statuses, and how little is imported for a little."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trimaran.cli.main import COMMANDS, _run
from trimaran.codes import explanations

HEAVY = [
    "pydantic",
    "sqlalchemy",
    "sqlite3",
    "yaml",
    "rich",
    "cryptography",
    "trimaran.spec.service",
    "trimaran.platform",
]
TRIMARAN = str(Path(sys.executable).with_name("trimaran"))
WATCH = """
import json, sys
from trimaran.cli.main import _run
status = _run(sys.argv[1:])
sys.stdout.flush()
print(json.dumps([int(status), [each for each in {heavy} if each in sys.modules]]), file=sys.stderr)
"""


def imported(*args: str, home: Path) -> tuple[int, list[str]]:
    """Exit status, and which of the heavy modules a command has imported, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH.format(heavy=HEAVY), *args],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "HOME": str(home), "XDG_STATE_HOME": str(home / "state")},
    )
    status, modules = json.loads(done.stderr.splitlines()[-1])
    return status, modules


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["--version"], []])
def test_help_and_version_import_nothing_heavy(args: list[str], tmp_path: Path) -> None:
    status, modules = imported(*args, home=tmp_path)
    assert modules == []
    assert status == (0 if args else 2)


ENDS = """
import atexit, sys, threading, time
from trimaran.cli.main import _end
atexit.register(print, "registered")
if sys.argv[1] == "thread":
    threading.Thread(target=lambda: (time.sleep(0.3), print("thread"))).start()
print("written")
_end(7)
"""


@pytest.mark.parametrize(
    ("way", "expected"), [("alone", "written registered"), ("thread", "written thread registered")]
)
def test_the_end_waits_for_threads_and_loses_nothing(way: str, expected: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS, way], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (7, expected.split(), "")


def test_inspect_opens_no_ledger_and_leaves_nothing_behind(tmp_path: Path) -> None:
    status, modules = imported("inspect", sys.executable, home=tmp_path)
    assert status == 0
    assert not {"sqlalchemy", "sqlite3", "trimaran.platform"} & set(modules)
    assert list(tmp_path.iterdir()) == []


def test_explaining_a_code_imports_nothing_heavy(tmp_path: Path) -> None:
    assert imported("help", "TRM0101", home=tmp_path) == (0, [])


def test_the_help_names_every_command_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name, line in COMMANDS.items():
        assert f" {name} {line}" in shown


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("form", ["--help", "-h", "help"])
def test_every_command_has_its_own_help(name: str, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["help", name] if form == "help" else [name, form]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"Usage: trimaran {name}")
    assert len(shown.out.splitlines()) > 3
    assert shown.err == ""


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        (["shp"], "TRM0001", "trimaran ship"),
        (["rendr"], "TRM0001", "trimaran render"),
        (["xyzzy"], "TRM0001", "--help"),
        (["\x1b[31m"], "TRM0001", "--help"),
        (["ship", "--flet", "x"], "TRM0002", "--fleet"),
        (["ship", "--fleet"], "TRM0002", "--help"),
        (["--nope"], "TRM0002", "--help"),
        (["schema", "fleets"], "TRM0002", "fleet"),
        (["plan", "-o", "xml"], "TRM0002", "json"),
        (["inspect"], "TRM0002", "--help"),
        (["help", "TRM9999"], "TRM0004", "trimaran help"),
        (["render", "/nowhere/service.yaml"], "TRM0101", "trimaran init"),
        (["down", "/nowhere/service.yaml"], "TRM0708", "name of a service"),
        (["inspect", "/nowhere"], "TRM0201", "/nowhere"),
    ],
)
def test_what_is_wrong_is_told_with_status_2_and_no_trace(
    args: list[str], code: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(args) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"error[{code}]: ")
    assert word in shown.err
    assert "Traceback" not in shown.err
    assert "\x1b" not in shown.err
    assert code in explanations()


def test_all_problems_of_a_declaration_are_shown_with_their_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "service.yaml"
    head = "apiVersion: trimaran.dev/v1alpha1\nkind: PlatformAgnosticSpec\n"
    path.write_text(head + "metadata: {name: W}\nspec: {prts: 1}\n")
    assert _run(["render", str(path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("  at ")] == [
        f"  at  {path}:3:12  metadata.name",
        f"  at  {path}:4:8  spec.prts",
    ]
    assert "  fix did you mean ports?" in lines


@pytest.mark.parametrize("given", ["TRM0101", "trm0101"])
def test_a_code_is_explained_offline(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["help", given]) == 0
    shown = capsys.readouterr().out
    entry = explanations()["TRM0101"]
    assert entry.title in shown
    assert entry.fix in shown


def test_all_codes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["help"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(explanations())


@pytest.mark.parametrize("kind", ["service", "fleet"])
def test_the_schema_is_printed_as_json(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["schema", kind]) == 0
    assert json.loads(capsys.readouterr().out)["$id"].endswith(f"{kind}.json")


def errors_of(*args: str, **env: str) -> str:
    """What the command writes to standard error when that is a terminal."""
    leader, follower = os.openpty()
    try:
        subprocess.run(
            [TRIMARAN, *args],
            stderr=follower,
            stdout=subprocess.DEVNULL,
            env={
                **{key: value for key, value in os.environ.items() if key != "NO_COLOR"},
                "TERM": "xterm",
                **env,
            },
            check=False,
            timeout=60,
        )
        return os.read(leader, 1 << 16).decode()
    finally:
        os.close(leader)
        os.close(follower)


def test_colour_is_for_terminals_and_no_color_is_obeyed() -> None:
    assert "\x1b[" in errors_of("shp")
    assert "\x1b" not in errors_of("shp", NO_COLOR="1")


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    command = f"{TRIMARAN} schema service | head -c 1"
    done = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{", "")
