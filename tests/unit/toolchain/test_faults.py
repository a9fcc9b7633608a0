"""What `go` says when it fails, in Go's own words, and what we make of it."""

import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

import trimaran.toolchain
from trimaran.toolchain import faults
from trimaran.toolchain.faults import Fault

# Each text was printed by go1.26.8, shortened.
_SAID = [
    ("TRM0308", "verifying m@v1.0.0: checksum mismatch\n\tdownloaded: h1:a\n\tSECURITY ERROR"),
    ("TRM0305", "m@v1.0.0: module lookup disabled by GOPROXY=off"),
    ("TRM0306", 'Get "http://127.0.0.1:1/m/@v/v1.info": dial tcp 127.0.0.1:1: connect: connection refused'),
    ("TRM0306", 'Get "https://p/m": tls: failed to verify certificate: x509: signed by unknown authority'),
    ("TRM0307", "m@v1: reading http://p/m/@v/v1.info: 502 Bad Gateway"),
    ("TRM0307", "m@v1: reading http://p/m/@v/v1.info: 429 Too Many Requests"),
    ("TRM0309", 'Get "https://p/m": net/http: TLS handshake timeout'),
    ("TRM0310", "m@v1: unexpected EOF"),
    ("TRM0310", "m@v1: zip: not a valid zip file"),
    ("TRM0313", "module m@v1 found, but does not contain package m/cmd/x"),
    ("TRM0313", "no required module provides package example.com/m/x; to add it:\n\tgo get x"),
    ("TRM0313", "stat /m/cmd/nope: directory not found"),
    ("TRM0313", "package m: no Go files in /m"),
    ("TRM0335", "package m: build constraints exclude all Go files in /m"),
    ("TRM0314", "package m/pkg is not a main package"),
    ("TRM0316", "# m\n/tmp/a.o: write: no space left on device"),
    ("TRM0316", "go: writing go.mod cache: mkdir x: No space left on device"),
    ("TRM0317", "# m/cmd\n./main.go:3:2: undefined: nope"),
    ("TRM0317", "# m/cmd\n./main.go:9:1: syntax error: unexpected EOF, expecting }"),
    ("TRM0317", "main.go:3:2: expected 'package', found 'EOF'"),
    (
        "TRM0318",
        '# runtime/cgo\ncgo: C compiler "gcc" not found: exec: "gcc": not found in $PATH',
    ),
    ("TRM0304", "go: errors parsing go.mod:\ngo.mod:3: unknown directive: nope"),
    ("TRM0304", "a.go:3:8: missing go.sum entry for module providing package x"),
    ("TRM0301", "go: unsupported GOOS/GOARCH pair plan9/sparc"),
    ("TRM0319", "something new"),
    ("TRM0319", ""),
]


@pytest.mark.parametrize(("code", "text"), _SAID)
def test_each_failure_of_go_has_its_code(code: str, text: str) -> None:
    problem = faults.read(text, "m@v1", "./cmd", "linux/amd64").problem
    assert problem.code == code
    assert problem.fix


@pytest.mark.parametrize(
    "text",
    [
        "reading https://p/m/@v/v9.info: 404 Not Found",
        "reading https://p/m/@v/v9.info: 410 Gone",
        "reading https://p/m/@v/v9.info: 403 Forbidden",
        'no matching versions for query "v9"',
        "invalid version: unknown revision v9",
    ],
)
def test_what_is_not_there_is_told_apart_from_what_went_wrong(text: str) -> None:
    assert faults.read(text, "m@v9", ".", "linux/amd64").fault is Fault.ABSENT


def test_a_go_that_is_too_old_tells_what_is_needed() -> None:
    text = "go: m@v1 requires go >= 1.99.0 (running go 1.26.8; GOTOOLCHAIN=local)"
    reading = faults.read(text, "m@v1", ".", "linux/amd64")
    assert (reading.fault, reading.needs, reading.problem.code) == (Fault.NEEDS_NEWER_GO, "1.99.0", "TRM0315")


def test_replace_directives_can_be_got_around() -> None:
    text = "The go.mod file for the module contains one or more\n\treplace directives."
    assert faults.read(text, "m@v1", ".", "linux/amd64").fault is Fault.REPLACES


def test_the_compilers_lines_are_shown_bounded_and_harmless() -> None:
    lines = "\n".join(f"./a.go:{at}:1: \x1b[31mred" for at in range(100))
    detail = faults.read(f"go: downloading x v1\n# m\n{lines}", "m", ".", "linux/amd64").problem.detail
    assert detail[0] == "# m"
    assert len(detail) == 21
    assert detail[-1] == "… and 81 more lines"
    assert "\x1b" not in "".join(detail)


def test_every_code_of_this_room_is_explained_and_every_explanation_is_used() -> None:
    room = Path(next(iter(trimaran.toolchain.__path__)))
    used = {
        code for path in room.glob("*.py") for code in re.findall(r'"(TRM\d{4})"', path.read_text("utf-8"))
    }
    text = resources.files("trimaran.codes").joinpath("toolchain.toml").read_text("utf-8")
    assert used == set(tomllib.loads(text))
