"""What a program asked for, from a tracer's lines."""

from hypothesis import given
from hypothesis import strategies as st

from trimaran.portability.verify_report import cleaned, tail
from trimaran.portability.verify_trace import Trace, parse
from trimaran.rootfs.sandbox_plan import HOME

FIRST = "/tmp/program/bin/x"
LINES = r"""
10 openat(AT_FDCWD</srv>, "/etc/of-the-maker", O_RDONLY) = 3</etc/of-the-maker>
11 execve("/tmp/program/start", ["/tmp/program/start"], 0x1 /* 5 vars */) = 0
11 execve("/tmp/program/bin/x", ["x", "a, b"], 0x1 /* 5 vars */) = 0
10 openat(AT_FDCWD</srv>, "/etc/of-the-maker-too", O_RDONLY) = 3
11 access("/etc/ld.so.preload", R_OK)      = -1 ENOENT (No such file or directory)
11 openat(AT_FDCWD</srv>, "/lib/hw/libc.so.6", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)
11 newfstatat(AT_FDCWD</srv>, "/lib/hw", 0x7ff, 0) = -1 ENOENT (No such file or directory)
11 openat(AT_FDCWD</srv>, "/lib/libc.so.6", O_RDONLY|O_CLOEXEC) = 3</lib/libc.so.6>
11 openat(AT_FDCWD</srv>, "plain.txt", O_RDONLY <unfinished ...>
12 openat(7</srv/d\303\251p>, "b\tc", O_RDONLY) = 4</srv/x>
11 <... openat resumed>) = 5</srv/plain.txt>
12 openat(AT_FDCWD</srv>, "/lib/libnss_sss.so.2", O_RDONLY) = -1 ENOENT (No such file or directory)
12 openat(AT_FDCWD</srv>, "/usr/lib/libnss_sss.so.2", O_RDONLY) = -1 ENOENT (No such file or directory)
12 newfstatat(AT_FDCWD</srv>, "/usr/lib", 0x7ff, 0) = -1 ENOENT (No such file or directory)
12 execve("/usr/bin/sh", ["sh"], 0x1 /* 5 vars */) = -1 ENOENT (No such file or directory)
12 execve("/bin/sh", ["sh"], 0x1 /* 5 vars */) = 0
12 openat(AT_FDCWD</srv>, "/etc/secret", O_RDONLY) = -1 EACCES (Permission denied)
11 +++ exited with 0 +++
"""


def test_only_the_program_and_what_it_started_are_told() -> None:
    assert parse(LINES.splitlines(), FIRST) == Trace(
        programs=(FIRST, "/bin/sh"),
        libraries=("/lib/libc.so.6",),
        name_services=("libnss_sss.so.2",),
        files=("/srv/d\N{LATIN SMALL LETTER E WITH ACUTE}p/b\N{REPLACEMENT CHARACTER}c", "/srv/plain.txt"),
        missing=("/etc/ld.so.preload", "/lib/libnss_sss.so.2"),
    )


def test_a_name_cannot_steer_a_terminal() -> None:
    lines = [f'1 execve("{FIRST}", [], 0) = 0', '1 open("/a\\33[2J\\nb", O_RDONLY) = 3']
    assert parse(lines, FIRST).files == ("/a\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}b",)


def test_it_is_bounded() -> None:
    lines = [f'1 execve("{FIRST}", [], 0) = 0', *(f'1 open("/f{n}", O_RDONLY) = 3' for n in range(2000))]
    assert len(parse(lines, FIRST).files) == 500


@given(st.lists(st.text(alphabet='0123456789 openat(")=\\<>.-ENOT/,x3', max_size=80), max_size=20))
def test_any_lines_are_borne(lines: list[str]) -> None:
    parse([f'1 execve("{FIRST}", [], 0) = 0', *lines], FIRST)


def test_a_report_hides_what_is_private() -> None:
    text = "open /home/anna/x as anna: password=hunter2 to https://anna:pw@host/ with Authorization: Bearer"
    found = cleaned(text, ["hostname", "anna"])
    assert not [word for word in ("anna", "hunter2", "pw@", "/home") if word in found]
    assert cleaned(f"{HOME}/.cache/x", []) == "~/.cache/x"


def test_a_tail_is_bounded_and_printable() -> None:
    lines = tail("\n".join(f"{number} \x1b[1m{'x' * 1000}" for number in range(100)))
    assert len(lines) == 40
    assert max(map(len, lines)) == 400
    assert "\x1b" not in "".join(lines)
