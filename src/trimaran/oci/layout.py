"""An OCI image layout: a folder with `oci-layout`, `index.json` and `blobs`. Reads, never writes.

The form: image-layout.md of the OCI image specification.
"""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from trimaran.errors import Where, fail, printable
from trimaran.oci import model
from trimaran.oci.model import Descriptor

_PIECE = 1 << 20


def is_layout(folder: Path) -> bool:
    """Whether a folder says that it is one."""
    return (folder / "oci-layout").is_file() and (folder / "index.json").is_file()


class Layout:
    """A layout on disk; every blob's size and digest are checked before it is used."""

    def __init__(self, folder: Path, name: str = "") -> None:
        """With a `name`, only the image of that name (its `ref.name` annotation) is looked at."""
        self.folder, self.wanted = folder, name
        self.name = printable(str(folder))

    def top(self) -> tuple[str, bytes, str]:
        """The index: media type, content, and no digest, because nothing names it by one."""
        content = self._read(self.folder / "index.json", model.DOCUMENT_BYTES)
        if len(content) > model.DOCUMENT_BYTES:
            raise model.malformed(self.name, f"its index is larger than {model.DOCUMENT_BYTES} bytes")
        return model.INDEXES[0], content, ""

    def entries(self) -> tuple[Descriptor, ...]:
        """What the index lists, those of the wanted name. Raises TRM1104, TRM1108."""
        found = model.index(model.document(self.top()[1], self.name), self.name)
        named = tuple(each for each in found if not self.wanted or each.name == self.wanted)
        if not named:
            there = ", ".join(sorted({each.name for each in found if each.name})) or "none has a name"
            what = (
                f"{self.name} has no image {printable(self.wanted)!r}"
                if self.wanted
                else f"{self.name} is empty"
            )
            raise fail("TRM1108", what, f"name one of these: {printable(there)[:300]}")
        return named

    def document(self, what: Descriptor) -> bytes:
        """A small blob, whole. Raises TRM1104, TRM1107 and TRM1109."""
        if what.size > model.DOCUMENT_BYTES:
            raise model.malformed(self.name, f"{what.digest} is too large for a document")
        content = self._read(self._path(what), what.size)
        if model.digest_of(content) != what.digest:
            raise model.lies(what.digest, f"{self.name} holds something else under that name")
        return content

    def blob(self, what: Descriptor, work: Path, told: Callable[[int], None]) -> Path:
        """A file with a blob, which was checked. Raises TRM1107 and TRM1109."""
        path = self._path(what)
        whole, size = hashlib.sha256(), 0
        try:
            with self._opened(path) as file:
                while piece := file.read(_PIECE):
                    whole.update(piece)
                    size += len(piece)
                    told(len(piece))
                    if size > what.size:
                        break
        except OSError as error:
            raise self._unreadable(path, error) from None
        if size != what.size or f"sha256:{whole.hexdigest()}" != what.digest:
            raise model.lies(what.digest, f"{self.name} holds something else under that name")
        return path

    def _path(self, what: Descriptor) -> Path:
        # The digest was checked: sha256, a colon, and 64 digits.
        return self.folder / "blobs" / "sha256" / what.digest.removeprefix("sha256:")

    def _read(self, path: Path, limit: int) -> bytes:
        """The whole file, or one byte more than `limit`."""
        try:
            with self._opened(path) as file:
                return file.read(limit + 1)
        except OSError as error:
            raise self._unreadable(path, error) from None

    @staticmethod
    def _opened(path: Path) -> BinaryIO:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError(0, "it is no regular file", str(path))
        return os.fdopen(handle, "rb")

    def _unreadable(self, path: Path, error: OSError) -> Exception:
        what = f"the layout cannot be read: {error.strerror or error}"
        return fail("TRM1109", what, "give a whole layout, as `skopeo copy` writes it", Where(str(path)))
