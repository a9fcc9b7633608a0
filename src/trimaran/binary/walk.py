"""Finds the files of a directory. Links are not followed, and what is no regular file is left alone."""

import os
from collections.abc import Iterator

from trimaran.binary.reader import unreadable
from trimaran.errors import TrimaranError


def walk(folder: str) -> Iterator[str | TrimaranError]:
    """Paths of all regular files below `folder`, hidden ones too, in the order of their bytes.

    One folder's names are held at a time, and those of the folders above it.

    Yields:
        A path that starts with `folder`; or TRM0201 for a folder that cannot be read, and goes on.
    """
    names = _names(folder)
    if isinstance(names, TrimaranError):
        yield names
        return
    # A list of iterators instead of recursion: a folder may be nested deeper than Python recurses.
    levels = [iter(names)]
    while levels:
        found = next(levels[-1], None)
        if found is None:
            levels.pop()
            continue
        path, is_folder = found
        if not is_folder:
            yield path
            continue
        below = _names(path)
        if isinstance(below, TrimaranError):
            yield below
        else:
            levels.append(iter(below))


def _names(folder: str) -> list[tuple[str, bool]] | TrimaranError:
    found: list[tuple[bytes, str, bool]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder or entry.is_file(follow_symlinks=False):
                    found.append((os.fsencode(entry.name), entry.path, is_folder))
    except OSError as error:
        return unreadable(folder, error)
    found.sort()
    return [(path, is_folder) for _, path, is_folder in found]
