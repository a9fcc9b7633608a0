"""A shell that outlives us by a moment, to end what bubblewrap has begun when we are killed.

Bubblewrap ends with us, too; but when that is in its first milliseconds, its child waits for it for ever.
"""

import subprocess
from contextlib import ExitStack, suppress

# The word comes when all is done; the end of the pipe without it means that we are gone. 0 is its own group.
_SCRIPT = "read word || kill -9 0"


def minded(stack: ExitStack) -> int:
    """A group of processes that is ended when we are gone; 0 for a new group, where there is no shell.

    A process is put into the group before it becomes another program, and holds the shell's pipe until then:
    so there is no moment in which it would be forgotten.
    """
    try:
        shell = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT], bufsize=0, process_group=0, env={},
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return 0
    stack.callback(_dismiss, shell)
    return shell.pid


def _dismiss(shell: "subprocess.Popen[bytes]") -> None:
    if shell.stdin is not None:
        with suppress(OSError):
            shell.stdin.write(b"done\n")
        shell.stdin.close()
    shell.wait()
