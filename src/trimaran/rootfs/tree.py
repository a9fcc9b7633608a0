"""Writes files into a folder by names that strangers chose, and never anywhere else.

Every name is walked part by part from the folder's own descriptor, without following a link of the system:
links that are in the tree are followed by us, inside the tree, as in a chroot. Nothing keeps its owner, a
setuid or setgid bit, or a device's number.
"""

import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from trimaran.errors import fail, printable
from trimaran.rootfs.bounds import DEEPEST, NAME_BYTES, Bounds, dangling, hostile, split
from trimaran.rootfs.descriptors import lstat, same, write

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LINKS = 40  # as many as Linux follows
_TOLD = 100


class Tree:
    """A folder that is being filled. Close it, or use it as a context."""

    def __init__(self, folder: Path, bounds: Bounds | None = None) -> None:
        self._root = os.open(folder, _FOLDER)
        self.bounds = bounds or Bounds()
        self.left_bytes = self.bounds.size_bytes
        self.left_entries = self.bounds.entries
        self.skipped: list[str] = []
        """Names of what was left out: devices, pipes, sockets; at most a hundred."""
        self.skipped_count = 0
        self._made: set[str] = set()
        self._last: tuple[tuple[str, ...], int, str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        self._forget()
        os.close(self._root)

    def next_layer(self) -> None:
        """What is written from now on lies over what is there."""
        self._made.clear()

    # -- what an entry can be

    def folder(self, name: str, mode: int) -> None:
        """A folder; one that is there keeps what is in it."""
        self._count(name)
        parts = split(name)
        if not parts:
            return
        parent, place = self._parent(parts)
        last = parts[-1]
        if self._mode(parent, last, folder=True) is None:
            os.mkdir(last, 0o700, dir_fd=parent)
        own = os.open(last, _FOLDER, dir_fd=parent)
        try:
            os.fchmod(own, mode & 0o777 | 0o700)
        finally:
            os.close(own)
        self._note(place, last)

    def file(self, name: str, mode: int, size: int, pieces: Iterable[tuple[int, bytes]]) -> None:
        """A regular file.

        Args:
            size: its length; what no piece covers is zero.
            pieces: (offset, bytes), in order.
        """
        self._count(name)
        self.take(name, size)
        parts = split(name)
        if not parts:
            raise hostile(name, "is the folder itself, and stands for a file")
        parent, place = self._parent(parts)
        self._mode(parent, parts[-1])
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        own = os.open(parts[-1], flags, 0o600, dir_fd=parent)
        try:
            for offset, piece in pieces:
                write(own, offset, piece)
            os.ftruncate(own, size)
            os.fchmod(own, mode & 0o777 | 0o400)
        finally:
            os.close(own)
        self._note(place, parts[-1])

    def link(self, name: str, target: str) -> None:
        """A symbolic link, kept as it is: it leads somewhere inside wherever the tree is used as a root."""
        self._count(name)
        parts = split(name)
        if not parts or not target or "\0" in target or len(os.fsencode(target)) >= NAME_BYTES:
            raise hostile(name, "is a link that no system can have")
        parent, place = self._parent(parts)
        self._mode(parent, parts[-1])
        os.symlink(target, parts[-1], dir_fd=parent)
        self._note(place, parts[-1])
        self._forget()

    def hard_link(self, name: str, target: str) -> None:
        """Another name for a file of the tree."""
        self._count(name)
        parts, aim = split(name), split(target)
        if not parts or not aim:
            raise hostile(name, "is a hard link to the folder itself")
        source = self._walk(aim[:-1], make=False)
        if source is None:
            raise dangling(name, target)
        try:
            there = lstat(source[0], aim[-1])
            if there is None or not (stat.S_ISREG(there.st_mode) or stat.S_ISLNK(there.st_mode)):
                raise dangling(name, target)
            parent, place = self._parent(parts)
            if not same(there, lstat(parent, parts[-1])):
                self._mode(parent, parts[-1])
                os.link(aim[-1], parts[-1], src_dir_fd=source[0], dst_dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            # Making way for the new name took the old one with it.
            raise dangling(name, target) from None
        finally:
            os.close(source[0])
        self._note(place, parts[-1])

    def skip(self, name: str) -> None:
        """Something that is not taken over."""
        self._count(name)
        split(name)
        self.skipped_count += 1
        if len(self.skipped) < _TOLD:
            self.skipped.append(printable(name)[:200])

    # -- what a layer takes away

    def remove(self, name: str) -> None:
        """Take away what a lower layer brought; nothing when it is not there."""
        self._count(name)
        parts = split(name)
        found = self._walk(parts[:-1], make=False) if parts else None
        if found is None:
            return
        try:
            place = "/".join((*found[1], parts[-1]))
            if place not in self._made:
                self._delete(found[0], parts[-1])
        finally:
            os.close(found[0])

    def empty(self, name: str) -> None:
        """Take away everything in a folder that lower layers brought; what this layer made stays."""
        self._count(name)
        found = self._walk(split(name), make=False)
        if found is None:
            return
        self._forget()
        try:
            self._empty(found[0], found[1])
        finally:
            os.close(found[0])

    def _empty(self, folder: int, place: tuple[str, ...]) -> None:
        for each in os.listdir(folder):
            inner = (*place, each)
            if "/".join(inner) not in self._made:
                self._delete(folder, each)
                continue
            there = lstat(folder, each)
            if there is not None and stat.S_ISDIR(there.st_mode):
                own = os.open(each, _FOLDER, dir_fd=folder)
                try:
                    self._empty(own, inner)
                finally:
                    os.close(own)

    # -- walking

    def _parent(self, parts: tuple[str, ...]) -> tuple[int, str]:
        """The folder in which the last part stands, made where it is missing, and its name in the tree."""
        above = parts[:-1]
        if self._last is not None and self._last[0] == above:
            return self._last[1], self._last[2]
        found = self._walk(above, make=True)
        assert found is not None  # noqa: S101 - only walking without making finds nothing
        self._forget()
        self._last = (above, found[0], "/".join(found[1]))
        return self._last[1], self._last[2]

    def _forget(self) -> None:
        if self._last is not None:
            os.close(self._last[1])
            self._last = None

    def _walk(self, parts: Iterable[str], make: bool) -> tuple[int, tuple[str, ...]] | None:
        """An open folder and its place without links; None when it is not there and not to be made."""
        ahead, done, links = list(parts)[::-1], list[str](), 0
        stack = [os.dup(self._root)]
        try:
            while ahead:
                part = ahead.pop()
                if part == "..":
                    if done:
                        done.pop()
                        os.close(stack.pop())
                    continue
                target = self._enter(stack, part, make)
                if target is None:
                    return None
                links += bool(target)
                if len(done) >= DEEPEST or links > _LINKS:
                    raise hostile("/".join((*done, part)), "is too deep, or reached by links that go round")
                if not target:
                    done.append(part)
                    continue
                if target.startswith("/"):
                    done = []
                    while len(stack) > 1:
                        os.close(stack.pop())
                ahead += [each for each in target.split("/") if each not in {"", "."}][::-1]
            return os.dup(stack[-1]), tuple(done)
        finally:
            for each in stack:
                os.close(each)

    def _enter(self, stack: list[int], part: str, make: bool) -> str | None:
        """Open a folder in the last of `stack`, and put it there: empty text; a link's target for a link."""
        for _ in range(2):
            try:
                stack.append(os.open(part, _FOLDER, dir_fd=stack[-1]))
            except FileNotFoundError:
                if not make:
                    return None
                os.mkdir(part, 0o755, dir_fd=stack[-1])
                continue
            except OSError:
                return self._target(stack[-1], part, make)
            return ""
        return None

    def _target(self, folder: int, part: str, make: bool) -> str | None:
        there = lstat(folder, part)
        if there is not None and stat.S_ISLNK(there.st_mode):
            return os.readlink(part, dir_fd=folder)
        if not make:
            return None
        raise hostile(part, "is a file, and a folder as well")

    def _mode(self, parent: int, last: str, folder: bool = False) -> int | None:
        """Make way for a new entry; what stays is a folder where a folder comes, and its mode is returned."""
        there = lstat(parent, last)
        if there is None:
            return None
        if folder and stat.S_ISDIR(there.st_mode):
            return there.st_mode
        self._delete(parent, last)
        return None

    def _delete(self, folder: int, name: str) -> None:
        there = lstat(folder, name)
        if there is None:
            return
        if stat.S_ISDIR(there.st_mode):
            shutil.rmtree(name, dir_fd=folder)
            if self._last is not None and self._last[1] != folder:
                self._forget()  # it may have been in what is gone
        else:
            os.unlink(name, dir_fd=folder)

    def _note(self, place: str, last: str) -> None:
        """Remember that this layer made it, and so the folders above it."""
        full = f"{place}/{last}" if place else last
        while full and full not in self._made:
            self._made.add(full)
            full = full.rpartition("/")[0]

    # -- bounds

    def _count(self, name: str) -> None:
        self.left_entries -= 1
        if self.left_entries < 0:
            what = f"more than {self.bounds.entries} files, folders and links (at {printable(name)[:200]})"
            raise fail("TRM1129", what, "give the root of a distribution; none has so many")

    def take(self, name: str, size: int) -> None:
        """Count bytes before they are written. Raises TRM1129 when they are too many."""
        self.room(name, size)
        self.left_bytes -= size

    def room(self, name: str, size: int) -> None:
        """Raises TRM1129 when so many bytes would be too many."""
        if not 0 <= size <= self.left_bytes:
            what = f"more than {self.bounds.size_bytes >> 20} MiB unpacked (at {printable(name)[:200]})"
            raise fail("TRM1129", what, "give the root of a distribution; none is so large")
