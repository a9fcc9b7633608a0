"""What the user is known by at a registry: read where container tools keep it, never written.

Docker's `config.json` and `auth.json` of containers-auth.json(5): `auths`, `credHelpers` and `credsStore`. A
helper is run as `docker-credential-NAME get`.
"""

import base64
import binascii
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trimaran.errors import Exit, Problem, TrimaranError, Where, printable
from trimaran.oci.challenge import Credential
from trimaran.oci.reference import DEFAULT_HOST, DEFAULT_KEY

_FILE_BYTES = 4 << 20
_HELPER_S = 30
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def credential(host: str, repository: str) -> Credential | None:
    """What is known for a repository of a registry; None when nothing is.

    Raises TRM1113 when a file or a helper is there and of no use.
    """
    for path in _files():
        found = _read(path)
        if found is not None:
            known = _of(found, host, repository, path)
            if known is not None:
                return known
    return None


def _files() -> Iterator[Path]:
    if named := os.environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    if running := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(running) / "containers" / "auth.json"
    folder = os.environ.get("DOCKER_CONFIG")
    try:
        yield (Path(folder) if folder else Path.home() / ".docker") / "config.json"
    except RuntimeError:
        return  # nobody's home


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_FILE_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _useless(path, error.strerror or "it cannot be read") from None
    except (ValueError, RecursionError):
        raise _useless(path, "it is no JSON") from None
    if not isinstance(found, dict):
        raise _useless(path, "it is no JSON object")
    return found


def _of(found: Mapping[str, Any], host: str, repository: str, path: Path) -> Credential | None:
    key = DEFAULT_KEY if host == DEFAULT_HOST else host
    helpers = found.get("credHelpers")
    helper = helpers.get(host) if isinstance(helpers, dict) else None
    if isinstance(helper, str):
        return _ask(helper, key, path)
    auths = found.get("auths")
    for name in _names(host, repository):
        entry = auths.get(name) if isinstance(auths, dict) else None
        if isinstance(entry, dict) and (known := _entry(entry, path)) is not None:
            return known
    store = found.get("credsStore")
    return _ask(store, key, path) if isinstance(store, str) and store else None


def _names(host: str, repository: str) -> Iterator[str]:
    """Under what an entry may stand, the closest first: podman has entries for parts of a registry."""
    path = f"{host}/{repository}"
    while "/" in path:
        yield path
        path = path.rpartition("/")[0]
    yield from (host, f"https://{host}", f"https://{host}/", f"https://{host}/v1/", f"https://{host}/v2/")
    if host == DEFAULT_HOST:
        yield DEFAULT_KEY


def _entry(entry: Mapping[str, Any], path: Path) -> Credential | None:
    token, packed = entry.get("identitytoken"), entry.get("auth")
    if isinstance(token, str) and token:
        return Credential("", token, identity=True)
    if not isinstance(packed, str) or not packed:
        return None
    try:
        name, colon, secret = base64.b64decode(packed, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise _useless(path, "an entry of auths is no base64 text of name and password") from None
    return Credential(name, secret.rstrip("\0")) if colon else None


def _ask(helper: str, key: str, path: Path) -> Credential | None:
    if not _HELPER.fullmatch(helper):
        raise _useless(path, "it names a credential helper that is no name of a command")
    tool = shutil.which(f"docker-credential-{helper}")
    if tool is None:
        raise _useless(path, f"docker-credential-{helper}, which it names, is not installed")
    try:
        done = subprocess.run(
            [tool, "get"], input=key.encode(), capture_output=True, timeout=_HELPER_S, check=False
        )
        if done.returncode:
            # It has nothing for this registry, and says so in words of its own.
            return None
        found = json.loads(done.stdout)
        name, secret = found["Username"], found["Secret"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError, subprocess.TimeoutExpired):
        # What it printed may be a secret: never shown.
        raise _useless(path, f"docker-credential-{helper}, which it names, gave no credential") from None
    if not isinstance(name, str) or not isinstance(secret, str):
        raise _useless(path, f"docker-credential-{helper}, which it names, gave no credential")
    return Credential("" if name == "<token>" else name, secret, identity=name == "<token>")


def _useless(path: Path, why: str) -> TrimaranError:
    what = f"the file of registry credentials is of no use: {printable(why)[:200]}"
    fix = "log in again with your container tool, or set DOCKER_CONFIG to another folder"
    return TrimaranError(Problem("TRM1113", what, fix, Where(str(path))), status=Exit.AUTHENTICATION)
