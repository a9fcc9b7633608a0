"""Secrets in environment variables."""

import os

from trimaran.errors import fail
from trimaran.secret.model import SecretRef


def read_secret(ref: SecretRef) -> str:
    """The value of the variable `ref.path`. Raises TrimaranError when it is not set or empty."""
    value = os.environ.get(ref.path, "")
    if not value:
        fix = f"export {ref.path} before the command"
        raise fail("TRM0801", f"the secret variable {ref.path} is not set", fix)
    return value
