"""What a static program tells of the glibc in it, as far as its name services go. Pure.

A static glibc still opens the modules of nsswitch.conf (`libnss_*.so.2`) while it runs. Which release it is
stands nowhere; the texts of its own messages bound it.
"""

from typing import NamedTuple

from trimaran.binary.constants import Constants

_CONFIGURATION = b"/etc/nsswitch.conf\0"
# How a module's name was put together before 2.34, and is since then, when `files` and `dns` are built in.
_MODULE_OLD, _MODULE_NEW = b"libnss_%s.so.%d.%d\0", b"libnss_%s.so%s\0"
# A name that 2.41 gives to memory of its own; measured in static programs of 2.36 and 2.41.
_SINCE_2_41 = b" glibc: getrandom\0"
_USERS = (b"\0getpwuid_r\0", b"\0getpwnam_r\0", b"\0getgrgid_r\0", b"\0getgrnam_r\0")
_KERNEL = b"FATAL: kernel too old\n"


class StaticGlibc(NamedTuple):
    """The name services of a glibc that was linked in.

    Args:
        users: whether the program can look up users or groups; else only hosts and services.
        first: the oldest release that it can be.
        before: the first release that it cannot be any more; None when it may be any newer one.
    """

    users: bool
    first: tuple[int, ...]
    before: tuple[int, ...] | None

    @property
    def built_in(self) -> bool:
        """Whether files and DNS need no module."""
        return self.first >= (2, 34)

    def other_than(self, release: tuple[int, ...]) -> bool:
        """Whether it is certainly another release."""
        return release < self.first or (self.before is not None and release >= self.before)


def checks_kernel(constants: Constants) -> bool:
    """Whether it compares the kernel's release at its start; glibc 2.31 does, 2.36 no longer."""
    return not constants.lacks(_KERNEL)


def has(constants: Constants) -> bool:
    """Whether a static program that glibc's startup files are in has name services."""
    return constants.has(_CONFIGURATION) and (constants.has(_MODULE_NEW) or constants.has(_MODULE_OLD))


def read(constants: Constants) -> StaticGlibc | None:
    """For a static program that glibc's startup files are in; None when it has no name services."""
    if not has(constants):
        return None
    if constants.has(_MODULE_NEW):
        # The table of the built-in `files` names each function once, whoever calls it.
        users = any(constants.has(name, 2) for name in _USERS)
        older = constants.lacks(_SINCE_2_41)
        return StaticGlibc(users, (2, 34), (2, 41)) if older else StaticGlibc(users, (2, 41), None)
    return StaticGlibc(any(constants.has(name) for name in _USERS), (2,), (2, 34))
