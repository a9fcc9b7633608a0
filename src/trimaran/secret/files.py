"""Secrets and the fingerprint key in files."""

import json
import os
import secrets
import stat
from pathlib import Path

from trimaran.errors import fail
from trimaran.secret.model import SecretRef

_LARGEST_BYTES = 1 << 20  # of a secret
_KEY_BYTES = 32


def read_secret(ref: SecretRef) -> str:
    """The value in the file `ref.path`, less one newline at its end.

    With `ref.key` the file is a JSON object of texts, and that one of them is the value.
    Raises TrimaranError when there is none, others may read the file, or it is not text.
    """
    text = _text(ref)
    if not ref.key:
        return text.removesuffix("\n")
    try:
        value = json.loads(text)[ref.key]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        fix = "with a key, the file is a JSON object of texts; without one, its whole content is the value"
        raise fail("TRM0804", f"the file {ref.path} holds no secret {ref.key}", fix) from None
    if not isinstance(value, str):
        raise fail("TRM0804", f"the secret {ref.key} in {ref.path} is not a text", "put it in quotes")
    return value


def _text(ref: SecretRef) -> str:
    try:
        # Without waiting: a pipe in place of the file must not hold us up.
        number = os.open(ref.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise fail(
            "TRM0803", f"the secret file {ref.path} cannot be read: {reason}", "check the path"
        ) from None
    try:
        _check(ref, os.fstat(number))
        with os.fdopen(number, "rb", closefd=False) as file:
            return file.read(_LARGEST_BYTES + 1).decode("utf-8")
    except UnicodeDecodeError:
        raise fail("TRM0804", f"the secret file {ref.path} is not UTF-8", "encode it as text first") from None
    finally:
        os.close(number)


def _check(ref: SecretRef, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_BYTES:
        raise fail("TRM0803", f"{ref.path} is not a file of at most 1 MiB", "name the secret's own file")
    if status.st_mode & stat.S_IROTH:
        fix = f"`chmod o-rwx {ref.path}`, and change the secret if others may have seen it"
        raise fail("TRM0805", f"everybody on this machine may read the secret file {ref.path}", fix)


def load_key(path: Path) -> bytes:
    """The key for fingerprints in the file `path`, made from chance when there is none.

    Raises TrimaranError when the file is not a key, or others may read it.
    """
    try:
        if not path.exists():
            _make_key(path)
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise fail("TRM0806", f"others may read the key {path}", f"`chmod 600 {path}`")
        key = path.read_bytes()
    except OSError as error:
        raise fail(
            "TRM0806", f"the key {path} cannot be read: {error.strerror}", "check its folder"
        ) from None
    if len(key) != _KEY_BYTES:
        fix = "delete it: a new one is made, and every secret then looks changed once"
        raise fail("TRM0806", f"{path} is not a key of {_KEY_BYTES} bytes", fix)
    return key


def _make_key(path: Path) -> None:
    """Whole or not at all; of two who make it at once the first wins and both read the same."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(number)
        path.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
