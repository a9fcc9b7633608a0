"""Reads which images a layout has and which layers they are made of: OCI image layout and docker save. Pure.

Every document is bounded, has the announced size and digest or is an error, and is read once: an index that
leads back to itself adds nothing.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from trimaran.binary.bundle.blobs import Blobs
from trimaran.binary.bundle.digest import lie
from trimaran.binary.bundle.stream import CHUNK, Straight, beyond, contradiction, unsupported
from trimaran.binary.elf import Source
from trimaran.errors import TrimaranError, fail, printable

_DOCUMENT_BYTES = 1 << 20
_DESCRIPTORS = 1_000
_LAYERS = 512
_DEPTH = 8
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_INDEXES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}
_CONFIGS = {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
}
_REFERENCE = "org.opencontainers.image.ref.name"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer.

    Args:
        name: of its file in the layout.
        diff: the digest that it has when it is expanded; empty when only the packed one is announced.
    """

    name: str
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """One image.

    Args:
        labels: what may tell it from others, the shortest first.
        layers: the lowest first; each was found to be as announced.
        error: why it cannot be read.
    """

    labels: tuple[str, ...]
    layers: tuple[Layer, ...] = ()
    error: TrimaranError | None = None


@dataclass(slots=True)
class _Walk:
    blobs: Blobs
    seen: set[str] = field(default_factory=set)
    checked: set[tuple[str, object]] = field(default_factory=set)
    left: int = _DESCRIPTORS


def images(blobs: Blobs) -> list[Image]:
    """The images of a layout; what is wrong with one of them is in it, what is wrong with all is raised."""
    index = _optional(blobs, "index.json")
    if index is None:
        return _saved(blobs)
    found = list(_of_index(_Walk(blobs), index, "", 0))
    if not found:
        raise fail("TRM0222", "the layout has no image", "copy an image into it, as skopeo copy does")
    return found


def _of_index(walk: _Walk, index: dict[str, Any], reference: str, depth: int) -> Iterator[Image]:
    if depth > _DEPTH:
        raise beyond(f"has image indexes nested more than {_DEPTH} deep")
    for item in _list(index, "manifests", "an image index"):
        digest = _digest(item, "an image index")
        walk.left -= 1
        if walk.left < 0:
            raise beyond(f"has more than {_DESCRIPTORS:,} manifests")
        if digest in walk.seen:
            continue
        walk.seen.add(digest)
        notes = item.get("annotations")
        notes = notes if isinstance(notes, dict) else {}
        name = str(notes.get(_REFERENCE, reference))
        if item.get("mediaType") in _INDEXES:
            yield from _of_index(walk, _document(walk, item, "an image index"), name, depth + 1)
        elif "vnd.docker.reference.type" not in notes and not (depth and _absent(walk.blobs, digest)):
            yield from _of_manifest(walk, item, name)


def _absent(blobs: Blobs, digest: str) -> bool:
    """Whether a manifest is missing: an exported index still names the platforms that were not exported."""
    with blobs.blob(_path(digest)) as source:
        return source is None


def _of_manifest(walk: _Walk, item: dict[str, Any], reference: str) -> Iterator[Image]:
    digest = _digest(item, "an image index")
    labels = [_platform(item.get("platform")), reference, digest[:19]]
    try:
        manifest = _document(walk, item, "a manifest")
        if manifest.get("schemaVersion") == 1 or "fsLayers" in manifest:
            raise unsupported("an image manifest of schema 1", "copy the image again with a current tool")
        config = _map(manifest, "config", "a manifest")
        if config.get("mediaType") not in _CONFIGS:
            return
        document = _document(walk, config, "an image's configuration")
        labels[0] = labels[0] or _platform(document)
        layers = tuple(_layer(walk, layer) for layer in _list(manifest, "layers", "a manifest"))
        if len(layers) > _LAYERS:
            raise beyond(f"has an image of {len(layers)} layers; {_LAYERS} are read")
        yield Image(_short(labels), layers)
    except TrimaranError as error:
        yield Image(_short(labels), error=error)


def _layer(walk: _Walk, item: dict[str, Any]) -> Layer:
    kind = str(item.get("mediaType", ""))
    if ".tar" not in kind or kind.endswith("+encrypted"):
        raise unsupported(
            f"a layer of type {printable(kind)[:80]!r}", "layers that are tar archives are read"
        )
    digest = _digest(item, "a manifest")
    _check(walk, item, digest, "a layer")
    return Layer(_path(digest))


def _saved(blobs: Blobs) -> list[Image]:
    """The images that docker save wrote."""
    found = list[Image]()
    for item in _read(blobs, "manifest.json", "manifest.json", list):
        if not isinstance(item, dict):
            raise _unreadable("manifest.json")
        names, config = _list(item, "Layers", "manifest.json", str), str(item.get("Config", ""))
        tags = [tag for tag in item.get("RepoTags") or [] if isinstance(tag, str)]
        document = _read(blobs, config, "an image's configuration", dict)
        _check_config(blobs, config)
        diffs = _list(_map(document, "rootfs", "an image's configuration"), "diff_ids", "an image", str)
        if len(diffs) != len(names):
            raise contradiction(f"has an image of {len(names)} layers and {len(diffs)} digests for them")
        if len(names) > _LAYERS or len(found) > _DESCRIPTORS:
            raise beyond(f"has an image of {len(names)} layers; {_LAYERS} are read")
        if not all(map(_DIGEST.fullmatch, diffs)):
            raise _unreadable("an image's configuration")
        layers = tuple(Layer(name, diff) for name, diff in zip(names, diffs, strict=True))
        for layer in layers:
            with blobs.blob(layer.name) as source:
                if source is None:
                    raise _missing("a layer", layer.name)
        found.append(Image(_short([_platform(document), *tags[:1], config[:19]]), layers))
    if not found:
        raise fail("TRM0222", "manifest.json names no image", "save the image again")
    return found


def _check_config(blobs: Blobs, name: str) -> None:
    """The configuration's name is its digest, in the forms that the tools write."""
    last = name.rpartition("/")[2].removesuffix(".json").removeprefix("sha256:")
    if re.fullmatch("[0-9a-f]{64}", last):
        with blobs.blob(name) as source:
            if source is not None and _sum(source, "sha256") != last:
                raise lie("an image's configuration")


def _optional(blobs: Blobs, name: str) -> dict[str, Any] | None:
    with blobs.blob(name) as source:
        if source is None:
            return None
    found: dict[str, Any] = _read(blobs, name, name, dict)
    return found


def _document(walk: _Walk, item: dict[str, Any], what: str) -> dict[str, Any]:
    digest = _digest(item, what)
    _check(walk, item, digest, what)
    found: dict[str, Any] = _read(walk.blobs, _path(digest), what, dict)
    return found


def _read(blobs: Blobs, name: str, what: str, kind: type) -> Any:
    with blobs.blob(name) as source:
        if source is None:
            raise _missing(what, name)
        if source.size > _DOCUMENT_BYTES:
            raise beyond(f"has {what} of {source.size} bytes; {_DOCUMENT_BYTES} are read")
        try:
            found = json.loads(source.at(0, source.size))
        except (ValueError, RecursionError):
            raise _unreadable(what) from None
    if not isinstance(found, kind):
        raise _unreadable(what)
    return found


def _check(walk: _Walk, item: dict[str, Any], digest: str, what: str) -> None:
    """Compare a blob with its descriptor; the same claim about the same blob once."""
    size = item.get("size")
    claim = (digest, size if isinstance(size, int) else None)
    if claim in walk.checked:
        return
    with walk.blobs.blob(_path(digest)) as source:
        if source is None:
            raise _missing(what, digest)
        if size != source.size:
            raise fail(
                "TRM0221",
                f"{what} ({digest[:19]}) has {source.size} bytes; announced are {printable(str(size))[:20]}",
                "copy the image again; if it stays so, do not use it",
            )
        kind, _, wanted = digest.partition(":")
        if _sum(source, kind) != wanted:
            raise lie(f"{what} ({digest[:19]})")
    walk.checked.add(claim)


def _sum(source: Source, kind: str) -> str:
    found, stream = hashlib.new(kind), Straight(source)
    while chunk := stream.read(CHUNK):
        found.update(chunk)
    return found.hexdigest()


def _digest(item: dict[str, Any], what: str) -> str:
    digest = item.get("digest")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise fail("TRM0222", f"{what} has a digest that is none", "copy the image again")
    return digest


def _path(digest: str) -> str:
    kind, _, value = digest.partition(":")
    return f"blobs/{kind}/{value}"


def _list(document: dict[str, Any], key: str, what: str, kind: type = dict) -> list[Any]:
    found = document.get(key)
    if not isinstance(found, list) or not all(isinstance(item, kind) for item in found):
        raise _unreadable(what)
    return found


def _map(document: dict[str, Any], key: str, what: str) -> dict[str, Any]:
    found = document.get(key)
    if not isinstance(found, dict):
        raise _unreadable(what)
    return found


def _platform(found: object) -> str:
    """As `linux/arm64/v8`; empty when it is not told."""
    if not isinstance(found, dict):
        return ""
    parts = (found.get("os"), found.get("architecture"), found.get("variant"))
    return "/".join(printable(part)[:40] for part in parts if isinstance(part, str) and part)


def _short(labels: list[str]) -> tuple[str, ...]:
    return tuple(printable(label)[:128] for label in labels if label)


def _missing(what: str, name: str) -> TrimaranError:
    return fail(
        "TRM0220", f"{what} is not in the layout: {printable(name)[:80]}", "copy the image again, whole"
    )


def _unreadable(what: str) -> TrimaranError:
    return fail("TRM0222", f"{what} is not the document that it should be", "copy the image again")
