"""Images made by hand: layers, configuration, manifest, index, and a layout on disk."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

from tests.unit.oci import tars

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def descriptor(kind: str, content: bytes, **more: Any) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest(content), "size": len(content), **more}


class Made:
    """An image whose parts can be changed before it is served.

    Args:
        layers: plain archives, the lowest first.
    """

    def __init__(self, *layers: bytes) -> None:
        plain = layers or (tars.file("etc/os-release", b"ID=made\n") + tars.END,)
        self.layers = [gzip.compress(each, 1, mtime=0) for each in plain]
        self.config: dict[str, Any] = {
            "os": "linux",
            "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": [digest(each) for each in plain]},
        }
        self.change: dict[str, Any] = {}

    @property
    def config_bytes(self) -> bytes:
        return json.dumps(self.config).encode()

    @property
    def manifest(self) -> bytes:
        body = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, self.config_bytes),
            "layers": [descriptor(LAYER, each) for each in self.layers],
        }
        return json.dumps(body | self.change).encode()

    def index(self, *platforms: tuple[str, str]) -> bytes:
        entries = [
            descriptor(MANIFEST, self.manifest, platform={"os": os, "architecture": architecture})
            for os, architecture in platforms or (("linux", "amd64"),)
        ]
        return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()

    def blobs(self) -> dict[str, bytes]:
        return {digest(each): each for each in (*self.layers, self.config_bytes)}

    def layout(self, folder: Path, index: bytes | None = None) -> Path:
        """Write it down as a layout."""
        blobs = folder / "blobs" / "sha256"
        blobs.mkdir(parents=True)
        for name, content in {**self.blobs(), digest(self.manifest): self.manifest}.items():
            (blobs / name.removeprefix("sha256:")).write_bytes(content)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (folder / "index.json").write_bytes(self.index() if index is None else index)
        return folder
