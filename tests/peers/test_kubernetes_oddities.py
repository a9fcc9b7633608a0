"""An API server that answers oddly, which no real one can be made to do: a stand-in on this machine."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.kubernetes_place import (
    LABELS,
    TARGET,
    problems,
    session_of,
)
from tests.relay import Reply, stand_in

from trimaran.action import (
    Action,
    Json,
    ObjectRef,
    Receipt,
    Scope,
    Undo,
    Verb,
)
from trimaran.errors import Exit, TrimaranError
from trimaran.platform.kubernetes.session import ClusterSession

pytestmark = pytest.mark.peer


def status(code: int, message: str = "no", **details: Json) -> bytes:
    body = {"kind": "Status", "code": code, "message": message, "details": details}
    return json.dumps(body).encode()


LIST = json.dumps({"kind": "ConfigMapList", "metadata": {}, "items": []}).encode()
CONFIG = ObjectRef(TARGET, "ConfigMap", "web", "web")


@dataclass
class Odd:
    """A session with a stand-in."""

    session: ClusterSession
    asked: list[str]

    def look(self) -> Any:
        return self.session.observe(Scope(TARGET, "web", also=frozenset([CONFIG])))

    def write(self, wait_s: float = 9) -> Receipt:
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "web"}}
        action = Action(TARGET, Verb.CREATE, CONFIG, document, None, Undo.NONE, "t", "k")
        return self.session.apply(action, 1, time.monotonic() + wait_s)


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[Callable[[Callable[[str, str, int], Reply]], Odd]]:
    with contextlib.ExitStack() as stack:

        def make(answer: Callable[[str, str, int], Reply]) -> Odd:
            told = stack.enter_context(stand_in(answer))
            config = {
                "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{told.port}"}}],
                "users": [],
                "contexts": [{"name": "c", "context": {"cluster": "c"}}],
            }
            path = tmp_path / f"odd-{told.port}"
            path.write_text(json.dumps(config), "utf-8")
            session = session_of(path, "web", tmp_path / "root", "c")
            stack.callback(session.client.close)
            return Odd(session, told.asked)

        yield make


MadeOdd = Callable[[Callable[[str, str, int], Reply]], Odd]


def test_a_busy_server_is_asked_again_when_it_says(odd: MadeOdd) -> None:
    kept = json.dumps(
        {"metadata": {"name": "web", "namespace": "web", "uid": "1", "resourceVersion": "1"}}
    ).encode()
    found = odd(
        lambda method, path, n: (429, {"Retry-After": "1"}, status(429)) if n < 2 else (201, {}, kept)
    )
    started = time.monotonic()
    assert found.write().changed
    assert time.monotonic() - started >= 2
    assert len(found.asked) == 3


def test_a_busy_server_is_not_waited_for_beyond_the_deadline(odd: MadeOdd) -> None:
    found = odd(lambda method, path, n: (429, {"Retry-After": "60"}, status(429, "too many")))
    started = time.monotonic()
    with pytest.raises(TrimaranError) as caught:
        found.write(wait_s=2)
    assert (problems(caught), caught.value.status) == (["TRM0733"], Exit.PARTIAL)
    assert time.monotonic() - started < 5
    assert len(found.asked) == 1


@pytest.mark.parametrize("code", [500, 503, 504])
def test_a_failing_server_is_asked_a_few_times(odd: MadeOdd, code: int) -> None:
    found = odd(lambda method, path, n: (code, {}, status(code)))
    with pytest.raises(TrimaranError) as caught:
        found.look()
    assert (problems(caught), caught.value.status) == (["TRM0733"], Exit.PARTIAL)
    assert 2 <= len(found.asked) <= 4


def test_a_list_whose_rest_is_gone_is_listed_again(odd: MadeOdd) -> None:
    item = {"metadata": {"name": "web", "namespace": "web", "labels": LABELS}}
    first = json.dumps({"metadata": {"continue": "x"}, "items": [item]}).encode()
    whole = json.dumps({"metadata": {}, "items": [item]}).encode()
    replies = [(200, first), (410, status(410)), (200, whole)]
    found = odd(lambda method, path, n: (replies[n][0], {}, replies[n][1]))
    assert len(found.look().objects) == 1


BOMB = b"[" * 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"<html>log in</html>",
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"metadata":{},"items":[{}]}',
        b'{"metadata":{},"items":[{"metadata":3}]}',
        BOMB,
        b"\xff\xfe",
        b'{"metadata":{},"items":[{"metadata":{"name":"\xc2\x9b31m"},"spec":' + BOMB + b"}]}",
    ],
)
def test_an_answer_that_is_none_is_an_error(odd: MadeOdd, body: bytes) -> None:
    with pytest.raises(TrimaranError) as caught:
        odd(lambda method, path, n: (200, {}, body)).look()
    assert problems(caught) == ["TRM0734"]
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 409, 418, 422, 500])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>\x1b[31m no</html>",
        BOMB,
        status(
            1,
            "\x1b]0;evil\x07" * 1000,
            causes=[{"reason": "FieldManagerConflict", "message": "\x1b", "field": None}],
        ),
        status(1, "x", causes=[{"field": "\u202e", "message": "y" * 10_000}] * 1000),
        b'{"kind":"Status","details":3}',
    ],
)
def test_a_refusal_in_odd_words_is_one_short_printable_error(odd: MadeOdd, code: int, body: bytes) -> None:
    with pytest.raises(TrimaranError) as caught:
        odd(lambda method, path, n: (code, {"Retry-After": "soon"}, body)).write(wait_s=1)
    for problem in caught.value.problems:
        assert problem.what.isprintable()
        assert problem.fix
        assert len(problem.what) < 1200
    assert len(caught.value.problems) <= 20


def test_an_answer_without_an_end_is_cut_off(odd: MadeOdd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trimaran.platform.kubernetes.client._LARGEST", 1 << 20)
    with pytest.raises(TrimaranError) as caught:
        odd(lambda method, path, n: (200, {}, b" " * (2 << 20) + LIST)).look()
    assert problems(caught) == ["TRM0734"]


def test_a_name_from_outside_leads_nowhere_else(odd: MadeOdd) -> None:
    found = odd(lambda method, path, n: (404, {}, status(404, name="x")))
    for name in ("../../secrets/x", "..", ".", "a/b", "a?b=c", "a#b", "%2e%2e", "\x00", "ü"):
        ref = ObjectRef(TARGET, "ConfigMap", name, "web")
        assert found.session.observe(Scope(TARGET, refs=(ref,))).objects == ()
    assert {path.count("/") for path in found.asked} == {6}
    assert all(path.startswith("GET /api/v1/namespaces/web/configmaps/") for path in found.asked)
