"""What the system is asked about open folders and files, by descriptor and never through a link."""

import os


def lstat(folder: int, name: str) -> os.stat_result | None:
    """What is there under a name; None when nothing is."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def same(one: os.stat_result, other: os.stat_result | None) -> bool:
    """Whether two names are of one file."""
    return other is not None and (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def write(file: int, offset: int, piece: bytes) -> None:
    """Write all of a piece."""
    view = memoryview(piece)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written
