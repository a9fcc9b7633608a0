"""Taking secrets out of texts, and finding them in values. Pure."""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

from trimaran.action import Json
from trimaran.secret.model import Secret

_SHORTEST = 4  # a shorter value would be "found" everywhere
_SHORTEST_BASE64 = 5


def _base64_forms(value: bytes) -> set[str]:
    """What of the base64 text does not depend on what surrounds `value`, for each of the three alignments."""
    found = set()
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + value).decode()
        # Six bits a character: the first and last ones may be shared with a neighbour.
        start = -(-shift * 8 // 6)
        stable = text[start : (shift + len(value)) * 8 // 6]
        if len(stable) >= _SHORTEST_BASE64:
            found |= {stable, stable.translate(str.maketrans("+/", "-_"))}
    return found


def _forms(secret: Secret) -> set[str]:
    """The texts as which a value shows up: itself, escaped in JSON or an address, in base64."""
    value = secret.reveal()
    if len(value) < _SHORTEST:
        return set()
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    return {value, quote(value, safe=""), quote(value)} | escaped | _base64_forms(value.encode())


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """`text` with every form of each secret replaced by its name."""
    redactor = Redactor()
    for secret in secrets:
        redactor.add(secret)
    return redactor.redact(text)


class Redactor:
    """Knows the secrets that were resolved, so that none is written down; a `trimaran.ledger.Guard`.

    Values shorter than four characters are not searched for: they would be found everywhere.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, secret: Secret) -> None:
        """Know `secret` from now on."""
        self._names |= dict.fromkeys(_forms(secret), secret.name)
        # The longest first, so that a secret that contains another one goes as a whole.
        longest = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest))) if longest else None

    def redact(self, text: str) -> str:
        """`text` with every form of each known secret replaced by its name."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: f"[secret {self._names[match[0]]}]", text)

    def leaks(self, value: Json) -> str | None:
        """The name of a known secret that some text inside `value` holds, or None."""
        if self._pattern is None:
            return None
        for text in _texts(value):
            found = self._pattern.search(text)
            if found is not None:
                return self._names[found[0]]
        return None


def _texts(value: Json) -> Iterable[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, list | tuple):
            waiting += each
