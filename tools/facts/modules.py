"""Builds Go packages without cgo, and runs them, to see whether what is said of them holds."""

import os
import re
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.facts.debian import SourceMissingError
from tools.facts.toml import changed, quoted

_PROBES = Path(__file__).resolve().parent / "probes"
_USE = 'package main\n\nimport x "{package}"\n\nvar _ = x.{name}\n\nfunc main() {{}}\n'
_IMPORT = 'package main\n\nimport _ "{package}"\n\nfunc main() {{}}\n'
_KEPT = ("GOPROXY", "GOCACHE", "GOMODCACHE", "GOPATH", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "HOME", "PATH")
Done = subprocess.CompletedProcess[str]


def stubs(text: str, cache: Path, today: str) -> str:
    """The text of stubs.toml, with what was seen where that is not what it says."""
    for name, entry in tomllib.loads(text).items():
        folder = _module(cache / "probes" / name, entry, (_PROBES / f"{name}.go").read_text("utf-8"))
        built = _go(folder, "build", "-o", "program", ".")
        if built.returncode:
            raise SourceMissingError(f"{name} does not build without cgo: {_first(built.stderr)}")
        done = _ended([str(folder / "program")], folder)
        seen = (done.stdout + done.stderr).strip()
        if done.returncode == 0 or not re.search(entry["message"], seen):
            said = re.escape(seen) if done.returncode else "started: no stub"
            text = changed(text, f'["{name}"]', "message", quoted(said), today)
        if entry["literal"].encode() not in (folder / "program").read_bytes():
            text = changed(text, f'["{name}"]', "literal", '"not in the program"', today)
    return text


def refusals(text: str, cache: Path, today: str) -> str:
    """The text of refusals.toml, with what the compiler says where that is not what it says."""
    for package, entry in tomllib.loads(text).items():
        form = _USE if "uses" in entry else _IMPORT
        source = form.format(package=package, name=entry.get("uses", ""))
        folder = _module(cache / "probes" / package.replace("/", "_"), entry, source)
        done = _go(folder, "build", "-o", "program", ".")
        # The name by which the package is imported here is not the one that people use.
        said = done.stderr.replace("undefined: x.", f"undefined: {entry['message'].partition('.')[0][11:]}.")
        if done.returncode == 0 or entry["message"] not in said:
            value = _first(said) if done.returncode else "it compiles"
            text = changed(text, f'["{package}"]', "message", quoted(value), today)
    return text


def dynamic(text: str, cache: Path, today: str) -> str:
    """The text of dynamic.toml, with the libraries that a program names."""
    for package, entry in tomllib.loads(text).items():
        folder = _module(cache / "probes" / package.replace("/", "_"), entry, _IMPORT.format(package=package))
        done = _go(folder, "build", f"-tags={entry.get('tag', '')}", "-o", "program", ".")
        if done.returncode:
            raise SourceMissingError(f"{package} does not build without cgo: {_first(done.stderr)}")
        listing = _ended(["readelf", "-d", str(folder / "program")], folder).stdout
        needed = ", ".join(f'"{name}"' for name in sorted(re.findall(r"\(NEEDED\).*\[(.+)\]", listing)))
        text = changed(text, f'["{package}"]', "libraries", f"[{needed}]", today)
    return text


def _module(folder: Path, entry: Mapping[str, Any], source: str) -> Path:
    """A folder with a module of one file, which requires what the entry is about."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["module probe", "", "go 1.26", ""]
    if entry.get("measured"):
        lines += [f"require {entry['module']} {entry['measured']}", ""]
    wanted = "\n".join(lines)
    sign = folder / "wanted.txt"
    if not sign.is_file() or sign.read_text("utf-8") != wanted:
        (folder / "go.mod").write_text(wanted, "utf-8")
        sign.write_text(wanted, "utf-8")
    (folder / "main.go").write_text(source, "utf-8")
    return folder


def _go(folder: Path, *arguments: str) -> Done:
    return _ended(["go", *arguments], folder)


def _ended(argv: list[str], folder: Path) -> Done:
    kept = {key: os.environ[key] for key in _KEPT if key in os.environ}
    settings = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod -trimpath -buildvcs=false"}
    try:
        return subprocess.run(
            argv, cwd=folder, env=kept | settings, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceMissingError(f"{argv[0]}: {error}") from error


def _first(said: str) -> str:
    lines = [line for line in said.splitlines() if not line.startswith(("#", "go: "))]
    return re.sub(r"^\S+\.go:\d+:\d+: ", "", lines[0]) if lines else said.strip()
