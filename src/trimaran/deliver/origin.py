"""Where a declaration comes from: the commit that is checked out. Input and output."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_WAIT_S = 10


@dataclass(frozen=True, slots=True)
class Origin:
    """The commit of a checkout.

    Args:
        commit: its full name; empty outside of a git checkout, or without git.
        dirty: whether files differ from it.
    """

    commit: str
    dirty: bool


def origin(folder: Path) -> Origin:
    """The commit that is checked out in `folder`; nothing is said of it where git cannot tell."""
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if not commit:
        return Origin("", dirty=False)
    return Origin(commit.strip(), bool(_git(folder, "status", "--porcelain", "--untracked-files=normal")))


def _git(folder: Path, *words: str) -> str:
    # No pager, no lock files, no hooks of the checkout: it is only asked.
    argv = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(folder), *words]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_WAIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""
