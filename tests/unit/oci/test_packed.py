"""Packed streams are unpacked in small pieces; what is damaged is one clear error."""

import bz2
import gzip
import io
import lzma
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.oci.packed import BrokenStreamError, Unpacked


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_stream_is_unpacked_in_small_pieces(pack: type[gzip.compress]) -> None:  # type: ignore[valid-type]
    plain = random.Random(1).randbytes(300_000) + b"\0" * 3_000_000
    packed = pack(plain[:1000]) + pack(plain[1000:])  # type: ignore[misc]
    for content, whole in ((packed, True), (packed[:-9], False), (packed[:400] + b"x" + packed[401:], False)):
        found = bytearray()
        try:
            with Unpacked(io.BytesIO(content).read) as stream:
                while piece := stream.read(1 << 20):
                    assert len(piece) <= 1 << 20
                    found += piece
        except BrokenStreamError:
            assert not whole
        else:
            assert bytes(found) == plain or not whole
        assert not whole or bytes(found) == plain


@given(st.sampled_from((b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0", b"")), st.binary(max_size=300))
def test_any_bytes_are_unpacked_or_refused(magic: bytes, content: bytes) -> None:
    try:
        with Unpacked(io.BytesIO(magic + content).read) as stream:
            while stream.read(1000):
                pass
    except BrokenStreamError:
        pass
