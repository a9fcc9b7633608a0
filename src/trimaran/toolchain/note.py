"""Signed notes, the form in which a checksum database states its tree. Pure.

The form is that of golang.org/x/mod/sumdb/note: text, an empty line, then signature lines. The key is
written `name+hash+base64`, where the hash is the first four bytes of SHA-256 over the name and the key.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ED25519 = 1
_LIMIT = 1 << 20
_SIGNATURE = re.compile("\N{EM DASH} ([^ +]+) ([A-Za-z0-9+/=]+)")
_TREE = re.compile(r"go\.sum database tree\n(0|[1-9][0-9]{0,17})\n([A-Za-z0-9+/]{43}=)\n(?:.*\n)*")


class NoteError(ValueError):
    """A note that is malformed, or that the key did not sign."""


@dataclass(frozen=True, slots=True)
class Key:
    """A database's public key.

    Args:
        name: the database's, `sum.golang.org`.
        identity: four bytes that mark this key's signatures.
        public: the Ed25519 key, 32 bytes.
    """

    name: str
    identity: bytes
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `name+hash+base64`. Raises NoteError when the parts do not belong together."""
        name, _, rest = text.partition("+")
        digest, _, encoded = rest.partition("+")
        key = _decoded(encoded)
        identity = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
        if not name or len(key) != 33 or key[0] != _ED25519 or digest != identity.hex():
            raise NoteError("this is not the key of a checksum database")
        return cls(name, identity, key[1:])


@dataclass(frozen=True, slots=True)
class Tree:
    """A database's state: how many records it holds, and the hash over all of them."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the database.

    Args:
        number: its place in the tree, from 0.
        text: lines as in go.sum, with their line ends.
    """

    number: int
    text: str


def signed_tree(note: bytes, key: Key) -> Tree:
    """The tree that a note states. Raises NoteError unless `key` signed it."""
    text, found = _split(note)
    for name, signature in found:
        if name == key.name and signature[:4] == key.identity:
            _verify(text, signature[4:], key)
            return _tree(text)
    raise NoteError(f"it carries no signature by {key.name}")


def _verify(text: str, signature: bytes, key: Key) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except InvalidSignature:
        raise NoteError(f"its signature is not by {key.name}") from None


def _split(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    if len(note) > _LIMIT:
        raise NoteError("it is too long")
    try:
        whole = note.decode("utf-8")
    except UnicodeDecodeError:
        raise NoteError("it is not text") from None
    text, gap, lines = whole.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise NoteError("it carries no signature")
    matches = [_SIGNATURE.fullmatch(line) for line in lines[:-1].split("\n")]
    if not all(matches):
        raise NoteError("a signature line is malformed")
    return text + "\n", [(match[1], _decoded(match[2])) for match in matches if match]


def _tree(text: str) -> Tree:
    match = _TREE.fullmatch(text)
    if match is None:
        raise NoteError("it states no tree")
    return Tree(int(match[1]), _decoded(match[2]))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("it holds malformed base64") from None


def record_and_note(answer: bytes) -> tuple[Record, bytes]:
    """The two parts of the answer to a look-up: number, text, empty line, note. Raises NoteError."""
    head, gap, note = answer.partition(b"\n\n")
    number, line_end, text = head.partition(b"\n")
    if not gap or not line_end or not re.fullmatch(rb"0|[1-9][0-9]{0,17}", number):
        raise NoteError("it is not a record")
    try:
        return Record(int(number), text.decode("utf-8") + "\n"), note
    except UnicodeDecodeError:
        raise NoteError("its record is not text") from None


def content_hash(record: Record, module: str, version: str) -> str:
    """The `h1:` hash that a record states for a module. Raises NoteError when it states none or two."""
    found = [
        line.rpartition(" ")[2]
        for line in record.text.splitlines()
        if line.startswith(f"{module} {version} ")
    ]
    if len(found) != 1 or not re.fullmatch(r"h1:[A-Za-z0-9+/]{43}=", found[0]):
        raise NoteError(f"its record is not about {module} {version}")
    return found[0]
