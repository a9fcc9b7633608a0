"""The one place that knows which library reads Zstandard: from Python 3.14 on, the standard library does."""

from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

__all__ = ["ZstdError", "decompressor"]


def decompressor(window_log: int) -> ZstdDecompressor:
    """A reader of one frame that refuses to remember more than 2 to the `window_log` bytes."""
    return ZstdDecompressor(options={DecompressionParameter.window_log_max: window_log})
