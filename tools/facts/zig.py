"""The list of glibc's symbols that zig carries, out of its wheel."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tools.facts.debian import SourceMissingError

VERSION = "0.17.0"
_MEMBER = "ziglang/lib/libc/glibc/abilists"


def abilists(cache: Path) -> bytes:
    """The list; the wheel (100 MB) is fetched once, and only the list is kept."""
    kept = cache / f"abilists-{VERSION}"
    if not kept.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            image = _fetched(Path(folder))
            half = Path(folder) / "abilists"
            half.write_bytes(image)
            half.rename(kept)
    return kept.read_bytes()


def _fetched(folder: Path) -> bytes:
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps")
    done = subprocess.run(
        [*pip, "--dest", str(folder), f"ziglang=={VERSION}"], capture_output=True, text=True, check=False
    )
    wheel = next(folder.glob("*.whl"), None)
    if done.returncode or wheel is None:
        raise SourceMissingError(f"pip did not bring ziglang {VERSION}: {done.stderr[-800:]}")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(_MEMBER)
