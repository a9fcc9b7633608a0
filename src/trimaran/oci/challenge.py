"""What a registry asks for when it refuses, and what is sent then. Pure.

The form: WWW-Authenticate of RFC 9110, section 11, and RFC 6750, section 3; the token protocol of registries
(realm, service, scope).
"""

import base64
import re
import urllib.parse
from dataclasses import dataclass, field

_PAIR = re.compile(r'([A-Za-z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEME = re.compile(r"(?:^|,)\s*(bearer|basic)\b", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@dataclass(frozen=True, slots=True)
class Credential:
    """What the user is known by at a registry.

    Args:
        secret: a password, or with `identity` a refresh token; never shown.
    """

    username: str
    secret: str = field(repr=False)
    identity: bool = False

    @property
    def basic(self) -> str:
        """The value of the Authorization header."""
        plain = f"{self.username}:{self.secret}".encode()
        return f"Basic {base64.b64encode(plain).decode()}"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a registry asks for; `realm` is where a token is had, and empty for a password (Basic)."""

    realm: str = ""
    service: str = ""
    scope: str = ""

    @property
    def host(self) -> str:
        """Of the realm; empty when that is no address."""
        try:
            return urllib.parse.urlsplit(self.realm).netloc
        except ValueError:
            return ""

    def address(self, repository: str) -> str:
        """Where to ask for a token that lets the repository be read."""
        wanted = [("service", self.service), ("scope", self.scope or f"repository:{repository}:pull")]
        query = urllib.parse.urlencode([pair for pair in wanted if pair[1]])
        return f"{self.realm}{'&' if '?' in self.realm else '?'}{query}"

    def form(self, repository: str, credential: Credential) -> dict[str, str]:
        """What is posted to the realm with a refresh token."""
        return {
            "grant_type": "refresh_token",
            "service": self.service,
            "scope": self.scope or f"repository:{repository}:pull",
            "client_id": "trimaran",
            "refresh_token": credential.secret,
        }


def parse_challenge(header: str) -> Challenge | None:
    """The challenge that we can answer, a token before a password; None when there is none."""
    places = [(found[1].lower(), found.end()) for found in _SCHEME.finditer(header[:8192])]
    for place, (scheme, at) in enumerate(places):
        end = places[place + 1][1] if place + 1 < len(places) else 8192
        pairs = {
            key.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain
            for key, quoted, plain in _PAIR.findall(header[at:end])
        }
        if scheme == "bearer" and pairs.get("realm"):
            return Challenge(pairs["realm"], pairs.get("service", ""), pairs.get("scope", ""))
    return Challenge() if any(scheme == "basic" for scheme, _ in places) else None


def is_token(text: object) -> bool:
    """Whether a token can stand in a header, and does not bring one of its own."""
    return isinstance(text, str) and len(text) <= 1 << 16 and _TOKEN.fullmatch(text) is not None
