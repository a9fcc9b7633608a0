"""References are read as container tools read them, and everything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.errors import TrimaranError
from trimaran.oci.reference import DEFAULT_HOST as HUB
from trimaran.oci.reference import parse_reference

HUB_API = f"https://registry-1.{HUB}/v2"

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "full", "base"),
    [
        ("alpine", f"{HUB}/library/alpine:latest", HUB_API),
        (f"{HUB}/alpine:3.23", f"{HUB}/library/alpine:3.23", HUB_API),
        ("team/image", f"{HUB}/team/image:latest", HUB_API),
        ("localhost/image:1", "localhost/image:1", "http://localhost/v2"),
        ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest", "http://127.0.0.1:5000/v2"),
        ("[::1]:5000/a", "[::1]:5000/a:latest", "http://[::1]:5000/v2"),
        ("registry.example.com/a:V1", "registry.example.com/a:V1", "https://registry.example.com/v2"),
        (f"registry.example.com:8443/a@{DIGEST}", f"registry.example.com:8443/a@{DIGEST}",
         "https://registry.example.com:8443/v2"),
        (f"a/b:1@{DIGEST}", f"{HUB}/a/b:1@{DIGEST}", HUB_API),
        ("128.0.0.1:5000/a", "128.0.0.1:5000/a:latest", "https://128.0.0.1:5000/v2"),
    ],
)  # fmt: skip
def test_a_reference_is_completed_as_container_tools_do(text: str, full: str, base: str) -> None:
    found = parse_reference(text)
    assert (str(found), found.base) == (full, base)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "/", "a/", "/a", "a//b", "A", "a:", "a:-x", "a:" + "x" * 129, "a@", "a@sha256:abc",
        f"a@{DIGEST}0",
        "a@md5:" + "0" * 32, "a b", "a/../b", "a/./b", "../a", "https://example.com/a", "example.com:port/a",
        "user:secret@example.com/a", "a\n", "a\x00", "é", "a" * 300, "-a.example.com/b", "a___b",
        "a?x=1", "a#b",
        "localhost:5000/", "[::1/a", "example.com:123456/a", "localhost:99999/a",
    ],
)  # fmt: skip
def test_what_names_no_image_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(TrimaranError) as caught:
        parse_reference(text)
    assert [(each.code, "\n" in each.what) for each in caught.value.problems] == [("TRM1100", False)]


@given(st.text(alphabet="abzA09._-/:@[]%?# \n\x00é", max_size=60))
def test_any_text_is_a_safe_address_or_refused(text: str) -> None:
    try:
        found = parse_reference(text)
    except TrimaranError:
        return
    assert ".." not in f"{found.base}/{found.repository}/{found.wanted}".split("/")
    assert not set(f"{found.base}{found.repository}{found.wanted}") & set("@?# \n\x00%") - set("@" * 0)
    assert parse_reference(str(found)) == found
