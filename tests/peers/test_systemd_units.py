"""What systemd itself reads in the units that we write. Needs the package systemd, not a running one."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trimaran.supervise.systemd import Unit, unit_text

pytestmark = pytest.mark.peer

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
TEXT = st.text(st.sampled_from(list("ab $%{}\"'\\;#=@-!+:~*h\t\u00e9\u4e2d")), max_size=12)


def dump(folder: Path, text: str) -> str:
    """The state that systemd has of the unit once it has read it; it starts nothing."""
    units, run = folder / "units", folder / "run"
    for each in (folder, units, run):
        each.mkdir(exist_ok=True)
        each.chmod(0o777)
    (units / "x.service").write_text(text, "utf-8")
    # systemd refuses its test mode as root.
    argv = [*(NOBODY if os.geteuid() == 0 else []), "/lib/systemd/systemd", "--test", "--user"]
    env = {
        "XDG_RUNTIME_DIR": str(run),
        "HOME": str(run),
        "SYSTEMD_UNIT_PATH": f"{units}:",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        [*argv, "--unit=x.service"], env=env, capture_output=True, timeout=60, check=False, cwd="/"
    )
    return (done.stdout + done.stderr).decode()


def words(line: str) -> list[str]:
    """Undo the quoting in which systemd prints a command line."""
    named = {"t": "\t", "n": "\n"}
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', line)
    return [plain or re.sub(r"\\(.)", lambda m: named.get(m[1], m[1]), quoted) for quoted, plain in found]


@pytest.fixture
def place() -> Path:
    # Beneath /tmp, because an unprivileged systemd has to reach it.
    import tempfile

    return Path(tempfile.mkdtemp(prefix="units-", dir="/tmp"))


def test_systemd_has_no_complaint_about_a_full_unit(place: Path) -> None:
    unit = Unit(
        "All of it",
        ("/bin/echo", "100% $HOME", "a;b", ";", "'\"\\"),
        env={"A": "x y", "B": "%h$\\\"'"},
        environment_file="/etc/hostname",
        working_directory="/tmp",
        read_only_root=True,
        cache=("web",),
        state=("web/deep",),
        writable=("/srv/a b",),
        memory_bytes=1 << 28,
        cpu_milli=125,
        low_ports=True,
    )
    try:
        (place / "web.service").write_text(unit_text(unit))
        done = subprocess.run(
            ["systemd-analyze", "verify", str(place / "web.service")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        # Its status is 0 also when it ignores a directive.
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        (place / "bad.service").write_text(unit_text(unit).replace("MemoryMax=", "MemoryMost="))
        told = subprocess.run(
            ["systemd-analyze", "verify", str(place / "bad.service")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "MemoryMost" in told.stderr
    finally:
        shutil.rmtree(place)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    arguments=st.lists(TEXT, min_size=1, max_size=12),
    values=st.lists(TEXT.map(str.strip), min_size=1, max_size=6),
    about=TEXT.map(lambda text: "x" + text + "x"),
)
def test_systemd_reads_back_every_argument_and_variable(
    place: Path, arguments: list[str], values: list[str], about: str
) -> None:
    env = {f"V{number}": value for number, value in enumerate(values)}
    try:
        seen = dump(place, unit_text(Unit(about, ("/bin/echo", *arguments), env)))
        assert f"\t\tDescription: {about}\n" in seen
        (line,) = re.findall(r"Command Line: (/bin/echo.*)", seen)
        # When it starts a program it reads two dollars as one; a single one would be a variable.
        assert not [word for word in words(line) if "$" in word.replace("$$", "")]
        assert [word.replace("$$", "$") for word in words(line)[1:]] == arguments
        for name, value in env.items():
            assert f"\t\tEnvironment: {name}={value}\n" in seen
    finally:
        shutil.rmtree(place)
