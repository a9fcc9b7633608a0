"""The names of images, as people write them. Pure.

The grammar is that of container tools: `[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]`. Without a host it is
Docker's registry, without a tag `latest`.
"""

import re
from dataclasses import dataclass

from trimaran.errors import TrimaranError, fail, printable

# What every container tool takes a name without a host to mean. No other registry is named in our code.
DEFAULT_HOST = "docker.io"
_DEFAULT_API, _DEFAULT_INDEX = f"registry-1.{DEFAULT_HOST}", f"index.{DEFAULT_HOST}"
DEFAULT_KEY = f"https://{_DEFAULT_INDEX}/v1/"
"""Under what container tools keep the credentials of that registry."""
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9a-fA-F:]{2,45}\])(?::\d{1,5})?")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LOOPBACK = re.compile(r"(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image in a registry.

    Args:
        host: as people name it, with its port.
        repository: as `library/alpine`.
        tag: empty when only a digest names the image.
        digest: `sha256:…`; empty when a tag names it.
    """

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def wanted(self) -> str:
        """What the registry is asked for: the digest where there is one, because a tag may move."""
        return self.digest or self.tag

    @property
    def base(self) -> str:
        """The address of the registry's API. Plain HTTP only on this machine's own addresses."""
        host = _DEFAULT_API if self.host == DEFAULT_HOST else self.host
        return f"{'http' if is_loopback(host) else 'https'}://{host}/v2"

    def at(self, digest: str) -> str:
        """The reference with the digest that was found for it."""
        return f"{self.host}/{self.repository}@{digest}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.host}/{self.repository}{tag}{f'@{self.digest}' if self.digest else ''}"


def is_loopback(host: str) -> bool:
    """Whether nobody on the way can listen, because there is no way."""
    return _LOOPBACK.fullmatch(host) is not None


def parse_reference(text: str) -> Reference:
    """Read a reference. Raises TRM1100."""
    rest, at, digest = text.partition("@")
    if at and not DIGEST.fullmatch(digest):
        raise _wrong(text, "its digest is not sha256: and 64 digits of 0-9a-f")
    head, slash, tail = rest.partition("/")
    named = slash and (set(head) & {".", ":", "["} or head == "localhost")
    host, path = (head, tail) if named else (DEFAULT_HOST, rest)
    if host in {_DEFAULT_INDEX, _DEFAULT_API}:
        host = DEFAULT_HOST
    port = host.rpartition("]")[2].partition(":")[2]
    if not _HOST.fullmatch(host) or (port and not 0 < int(port) < 65536):
        raise _wrong(text, "its host is none")
    repository, colon, tag = path.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise _wrong(text, "its tag is none")
    if len(repository) > 255 or not _REPOSITORY.fullmatch(repository):
        raise _wrong(text, "its repository is none (small letters, digits, single dots, dashes, slashes)")
    if host == DEFAULT_HOST and "/" not in repository:
        repository = f"library/{repository}"
    return Reference(host, repository, tag if tag or digest else "latest", digest)


def _wrong(text: str, why: str) -> TrimaranError:
    what = f"{printable(text)[:200]!r} names no image: {why}"
    return fail("TRM1100", what, "write it as in registry.example.com/team/image:tag or image@sha256:…")
