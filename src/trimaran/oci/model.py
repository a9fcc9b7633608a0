"""Descriptors, manifests, indexes and configurations of images, read from their documents. Pure.

The form: the OCI image specification (descriptor.md, manifest.md, image-index.md, config.md), and Docker's
image manifest version 2, schema 2, which has the same fields.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trimaran.errors import TrimaranError, fail, printable
from trimaran.oci.reference import DIGEST

DOCUMENT_BYTES = 4 << 20  # what registries accept as a manifest
_LAYERS = 512
_INDEXED = 4096

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_LAYER_KINDS = (
    "application/vnd.oci.image.layer.",
    "application/vnd.docker.image.rootfs.",
)
_MACHINES = {
    "x86_64": ("amd64", ""),
    "aarch64": ("arm64", "v8"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "i686": ("386", ""),
    "ppc64le": ("ppc64le", ""),
    "riscv64": ("riscv64", ""),
    "s390x": ("s390x", ""),
}


@dataclass(frozen=True, slots=True)
class Platform:
    """What an image is made for; empty fields say nothing."""

    os: str = ""
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(each for each in (self.os, self.architecture, self.variant) if each) or "unknown"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Something that is known by its digest.

    Args:
        kind: the media type.
        size: in bytes.
        platform: what it is for, in an index; None where it does not say.
        name: the annotation by which a layout names an image; empty without it.
    """

    kind: str
    digest: str
    size: int
    platform: Platform | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image: its configuration and its layers, the lowest first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


def platform_of(machine: str) -> Platform:
    """The platform of images for a machine, as `uname -m` says it."""
    architecture, variant = _MACHINES.get(machine, (machine, ""))
    return Platform("linux", architecture, variant)


def digest_of(content: bytes) -> str:
    """`sha256:…`."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def document(content: bytes, what: str) -> dict[str, Any]:
    """A JSON object. Raises TRM1104."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise malformed(what, "it is no JSON") from None
    if not isinstance(found, dict):
        raise malformed(what, "it is no JSON object")
    return found


def kind_of(found: Mapping[str, Any], told: str) -> str:
    """The media type of a document: what it says itself, else what came with it, else its shape."""
    kind = found.get("mediaType") or told.partition(";")[0].strip()
    if kind in (*INDEXES, *MANIFESTS):
        return str(kind)
    if isinstance(found.get("manifests"), list):
        return INDEXES[0]
    return MANIFESTS[0] if isinstance(found.get("layers"), list) else str(kind)


def index(found: Mapping[str, Any], what: str) -> tuple[Descriptor, ...]:
    """The entries of an index. Raises TRM1104."""
    return _descriptors(found.get("manifests"), what, _INDEXED)


def manifest(found: Mapping[str, Any], what: str) -> Manifest:
    """An image manifest. Raises TRM1104, and TRM1105 when its layers are no file systems."""
    layers = _descriptors(found.get("layers"), what, _LAYERS)
    strange = next((each.kind for each in layers if not each.kind.startswith(_LAYER_KINDS)), None)
    if strange is not None or not layers:
        why = f"a layer is {printable(strange)[:100]}" if strange is not None else "it has no layers"
        fix = "give the reference of an image"
        raise fail("TRM1105", f"{what} is no image of a root file system: {why}", fix)
    return Manifest(_descriptor(found.get("config"), what), layers)


def plain_digests(content: bytes, what: str) -> tuple[str, ...]:
    """The digests of the unpacked layers, from an image's configuration. Raises TRM1104."""
    rootfs = document(content, what).get("rootfs")
    found = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(found, list) or not all(
        isinstance(each, str) and DIGEST.fullmatch(each) for each in found
    ):
        raise malformed(what, "its configuration names no unpacked layers")
    return tuple(found)


def _descriptors(found: object, what: str, most: int) -> tuple[Descriptor, ...]:
    if not isinstance(found, list):
        raise malformed(what, "a list is missing")
    if len(found) > most:
        raise malformed(what, f"it lists {len(found)} parts; at most {most} are believed")
    return tuple(_descriptor(each, what) for each in found)


def _descriptor(found: object, what: str) -> Descriptor:
    if not isinstance(found, dict):
        raise malformed(what, "a descriptor is missing")
    kind, digest, size = found.get("mediaType"), found.get("digest"), found.get("size")
    if not isinstance(kind, str) or not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise malformed(what, "a descriptor has no media type, or no digest that is sha256: and 64 digits")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise malformed(what, "a descriptor has no size")
    annotations = found.get("annotations")
    name = annotations.get("org.opencontainers.image.ref.name") if isinstance(annotations, dict) else ""
    return Descriptor(
        kind, digest, size, _platform(found.get("platform")), name if isinstance(name, str) else ""
    )


def _platform(found: object) -> Platform | None:
    if not isinstance(found, dict):
        return None
    names = (found.get(key) for key in ("os", "architecture", "variant"))
    return Platform(*(each if isinstance(each, str) else "" for each in names))


def choose(entries: Sequence[Descriptor], wanted: Platform, what: str) -> Descriptor:
    """The entry for a platform. Raises TRM1106 when there is none."""
    fit = [
        each
        for each in entries
        if each.platform is not None
        and (each.platform.os, each.platform.architecture) == (wanted.os, wanted.architecture)
        and each.platform.variant in {"", wanted.variant}
    ]
    silent = [each for each in entries if each.platform is None]
    if fit or len(silent) == len(entries) == 1:
        return (fit or silent)[0]
    there = sorted({str(each.platform) for each in entries if each.platform is not None})
    has = f"it has {printable(', '.join(there))[:300]}" if there else "it does not say what it has"
    raise fail("TRM1106", f"{what} has nothing for {wanted}: {has}", "take an image for this machine")


def malformed(what: str, why: str) -> TrimaranError:
    """A document that cannot be read as what it claims to be."""
    return fail("TRM1104", f"{what} cannot be read: {why}", "report it to whoever publishes the image")


def lies(what: str, why: str) -> TrimaranError:
    """Content that is not what its digest or its size says."""
    return fail("TRM1107", f"{what} is not what it says it is: {why}", "do not use it; try another registry")
