"""Go programs that the tests against real peers build, and keep where that takes minutes."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.rootfs import CACHE, PATH, MissingPeerError

FIXTURES = Path(__file__).parent / "fixtures" / "go"
# As Trimaran itself builds.
FLAGS = "-trimpath -buildvcs=false"
_TERRAFORM = "github.com/hashicorp/terraform@v1.5.7"
_RQLITE = "github.com/rqlite/rqlite/v8@v8.36.0"


def go(*words: str, folder: Path, **settings: str) -> str:
    """What `go WORDS` prints; MissingPeerError with its last lines when it fails."""
    environment = {**os.environ, "PATH": PATH, "GOTOOLCHAIN": "local", "GOFLAGS": FLAGS} | settings
    done = subprocess.run(
        ["go", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=3000, check=False
    )
    if done.returncode:
        raise MissingPeerError(f"go {words[0]} in {folder.name}: {done.stderr[-1000:]}")
    return done.stdout


def rqlite_source() -> Path:
    """The folder of rqlite's module, as the module proxy has it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        told = go("mod", "download", "-json", _RQLITE, folder=place, GOWORK="off")
    return Path(told.partition('"Dir": "')[2].partition('"')[0])


def rqlited(say: Callable[[str], None] = lambda line: None) -> Path:
    """A large service with C in it, and its packages in Go's build cache; the first call takes minutes."""
    ready = CACHE / f"rqlited_{_RQLITE.rpartition('@')[2]}_{go('env', 'GOVERSION', folder=FIXTURES).strip()}"
    if not ready.is_file():
        say(f"compiling {_RQLITE}")
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=".rqlited-") as folder:
            built = Path(folder) / "rqlited"
            go(
                "build",
                "-o",
                str(built),
                "./cmd/rqlited",
                folder=rqlite_source(),
                CGO_ENABLED="1",
                GOWORK="off",
            )
            built.rename(ready)
    return ready


def terraform(say: Callable[[str], None] = lambda line: None) -> Path:
    """Terraform: the one on PATH, or the last that came under the MPL, compiled; that takes minutes."""
    found = shutil.which("terraform", path=PATH)
    if found is not None:
        return Path(found)
    ready = CACHE / f"terraform_{_TERRAFORM.rpartition('@')[2]}"
    if not ready.is_file():
        say(f"compiling {_TERRAFORM}")
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=".terraform-") as folder:
            go("install", _TERRAFORM, folder=Path(folder), GOBIN=folder, GOWORK="off")
            Path(folder, "terraform").rename(ready)
    return ready


def copied(name: str, folder: Path) -> Path:
    """A copy of a fixture's module, which a test may change."""
    return Path(shutil.copytree(FIXTURES / name, folder / name))
