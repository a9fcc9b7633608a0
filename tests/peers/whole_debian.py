"""A Debian 12 that is installed, not only unpacked: with systemd, the policy and its checker of packages.

Made once and kept in the user's cache, from the archive that this machine's apt is configured for, with its
signatures checked. Nothing writes to it: who starts it puts a layer of its own on top.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.rootfs import CACHE, PATH, MissingPeerError

SUITE = "bookworm"
# A change of the packages makes it again.
VERSION = "1"
_PACKAGES = ("debian-policy", "lintian", "systemd", "systemd-sysv")


def whole_debian(say: Callable[[str], None] = lambda line: None) -> Path:
    """The folder of its root file system; made when it is not there yet."""
    ready = CACHE / f"debian-whole_{SUITE}-{VERSION}"
    if ready.is_dir():
        return ready
    CACHE.mkdir(parents=True, exist_ok=True)
    say(f"{SUITE} with {', '.join(_PACKAGES)}: making its root file system in {ready}")
    with tempfile.TemporaryDirectory(
        dir=CACHE, prefix=".debian-whole-", ignore_cleanup_errors=True
    ) as folder:
        root = Path(folder) / "root"
        _install(root)
        try:
            root.rename(ready)
        except OSError:
            if not ready.is_dir():
                raise
    return ready


def _install(root: Path) -> None:
    tool = shutil.which("mmdebstrap", path=PATH)
    if tool is None:
        raise MissingPeerError("mmdebstrap is not installed; run `python -m tests.provision`")
    wanted = f"--include={','.join(_PACKAGES)}"
    done = subprocess.run(
        [tool, "--quiet", "--variant=minbase", wanted, SUITE, str(root)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=900,
        env={**os.environ, "PATH": PATH},
    )  # fmt: skip
    if done.returncode:
        raise MissingPeerError(f"mmdebstrap ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
