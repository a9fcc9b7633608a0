"""Runs of `tests.crash.child`, forked from a process that has imported what they need.

Each is a process of its own, with its own pid, that can be killed like any other; only the second of imports
that hundreds of them would repeat is spent once.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.crash.platforms import PLATFORMS

ROOT = Path(__file__).parents[2]
_CONTEXT = multiprocessing.get_context("forkserver")
_PRELOADED = ("tests.crash.child", *(place.partition(":")[0] for place in PLATFORMS.values()))


class Run:
    """A run that has begun.

    Args:
        words: the arguments of `child.main`.
        environment: all of its environment.
        prefix: where its standard output and error go, with `.out` and `.err`.
    """

    def __init__(self, words: tuple[str, ...], environment: Mapping[str, str], prefix: Path) -> None:
        self._out, self._err = Path(f"{prefix}.out"), Path(f"{prefix}.err")
        arguments = (words, dict(environment), str(self._out), str(self._err))
        self._process = _CONTEXT.Process(target=_begin, args=arguments)
        with pytest.MonkeyPatch.context() as patch:
            # Counts when the first run starts the one they are forked from.
            patch.setenv("PYTHONPATH", str(ROOT))
            _CONTEXT.set_forkserver_preload(list(_PRELOADED))
            self._process.start()

    def end(self, timeout: float = 120) -> tuple[int, bytes, bytes]:
        """Status as `subprocess` has it, output, errors. Raises TimeoutError, with the run killed."""
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            self._process.kill()
            self._process.join()
            raise TimeoutError(self._err.read_text(errors="replace"))
        self._process.close()
        return status, self._out.read_bytes(), self._err.read_bytes()


def _begin(words: tuple[str, ...], environment: dict[str, str], out: str, err: str) -> None:
    """What a forked process does."""
    from tests.crash import child

    for place, number in ((out, 1), (err, 2)):
        found = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(found, number)
        os.close(found)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    child.main(words[0], Path(words[1]), *words[2:])
