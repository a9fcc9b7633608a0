"""Writes the report about predictions that runs contradict."""

import getpass
import hashlib
import json
import os
import platform
import socket
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from trimaran import __version__
from trimaran.portability import verify_report
from trimaran.portability.verify import Proof
from trimaran.rootfs import Root, sandbox


def write(path: Path, contradicted: Sequence[tuple[Proof, Root]], hidden: Sequence[str]) -> None:
    """Write the report to `path`, whole or not at all."""
    digests = {proof.program: _digest(proof.program) for proof, _ in contradicted}
    rows = [(proof, root, digests[proof.program]) for proof, root in contradicted]
    names = [
        socket.gethostname(),
        _user(),
        str(Path.home()),
        *(str(proof.program.absolute()) for proof, _ in contradicted),
    ]
    names += [str(root.folder) for _, root in contradicted]
    body = verify_report.report(rows, _versions(), [*hidden, *(name for name in names if name != "root")])
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(dir=path.parent, prefix=".verify-report-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(body, file, indent=1)
        Path(fresh).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(fresh).unlink()
        raise


def _versions() -> dict[str, str]:
    return {
        "trimaran": __version__,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "isolation": str(sandbox.at_hand()),
    }


def _digest(program: Path) -> str:
    with program.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
