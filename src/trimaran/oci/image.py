"""Finds the image for a platform in a registry or a layout, and gives its layers, checked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from trimaran.errors import fail
from trimaran.oci import model
from trimaran.oci.model import Descriptor, Manifest, Platform

_NESTED = 4  # an index of indexes of indexes is already more than anybody publishes
_PACKED_BYTES = 8 << 30


class Source(Protocol):
    """Where an image is: a registry's repository or a layout."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    def top(self) -> tuple[str, bytes, str]:
        """The document that was asked for: media type, content, and its digest, which was checked."""
        ...

    def document(self, what: Descriptor) -> bytes:
        """A small blob or a manifest, checked."""
        ...

    def blob(self, what: Descriptor, work: Path, told: Callable[[int], None]) -> Path:
        """A file with a blob, checked; `told` the sizes of pieces as they come. Not to be written to."""
        ...


@dataclass(frozen=True, slots=True)
class Image:
    """An image for one platform.

    Args:
        digest: of its manifest.
        plain: digests of the unpacked layers, in the order of the layers.
    """

    digest: str
    manifest: Manifest
    plain: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all layers, packed."""
        return sum(each.size for each in self.manifest.layers)


def find(source: Source, wanted: Platform) -> Image:
    """The image for a platform.

    Raises TRM1104 to TRM1107 for documents that are damaged, lie or have nothing for it, TRM1110 for an
    image that is too large, and what `source` raises.
    """
    kind, content, digest = source.top()
    for _ in range(_NESTED):
        found = model.document(content, source.name)
        kind = model.kind_of(found, kind)
        if kind in model.MANIFESTS:
            return _image(source, model.manifest(found, source.name), digest)
        if kind not in model.INDEXES:
            raise model.malformed(source.name, f"it has the media type {kind[:100]!r}")
        chosen = model.choose(model.index(found, source.name), wanted, source.name)
        kind, content, digest = chosen.kind, source.document(chosen), chosen.digest
    raise model.malformed(source.name, f"it has more than {_NESTED} indexes in one another")


def _image(source: Source, manifest: Manifest, digest: str) -> Image:
    plain = model.plain_digests(source.document(manifest.config), source.name)
    if len(plain) != len(manifest.layers):
        raise model.lies(
            source.name, f"it has {len(manifest.layers)} layers and {len(plain)} digests of them"
        )
    image = Image(digest, manifest, plain)
    if image.size > _PACKED_BYTES:
        what = f"{source.name} has {image.size >> 20} MiB of layers; at most {_PACKED_BYTES >> 20} are taken"
        raise fail("TRM1110", what, "take the image of a distribution")
    return image


def layers(
    source: Source, image: Image, work: Path, told: Callable[[int], None]
) -> Iterator[tuple[Descriptor, str, Path]]:
    """(layer, digest of what it unpacks to, file with it), the lowest first.

    Raises TRM1107 when a layer is not what its descriptor says, and what `source` raises.
    """
    for layer, plain in zip(image.manifest.layers, image.plain, strict=True):
        yield layer, plain, source.blob(layer, work, told)
