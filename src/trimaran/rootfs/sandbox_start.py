"""The few instructions that start a program inside a sandbox of bubblewrap, as a file of their own. Pure.

Bubblewrap alone does not tell why the kernel refused a program: it starts it by execvp, which gives what is
no program to /bin/sh. And it goes on when we have died while it was still making the sandbox. So the first
program that it starts is this one. It tells that it is there, waits for our word, and ends when none can come
any more; then the kernel starts the program in its own place, or it tells the number of the error.
"""

import struct

MACHINE = "x86_64"
_BASE = 0x400000
_TELLS, _WAITS = 0x11111111, 0x22222222

# Each line is one call of the system: what it does, and its instructions.
_CODE = bytes.fromhex(
    "bf11111111 4889e6 ba01000000 b801000000 0f05"  # write(tells, argc, 1): it is there
    "bf22222222 488d7424f0 ba01000000 31c0 0f05"  # read(waits, …, 1)
    "83f801 7558"  # not one byte: to the end
    "bf22222222 b803000000 0f05"  # close(waits)
    "bf11111111 be02000000 ba01000000 b848000000 0f05"  # fcntl(tells, F_SETFD, FD_CLOEXEC)
    "488b7c2410 488d742410 488b0c24 488d54cc10 b83b000000 0f05"  # execve(argv[1], argv + 1, environment)
    "f7d8 884424f0"  # the error's number
    "bf11111111 488d7424f0 ba01000000 b801000000 0f05"  # write(tells, number, 1)
    "bf7f000000 b8e7000000 0f05"  # exit_group(127)
)


def starter(tells: int, waits: int) -> bytes:
    """The program as an ELF file for x86-64.

    Args:
        tells: the descriptor that it writes one byte to when it is there, and an errno when exec fails.
        waits: the descriptor that it reads one byte from before it goes on.
    """
    code = _CODE.replace(struct.pack("<I", _TELLS), struct.pack("<I", tells))
    code = code.replace(struct.pack("<I", _WAITS), struct.pack("<I", waits))
    size = 64 + 56 + len(code)
    head = struct.pack(
        "<4s5B7xHHIQQQIHHHHHH",
        b"\x7fELF", 2, 1, 1, 0, 0, 2, 62, 1, _BASE + 120, 64, 0, 0, 64, 56, 1, 64, 0, 0,
    )  # fmt: skip
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return head + segment + code
