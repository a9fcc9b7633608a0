"""What a registry asks for is understood, and no answer of a stranger gets into a header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.oci.challenge import Challenge, Credential, is_token, parse_challenge


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (
            'Bearer realm="https://auth.example.com/token",service="reg",scope="repository:a/b:pull"',
            Challenge("https://auth.example.com/token", "reg", "repository:a/b:pull"),
        ),
        ("bearer realm=https://a/t", Challenge("https://a/t")),
        ('Basic realm="Registry"', Challenge()),
        ('Basic realm="x", Bearer realm="https://a/t", service="s"', Challenge("https://a/t", "s")),
        ('Bearer realm="https://a/\\"t"', Challenge('https://a/"t')),
        ("", None),
        ("Negotiate", None),
        ("Bearer", None),
        ("Digest realm=bearer", None),
    ],
)
def test_a_token_is_preferred_to_a_password(header: str, wanted: Challenge | None) -> None:
    assert parse_challenge(header) == wanted


def test_the_token_is_asked_for_one_repository() -> None:
    asked = Challenge("https://a/t?x=1", "a b").address("c/d")
    assert asked == "https://a/t?x=1&service=a+b&scope=repository%3Ac%2Fd%3Apull"


@pytest.mark.parametrize("text", [None, 1, "", "a\nb", "a b", "é", "a" * 70000, "x\r\nHost: y"])
def test_what_cannot_stand_in_a_header_is_no_token(text: object) -> None:
    assert not is_token(text)


@given(st.text(max_size=200))
def test_any_header_is_understood_or_not(text: str) -> None:
    parse_challenge(text)
    parse_challenge(f"Bearer {text}")


def test_a_secret_is_not_shown() -> None:
    assert "wonderland" not in repr(Credential("alice", "wonderland"))
