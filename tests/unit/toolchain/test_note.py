"""Signed notes: a real one is believed, and nothing that was changed is."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.toolchain.liar import DATABASE, Log, sign

from trimaran.toolchain import note
from trimaran.toolchain.database import trusted
from trimaran.toolchain.note import Key, NoteError

# The public answer of Go's checksum database, as it was on 2026-11-23.
REAL = """59742117
golang.org/toolchain v0.0.1-go1.26.6.linux-amd64 h1:owmNw4SPM9h46FGOeGJVUWzFEEDSmO6g7gAtWoXp28s=
golang.org/toolchain v0.0.1-go1.26.6.linux-amd64/go.mod h1:8wlg68NqwW7eMnI1aABk/C2pDYXj8mrMY4TyRfiLeS0=

go.sum database tree
66398721
5oXTdOltbW8oy+WAHSPYkUE7FskIY/5ZJCYGy+buJ3g=

\N{EM DASH} sum.golang.org Az3grkwAPWdf0j0QaqFdZ3Hg/pDusO9we04GR+upDAujfj+kau8Vz\
eyO7Xqw0j0qZNnwMvwiV98DluG2iyB8t4v4WQU=
""".encode()


def test_a_real_note_is_believed() -> None:
    record, signed = note.record_and_note(REAL)
    tree = note.signed_tree(signed, trusted().key)
    assert tree.size == 66398721
    assert record.number == 59742117
    stated = note.content_hash(record, "golang.org/toolchain", "v0.0.1-go1.26.6.linux-amd64")
    assert stated == "h1:owmNw4SPM9h46FGOeGJVUWzFEEDSmO6g7gAtWoXp28s="


def test_no_byte_of_the_signed_text_can_be_changed() -> None:
    _, signed = note.record_and_note(REAL)
    text_ends = signed.rindex(b"\n\n") + 1
    for at in range(text_ends):
        changed = bytearray(signed)
        changed[at] ^= 1
        with pytest.raises(NoteError):
            note.signed_tree(bytes(changed), trusted().key)


def test_a_signature_by_another_key_is_refused() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    text = "go.sum database tree\n1\n" + "A" * 43 + "=\n"
    with pytest.raises(NoteError, match="no signature by"):
        note.signed_tree(sign(text, other), DATABASE.key)


def test_a_signature_over_other_text_is_refused() -> None:
    log = Log("a\n", "b\n")
    lines = log.note(1).split(b"\n\n")[1]
    with pytest.raises(NoteError, match="its signature is not by"):
        note.signed_tree(log.note(2).split(b"\n\n")[0] + b"\n\n" + lines, DATABASE.key)


@pytest.mark.parametrize(
    "broken",
    [b"", b"\n\n", b"text", b"\xff\n\n\xe2\x80\x94 a b\n", b"t\n\nno signature\n", b"x" * (1 << 21)],
)
def test_what_is_no_note_is_refused(broken: bytes) -> None:
    with pytest.raises(NoteError):
        note.signed_tree(broken, DATABASE.key)


def test_a_signed_text_that_is_no_tree_is_refused() -> None:
    for text in ("something else\n", "go.sum database tree\n-1\nAAAA\n", "go.sum database tree\n01\nA\n"):
        with pytest.raises(NoteError):
            note.signed_tree(sign(text), DATABASE.key)


def test_a_key_whose_parts_do_not_belong_together_is_refused() -> None:
    with pytest.raises(NoteError):
        Key.parse("sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    with pytest.raises(NoteError):
        Key.parse("sum.example.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")


def test_a_record_about_something_else_or_about_two_hashes_is_refused() -> None:
    record, _ = note.record_and_note(REAL)
    with pytest.raises(NoteError, match="not about"):
        note.content_hash(record, "golang.org/toolchain", "v0.0.1-go1.26.7.linux-amd64")
    line = record.text.splitlines()[0]
    twice = note.Record(1, f"{line}\n{line}\n")
    with pytest.raises(NoteError, match="not about"):
        note.content_hash(twice, "golang.org/toolchain", "v0.0.1-go1.26.6.linux-amd64")


@pytest.mark.parametrize("answer", [b"", b"12\n", b"x\na\n\nnote", b"-1\na\n\nnote", b"01\na\n\nn", b"\n\n"])
def test_what_is_no_record_is_refused(answer: bytes) -> None:
    with pytest.raises(NoteError):
        note.record_and_note(answer)
