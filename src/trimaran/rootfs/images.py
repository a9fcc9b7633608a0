"""Root file systems out of container images, without a daemon: from a registry or a layout on disk."""

from collections.abc import Callable
from pathlib import Path

from trimaran.oci import image, layout, model
from trimaran.oci.image import Image, Source
from trimaran.oci.layout import Layout
from trimaran.oci.reference import parse_reference
from trimaran.oci.registry import Registry
from trimaran.rootfs import unpack
from trimaran.rootfs.tree import Tree

is_layout = layout.is_layout
_STEP = 8 << 20


def from_registry(
    text: str, machine: str, tree: Tree, work: Path, tell: Callable[[str], None]
) -> tuple[str, str]:
    """Fill a tree with an image; the reference with the digest that it had, and that digest.

    Raises TRM1100 to TRM1108, TRM1110 to TRM1113, and as `Tree`.
    """
    reference = parse_reference(text)
    registry = Registry(reference)
    try:
        tell(f"asking for {reference}")
        found = image.find(registry, model.platform_of(machine))
        _unpack(registry, found, tree, work, tell)
    finally:
        registry.close()
    return reference.at(found.digest), found.digest


def from_layout(folder: Path, machine: str, tree: Tree, work: Path, tell: Callable[[str], None]) -> str:
    """Fill a tree with the image of a layout; its digest. Raises as `from_registry`, and TRM1109."""
    source = Layout(folder)
    found = image.find(source, model.platform_of(machine))
    _unpack(source, found, tree, work, tell)
    return found.digest


def _unpack(source: Source, found: Image, tree: Tree, work: Path, tell: Callable[[str], None]) -> None:
    whole, come, said = found.size, 0, 0
    step = max(_STEP, whole // 4)

    def told(size: int) -> None:
        nonlocal come, said
        come += size
        if come - said >= step:
            said = come
            tell(f"{min(come, whole) >> 20} of {whole >> 20} MB of {source.name}")

    for layer, plain, path in image.layers(source, found, work, told):
        with path.open("rb") as file:
            digest = unpack.unpack(file.read, tree, layer=True)
        if digest != plain:
            raise model.lies(f"{source.name}'s layer {layer.digest}", f"unpacked it is {digest}, not {plain}")
        if path.parent == work:
            path.unlink()  # ours, and not needed any more
