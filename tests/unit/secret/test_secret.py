import base64
import copy
import json
import pickle
import string
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.secret import Redactor, Secret, SecretRef, fingerprint, redact

CANARY = "c4n4ry-hunter2-bird"
SECRET = Secret("DB_PASSWORD", CANARY)


@dataclass
class Holder:
    inner: Secret


@pytest.mark.parametrize(
    "shown",
    [
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET!r:>40}",
        "%s" % SECRET,  # noqa: UP031 - this way of formatting is what is tested
        repr([SECRET]),
        repr({"a": (SECRET,)}),
        repr(Holder(SECRET)),
        repr(asdict(Holder(SECRET))),
        repr(copy.copy(SECRET)),
        repr(copy.deepcopy([SECRET])),
        json.dumps({"a": SECRET}, default=str),
    ],
)
def test_a_secret_shows_its_name_and_never_its_value(shown: str) -> None:
    assert "DB_PASSWORD" in shown
    assert CANARY not in shown


def test_a_secret_gives_its_value_only_when_asked() -> None:
    assert SECRET.reveal() == CANARY


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_cannot_be_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="cannot be serialised"):
        pickle.dumps([SECRET], protocol)


def test_a_secret_cannot_be_written_as_json_iterated_measured_or_hashed() -> None:
    with pytest.raises(TypeError):
        json.dumps(SECRET)
    uses: tuple[Callable[[Any], object], ...] = (iter, len, bytes, hash, vars)
    for use in uses:
        with pytest.raises(TypeError):
            use(SECRET)


def test_secrets_are_equal_by_value() -> None:
    assert Secret("OTHER", CANARY) == SECRET
    assert Secret("DB_PASSWORD", "x") != SECRET
    assert SECRET != CANARY


def test_a_reference_says_where_and_nothing_else() -> None:
    assert str(SecretRef("vault", "kv/web/db", "password")) == "vault:kv/web/db#password"
    assert str(SecretRef("env", "DB_PASSWORD")) == "env:DB_PASSWORD"


@given(
    st.text(alphabet=string.printable, min_size=4, max_size=60),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_no_form_of_a_secret_survives_redaction(value: str, before: str, after: str) -> None:
    secret = Secret("KEY", value)
    forms = {
        value,
        json.dumps(value)[1:-1],
        base64.b64encode(value.encode()).decode(),
        base64.urlsafe_b64encode(value.encode()).decode(),
    }
    for form in forms:
        cleaned = redact(before + form + after, [secret])
        assert "[secret KEY]" in cleaned
    redactor = Redactor()
    redactor.add(secret)
    assert redactor.leaks({"a": [{"b": before + value + after}]}) == "KEY"
    assert redactor.leaks({before + value: 1}) == "KEY"


@given(st.binary(max_size=7), st.text(alphabet=string.ascii_letters, min_size=7), st.binary(max_size=7))
def test_a_secret_inside_a_longer_base64_text_is_found(before: bytes, value: str, after: bytes) -> None:
    whole = base64.b64encode(before + value.encode() + after).decode()
    assert "[secret KEY]" in redact(whole, [Secret("KEY", value)])


def test_a_secret_that_contains_another_goes_as_a_whole() -> None:
    both = [Secret("SHORT", "hunter2"), Secret("LONG", "hunter2-and-more")]
    assert redact("x hunter2-and-more y hunter2 z", both) == "x [secret LONG] y [secret SHORT] z"


def test_what_holds_no_secret_is_left_alone() -> None:
    redactor = Redactor()
    redactor.add(SECRET)
    redactor.add(Secret("PIN", "1"))
    assert redactor.redact("replicas: 1") == "replicas: 1"
    assert redactor.leaks({"replicas": 1, "args": ["1", None, True]}) is None


def test_a_fingerprint_changes_with_the_secret_and_with_the_key() -> None:
    one = fingerprint(SECRET, b"k" * 32)
    assert one == fingerprint(Secret("OTHER", CANARY), b"k" * 32)
    others = {fingerprint(Secret("x", "other"), b"k" * 32), fingerprint(SECRET, b"j" * 32)}
    assert one not in others
    assert len(others) == 2
    assert CANARY not in one
