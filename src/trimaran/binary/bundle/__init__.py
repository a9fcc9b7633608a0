"""Programs inside packages, archives and images, read as streams: nothing is unpacked to disk."""

from trimaran.binary.bundle.files import files_in, is_bundle, located

__all__ = ["files_in", "is_bundle", "located"]
