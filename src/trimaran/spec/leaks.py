"""What looks like a secret that was written into a declaration. Pure.

A guess by name and by form, meant to catch slips: it is no proof that nothing else is secret.
"""

import re

_NAME = re.compile(
    r"(^|_)(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|SECRET_?KEY|ACCESS_?KEY|CREDENTIALS?)$",
    re.I,
)
_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    # The parts are bounded, so that a long text costs no more than its length.
    r"|\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\."
    r"|\b[a-z][a-z0-9+.-]{0,30}://[^\s/:@]{0,200}:[^\s/@]{1,200}@"
)
_OPTION = re.compile(r"--?([A-Za-z][A-Za-z0-9_.-]{0,80})=(.+)", re.S)


def value(text: str) -> bool:
    """Whether a text has the form of a secret: a private key, a known token, a URL with a password."""
    return _VALUE.search(text) is not None


def variable(name: str, text: str) -> bool:
    """Whether a variable is a secret given as a value, by its name or by its value."""
    return bool(text and _NAME.search(name)) or value(text)


def argument(text: str) -> bool:
    """Whether an argument is one, as in `--db-password=…`."""
    option = _OPTION.fullmatch(text)
    return value(text) or (option is not None and variable(re.sub(r"[.-]", "_", option[1]), option[2]))
