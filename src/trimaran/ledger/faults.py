"""What goes wrong with the ledger's file, in words: one clear error for each."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from trimaran.errors import TrimaranError, fail

_CORRUPT = "restore it from a backup, or move it and its heads file away to begin a new one"
_BY_NAME = (
    # the start of SQLite's name for the error, code, what, fix
    ("SQLITE_CORRUPT", "TRM0401", "is damaged", _CORRUPT),
    ("SQLITE_NOTADB", "TRM0401", "is not a ledger", _CORRUPT),
    (
        "SQLITE_READONLY",
        "TRM0402",
        "cannot be written",
        "give this user write access to it and to its folder",
    ),
    ("SQLITE_PERM", "TRM0402", "cannot be written", "give this user write access to it and to its folder"),
    ("SQLITE_FULL", "TRM0403", "cannot grow: the disk is full", "free some space and run the command again"),
    (
        "SQLITE_BUSY",
        "TRM0404",
        "is locked by another process",
        "wait for it to end and run the command again",
    ),
    (
        "SQLITE_LOCKED",
        "TRM0404",
        "is locked by another process",
        "wait for it to end and run the command again",
    ),
    ("SQLITE_CANTOPEN", "TRM0405", "cannot be opened", "check that it is a file that this user may read"),
)
_BY_ERRNO = {
    errno.ENOSPC: _BY_NAME[4],
    errno.EDQUOT: _BY_NAME[4],
    errno.EACCES: _BY_NAME[2],
    errno.EPERM: _BY_NAME[2],
    errno.EROFS: _BY_NAME[2],
}


def _of_database(name: str, error: DBAPIError) -> TrimaranError:
    sqlite = getattr(error.orig, "sqlite_errorname", "")
    for start, code, what, fix in _BY_NAME:
        if sqlite.startswith(start):
            return fail(code, f"the ledger {name} {what}", fix)
    if "no such table" in str(error.orig) or "no such column" in str(error.orig):
        return fail("TRM0401", f"the ledger {name} is not a ledger", _CORRUPT)
    return fail("TRM0407", f"the ledger {name} failed: {error.orig}", "check the disk that holds it")


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turns what the database and the file system raise into TrimaranError.

    Args:
        name: the ledger's, as the user knows it.
    """
    try:
        yield
    except UnicodeEncodeError as error:
        what = f"a name that is not valid Unicode cannot be kept in the ledger {name}"
        raise fail("TRM0416", what, "rename what the command was given") from error
    except DBAPIError as error:
        raise _of_database(name, error) from error
    except OSError as error:
        _, code, what, fix = _BY_ERRNO.get(
            error.errno or 0, ("", "TRM0407", "failed", "check the disk that holds it")
        )
        raise fail(code, f"the ledger {name} {what}: {error.strerror or error}", fix) from error
