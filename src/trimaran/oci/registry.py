"""A repository of a registry: documents and layers, checked by digest as they arrive. Reads only.

The protocol: OCI distribution specification, "Pull"; tokens as registries and Docker have them.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import httpx2

from trimaran.errors import TrimaranError, fail, printable
from trimaran.oci import credentials, http, model
from trimaran.oci.challenge import Challenge, Credential, is_token, parse_challenge
from trimaran.oci.http import Http, Patience, retried
from trimaran.oci.model import Descriptor
from trimaran.oci.reference import DIGEST, Reference, is_loopback

T = TypeVar("T")

_ACCEPT = ", ".join((*model.MANIFESTS, *model.INDEXES))
_TOKEN_BYTES = 1 << 18


class Registry:
    """A repository, asked anonymously until it wants to know who is there. Close it when done."""

    def __init__(self, reference: Reference, patience: Patience | None = None) -> None:
        self.reference = reference
        self.name = str(reference)
        self.patience = patience or Patience()
        self._http = Http(self.patience)
        self._authorization = ""

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def top(self) -> tuple[str, bytes, str]:
        """The document that the reference names.

        Raises TRM1101 to TRM1104 and TRM1108; TRM1107 when it is not what the digest says.
        """
        return retried(lambda: self._manifest(self.reference.wanted), self.patience)

    def document(self, what: Descriptor) -> bytes:
        """A manifest of an index, or an image's configuration. Raises as `top`."""
        if what.size > model.DOCUMENT_BYTES:
            raise model.malformed(self.name, f"{what.digest} is too large for a document")
        if what.kind in (*model.MANIFESTS, *model.INDEXES):
            content = retried(lambda: self._manifest(what.digest), self.patience)[1]
        else:
            content = retried(lambda: self._small(f"blobs/{what.digest}", {}, what.size)[1], self.patience)
        _check(what, len(content), model.digest_of(content), self.name)
        return content

    def blob(self, what: Descriptor, work: Path, told: Callable[[int], None]) -> Path:
        """A file in `work` with a layer. Raises as `top`."""
        path = work / what.digest.removeprefix("sha256:")
        if not path.exists():
            part = path.with_suffix(".part")
            retried(lambda: self._download(what, part, told), self.patience)
            part.rename(path)
        return path

    def _manifest(self, name: str) -> tuple[str, bytes, str]:
        kind, content = self._small(f"manifests/{name}", {"Accept": _ACCEPT}, model.DOCUMENT_BYTES)
        digest = model.digest_of(content)
        if DIGEST.fullmatch(name) and name != digest:
            raise model.lies(f"{self.name}, asked for {name},", f"it is {digest}")
        return kind, content, digest

    def _small(self, path: str, headers: Mapping[str, str], limit: int) -> tuple[str, bytes]:
        def take(answer: httpx2.Response) -> tuple[str, bytes]:
            content = b"".join(self._http.body(answer, limit, self.patience.document_s))
            return answer.headers.get("content-type", ""), content

        return self._get(path, headers, take)

    def _download(self, what: Descriptor, part: Path, told: Callable[[int], None]) -> None:
        def take(answer: httpx2.Response) -> None:
            whole, size = hashlib.sha256(), 0
            with part.open("wb") as file:
                for piece in self._http.body(answer, what.size, self.patience.layer_s):
                    whole.update(piece)
                    size += len(piece)
                    file.write(piece)
                    told(len(piece))
            _check(what, size, f"sha256:{whole.hexdigest()}", self.name)

        self._get(f"blobs/{what.digest}", {}, take)

    def _get(self, path: str, headers: Mapping[str, str], take: Callable[[httpx2.Response], T]) -> T:
        """What `take` makes of the answer; when the registry asks who is there, it is told, once."""
        url = f"{self.reference.base}/{self.reference.repository}/{path}"
        known: Credential | None = None
        for told in (False, True):
            sent = {**headers, **({"Authorization": self._authorization} if self._authorization else {})}
            with self._http.answer(url, sent) as answer:
                if answer.status_code == 200:
                    return take(answer)
                challenge = parse_challenge(answer.headers.get("www-authenticate", ""))
                if told or answer.status_code != 401 or challenge is None:
                    raise self._refusal(answer.status_code, path, known)
            known = credentials.credential(self.reference.host, self.reference.repository)
            self._authorization = self._answer_to(challenge, known)
        raise AssertionError  # the second time returns or raises

    def _answer_to(self, challenge: Challenge, known: Credential | None) -> str:
        """The Authorization header that a challenge asks for."""
        if not challenge.realm:
            if known is None or known.identity:
                raise self._refusal(401, "", None)
            return known.basic
        if not challenge.realm.startswith("https://") and not (
            challenge.realm.startswith("http://")
            and is_loopback(challenge.host)
            and is_loopback(self.reference.host)
        ):
            what = f"{self.name} sends us for a token to an unprotected address"
            raise http.unauthorized(what, "do not use this registry")
        return retried(lambda: f"Bearer {self._token(challenge, known)}", self.patience)

    def _token(self, challenge: Challenge, known: Credential | None) -> str:
        repository = self.reference.repository
        if known is not None and known.identity:
            url, headers, form = challenge.realm, {}, challenge.form(repository, known)
        else:
            headers = {"Authorization": known.basic} if known is not None else {}
            url, form = challenge.address(repository), None
        with self._http.answer(url, headers, form) as answer:
            if answer.status_code != 200:
                raise self._refusal(
                    401 if answer.status_code in {400, 401, 403} else answer.status_code, "", known
                )
            content = b"".join(self._http.body(answer, _TOKEN_BYTES, self.patience.document_s))
        try:
            found = json.loads(content)
            token = found.get("token") or found.get("access_token")
        except (ValueError, AttributeError, RecursionError):
            token = None
        if not is_token(token):
            # What it sent may be a secret: never shown.
            raise http.unauthorized(f"{self.name}: its token service gave no token", "try again later")
        return str(token)

    def _refusal(self, status: int, path: str, known: Credential | None) -> TrimaranError:
        if status in {401, 403}:
            who = (
                f"refuses the credentials of {printable(known.username)[:100] or 'a token'}"
                if known
                else ("is not open to everybody, or is not there, and no credentials are known for it")
            )
            fix = f"log in with your container tool, as `docker login {self.reference.host}`"
            return http.unauthorized(f"{self.name} {who} (HTTP {status})", fix)
        if status == 404:
            what = (
                f"{self.name} is not there" if path.startswith("manifests/") else f"{self.name} lacks {path}"
            )
            return fail("TRM1108", what, "check the name and the tag")
        what = f"{self.name}: its registry answers with HTTP {status}"
        return fail("TRM1103", what, "check the reference, and that this is a registry")


def _check(what: Descriptor, size: int, digest: str, name: str) -> None:
    if (size, digest) != (what.size, what.digest):
        raise model.lies(what.digest, f"{name} sends {size} bytes with {digest}, announced were {what.size}")
