"""A sandbox as data: its mounts, its command, and what is told of its end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.rootfs.sandbox_ended import Kept, Output, Told, ended
from trimaran.rootfs.sandbox_plan import Act, Cell, Ends, Mount, Stop, bubblewrap, by_hand, environment, tree
from trimaran.rootfs.sandbox_start import starter

ENDS = Ends(3, 4, 5, 6, 7, 8)


def test_every_mount_becomes_an_option_and_the_root_is_sealed_last() -> None:
    mounts = tree(
        [Mount(Act.BIND, "/usr", "/r/usr"), Mount(Act.LINK, "/bin", "usr/bin")], [("/f", "/tmp/p/f")]
    )
    words = bubblewrap(Cell(mounts, ("/tmp/p/f", "-x")), ENDS)
    assert " ".join(words).count("--remount-ro") == 2
    assert mounts[-1] == Mount(Act.SEAL, "/")
    line = " ".join(words)
    for part in (
        "--ro-bind /r/usr /usr",
        "--symlink usr/bin /bin",
        "--ro-bind /f /tmp/p/f",
        "--cap-drop ALL",
    ):
        assert part in line
    assert "--share-net" not in words
    assert "--share-net" in bubblewrap(Cell(mounts, ("/x",), network=True), ENDS)


def test_nothing_of_our_own_environment_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert set(environment({"A": "b"})) == {"PATH", "HOME", "USER", "LANG", "TERM", "A"}


def test_the_command_for_people_is_short_and_names_the_same_files() -> None:
    words = by_hand("/r", Cell((), ("/tmp/program/bin/x", "a b")), [("/f", "/tmp/program/bin/x")])
    assert words[:4] == ["bwrap", "--ro-bind", "/r", "/"]
    assert words[-3:] == ["--", "/tmp/program/bin/x", "a b"]


def test_the_starter_is_a_small_elf_file_with_the_given_descriptors() -> None:
    made = starter(6, 1_000_000)
    assert made[:4] == b"\x7fELF"
    assert made.count(b"\xbf\x06\x00\x00\x00") == 3
    assert made.count(b"\xbf\x40\x42\x0f\x00") == 2
    assert len(made) < 300


def test_a_long_output_keeps_both_ends() -> None:
    kept = Kept(100)
    for number in range(1000):
        kept.add(f"{number:04}\n".encode())
    text = kept.text()
    assert text.startswith("0000\n")
    assert text.endswith("0999\n")
    assert "… 4900 bytes left out …" in text


@given(st.lists(st.binary(max_size=30), max_size=30), st.integers(2, 64))
def test_output_never_grows_beyond_its_bound(pieces: list[bytes], most: int) -> None:
    kept = Kept(most)
    for piece in pieces:
        kept.add(piece)
    assert len(kept.head) + len(kept.tail) <= most
    assert kept.dropped == max(0, sum(map(len, pieces)) - len(kept.head) - len(kept.tail))


def told(*pieces: bytes, report: bytes = b"") -> Told:
    found = Told()
    for piece in pieces:
        found.more(piece)
    if report:
        found.started(report)
    return found


@pytest.mark.parametrize(
    ("found", "stop", "wanted"),
    [
        (told(b'{"child-pid": 5}\n{"exit-', b'code": 3}\n', report=b"\1"), None, (None, 3, None)),
        (told(b'{"exit-code": 139}\n', report=b"\1"), None, (None, None, "SIGSEGV")),
        (told(b'{"exit-signal": 6}\n'), None, (None, None, "SIGABRT")),
        (told(b'{"exit-code": 127}\n', report=b"\1\2"), None, ("ENOENT", None, None)),
        (told(b'{"exec-errno": 8}\n'), None, ("ENOEXEC", None, None)),
        (told(b'{"exit-code": 137}\n', report=b"\1"), Stop.TIME, (None, None, None)),
    ],
)
def test_an_end_is_read_from_what_was_told(
    found: Told, stop: Stop | None, wanted: tuple[str | None, int | None, str | None]
) -> None:
    seen = ended(found, Output(100), stop, 0.1)
    assert (seen.refused, seen.status, seen.signal) == wanted
    assert seen.unmade is None


def test_without_a_word_of_the_program_the_sandbox_was_not_made() -> None:
    output = Output(1000)
    output.add("stderr", b"bwrap: No permissions to create new namespace\n")
    seen = ended(told(b'{"child-pid": 5}\n'), output, None, 0.1)
    assert seen.unmade == "bwrap: No permissions to create new namespace"
    assert (seen.output, seen.errors) == ("", "")


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_any_report_is_borne(pieces: list[bytes]) -> None:
    ended(told(*pieces, b"[1]\nnull\n3\n"), Output(10), None, 0.0)
