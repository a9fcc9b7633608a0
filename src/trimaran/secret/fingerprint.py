"""Noticing that a secret has changed without keeping it: a keyed hash. Pure."""

import hashlib
import hmac

from trimaran.secret.model import Secret


def fingerprint(secret: Secret, key: bytes) -> str:
    """`hmac-sha256:` and 64 hexadecimal digits; equal for equal values under one key.

    Without the key nobody can try guesses against it, which a bare hash would allow.

    Args:
        key: this machine's, from `load_key`.
    """
    return "hmac-sha256:" + hmac.new(key, secret.reveal().encode(), hashlib.sha256).hexdigest()
