"""What nobody may see: references to secrets, their values in keeping, and redaction."""

from trimaran.secret.files import load_key
from trimaran.secret.fingerprint import fingerprint
from trimaran.secret.model import Secret, SecretRef
from trimaran.secret.redact import Redactor, redact
from trimaran.secret.resolve import resolve, resolve_all

__all__ = ["Redactor", "Secret", "SecretRef", "fingerprint", "load_key", "redact", "resolve", "resolve_all"]
