"""An image is taken from a registry that tells the truth; one that lies is refused, whatever about."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.oci.images import INDEX, MANIFEST, Made, descriptor, digest
from tests.unit.oci.liar import HASTY, QUICK, Handler, Liar, basic
from trimaran.errors import Exit, TrimaranError
from trimaran.oci import image, model
from trimaran.oci.http import Patience
from trimaran.oci.reference import parse_reference
from trimaran.oci.registry import Registry

AMD64 = model.platform_of("x86_64")
EVIL = "sha256:" + "0" * 64


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody is logged in anywhere."""
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


@pytest.fixture
def liar() -> Liar:
    return Liar()


def pull(liar: Liar, work: Path, name: str = "team/image", patience: Patience = QUICK) -> list[bytes]:
    """The layers, as they arrived."""
    with liar.running() as host:
        registry = Registry(parse_reference(f"{host}/{name}"), patience)
        try:
            found = image.find(registry, AMD64)
            parts = image.layers(registry, found, work, lambda _: None)
            return [path.read_bytes() for _, _, path in parts]
        finally:
            registry.close()


def refused(liar: Liar, work: Path, patience: Patience = QUICK, name: str = "team/image") -> TrimaranError:
    with pytest.raises(TrimaranError) as caught:
        pull(liar, work, name, patience)
    return caught.value


def test_an_honest_image_is_taken(liar: Liar, tmp_path: Path) -> None:
    assert pull(liar, tmp_path) == liar.made.layers
    assert len(liar.asked) == 3


def test_the_entry_for_the_machine_is_taken_from_an_index(liar: Liar, tmp_path: Path) -> None:
    liar.documents["latest"] = (INDEX, liar.made.index(("linux", "arm64"), ("linux", "amd64")))
    assert pull(liar, tmp_path) == liar.made.layers
    liar.documents["latest"] = (INDEX, liar.made.index(("linux", "arm64"), ("windows", "amd64")))
    error = refused(liar, tmp_path)
    assert error.problems[0].code == "TRM1106"
    assert "linux/arm64, windows/amd64" in error.problems[0].what


def test_a_digest_in_the_reference_is_what_counts(liar: Liar, tmp_path: Path) -> None:
    right = digest(liar.made.manifest)
    assert pull(liar, tmp_path, f"team/image@{right}") == liar.made.layers
    liar.documents[EVIL] = liar.documents["latest"]
    assert refused(liar, tmp_path, name=f"team/image@{EVIL}").problems[0].code == "TRM1107"


def _other_layer(liar: Liar) -> None:
    name = digest(liar.made.layers[0])
    liar.blobs[name] = b"x" * len(liar.blobs[name])


def _short_layer(liar: Liar) -> None:
    name = digest(liar.made.layers[0])
    liar.blobs[name] = liar.blobs[name][:-1]


def _long_layer(liar: Liar) -> None:
    name = digest(liar.made.layers[0])
    liar.blobs[name] += b"x"


def _other_config(liar: Liar) -> None:
    liar.blobs[digest(liar.made.config_bytes)] = b"x" * len(liar.made.config_bytes)


def _more_layers_than_digests(liar: Liar) -> None:
    liar.made.config["rootfs"]["diff_ids"].append(EVIL)
    liar.serve(liar.made)


def _index_of_another(liar: Liar) -> None:
    entry = descriptor(MANIFEST, b"{}", platform={"os": "linux", "architecture": "amd64"})
    liar.documents["latest"] = (INDEX, json.dumps({"manifests": [entry]}).encode())
    liar.documents[entry["digest"]] = liar.documents[digest(liar.made.manifest)]


@pytest.mark.parametrize(
    "lie",
    [_other_layer, _short_layer, _long_layer, _other_config, _more_layers_than_digests, _index_of_another],
)
def test_content_that_is_not_what_its_digest_says_is_refused(
    liar: Liar, tmp_path: Path, lie: Callable[[Liar], None]
) -> None:
    lie(liar)
    work = tmp_path / "work"
    work.mkdir()
    assert refused(liar, work).problems[0].code == "TRM1107"
    assert not [each for each in work.iterdir() if each.suffix != ".part"]


def changed(**fields: object) -> Made:
    made = Made()
    made.change = fields
    return made


ONE = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": EVIL, "size": 1}


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (changed(layers=None), "TRM1104"),
        (changed(layers=[]), "TRM1105"),
        (changed(layers=[{**ONE, "mediaType": "application/vnd.cncf.helm.chart.content.v1"}]), "TRM1105"),
        (changed(layers=[{**ONE, "size": -1}]), "TRM1104"),
        (changed(layers=[{**ONE, "size": True}]), "TRM1104"),
        (changed(layers=[{**ONE, "size": "1"}]), "TRM1104"),
        (changed(layers=[{**ONE, "digest": "sha256:../../etc/passwd"}]), "TRM1104"),
        (changed(layers=[{**ONE, "digest": "md5:" + "0" * 32}]), "TRM1104"),
        (changed(layers=[ONE] * 10_000), "TRM1104"),
        (changed(layers=[{**ONE, "size": 1 << 60}]), "TRM1110"),
        (changed(config=None), "TRM1104"),
        (changed(config={**ONE, "size": 1 << 40}), "TRM1104"),
    ],
)  # fmt: skip
def test_a_manifest_that_cannot_be_true_is_refused(made: Made, code: str, tmp_path: Path) -> None:
    if code == "TRM1110":
        made.config["rootfs"]["diff_ids"] = [EVIL]
    assert refused(Liar(made), tmp_path).problems[0].code == code


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"null", b"[" * 100_000, b"\xff", b"{}", b"x" * 100])
def test_a_document_that_is_none_is_refused(liar: Liar, tmp_path: Path, content: bytes) -> None:
    liar.documents["latest"] = (MANIFEST, content)
    assert refused(liar, tmp_path).problems[0].code == "TRM1104"


def test_a_hundred_indexes_in_one_another_are_refused(liar: Liar, tmp_path: Path) -> None:
    inner = liar.made.index()
    for _ in range(100):
        entry = descriptor(INDEX, inner, platform={"os": "linux", "architecture": "amd64"})
        liar.documents[digest(inner)] = (INDEX, inner)
        inner = json.dumps({"mediaType": INDEX, "manifests": [entry]}).encode()
    liar.documents["latest"] = (INDEX, inner)
    assert refused(liar, tmp_path).problems[0].code == "TRM1104"
    assert len(liar.asked) < 10


def acting(liar: Liar, act: Callable[[Handler, int], bool]) -> Liar:
    """Ask `act` with the number of the request, from 1."""
    liar.act = lambda handler: act(handler, len(liar.asked))
    return liar


@pytest.mark.parametrize(
    "fault",
    [
        lambda handler: handler.answer(503),
        lambda handler: handler.answer(429, headers={"Retry-After": "0"}),
        lambda handler: handler.break_off(b'{"', 500),
        lambda handler: handler.hang_up(),
    ],
    ids=["busy", "too many", "breaks off", "hangs up"],
)
@pytest.mark.parametrize("at", [1, 2, 3], ids=["manifest", "config", "layer"])
def test_a_fault_that_passes_is_overcome(
    liar: Liar, tmp_path: Path, fault: Callable[[Handler], bool], at: int
) -> None:
    acting(liar, lambda handler, number: number == at and fault(handler))
    assert pull(liar, tmp_path) == liar.made.layers
    assert len(liar.asked) == 4


def test_a_fault_that_stays_is_told(liar: Liar, tmp_path: Path) -> None:
    acting(liar, lambda handler, _: handler.answer(500))
    error = refused(liar, tmp_path)
    assert error.problems[0].code == "TRM1101"
    assert "HTTP 500" in error.problems[0].what
    assert len(liar.asked) == QUICK.tries


@pytest.mark.parametrize("at", ["manifests", "blobs"])
def test_an_answer_without_an_end_is_left(liar: Liar, tmp_path: Path, at: str) -> None:
    acting(liar, lambda handler, _: at in handler.path and handler.drip())
    started = time.monotonic()
    assert refused(liar, tmp_path, HASTY).problems[0].code in {"TRM1101", "TRM1107"}
    assert time.monotonic() - started < 20


def test_headers_without_an_end_are_left(liar: Liar, tmp_path: Path) -> None:
    def drop(handler: Handler, _: int) -> bool:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(100):
            handler.wfile.write(b"X-%d: y\r\n" % number)
            handler.wfile.flush()
            time.sleep(0.05)
        return True

    started = time.monotonic()
    assert refused(acting(liar, drop), tmp_path, HASTY).problems[0].code == "TRM1101"
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("status", [200, 400, 404, 405, 410, 418])
def test_what_is_no_registry_is_told(liar: Liar, tmp_path: Path, status: int) -> None:
    acting(liar, lambda handler, _: handler.answer(status, b"<html>welcome</html>"))
    wanted = {200: "TRM1104", 404: "TRM1108"}.get(status, "TRM1103")
    assert refused(liar, tmp_path).problems[0].code == wanted


def test_a_manifest_of_gigabytes_is_left(liar: Liar, tmp_path: Path) -> None:
    acting(liar, lambda handler, _: handler.answer(200, b" " * (5 << 20)))
    assert refused(liar, tmp_path).problems[0].code == "TRM1107"


@pytest.mark.parametrize(
    "place",
    ["http://192.0.2.1/x", "http://user@192.0.2.1/x", "file:///etc/passwd", "ftp://127.0.0.1/x",
     "//192.0.2.1/x",
     "http://[", "gopher://x"],
)  # fmt: skip
def test_a_redirect_to_an_unprotected_address_is_refused(liar: Liar, tmp_path: Path, place: str) -> None:
    acting(liar, lambda handler, _: handler.answer(307, headers={"Location": place}))
    assert refused(liar, tmp_path).problems[0].code == "TRM1101"


def test_redirects_that_go_round_end(liar: Liar, tmp_path: Path) -> None:
    acting(liar, lambda handler, _: handler.answer(307, headers={"Location": handler.path}))
    assert refused(liar, tmp_path).problems[0].code == "TRM1101"
    assert len(liar.asked) < 10


@pytest.fixture
def alice(nobody: Path) -> str:
    nobody.write_text(json.dumps({"auths": {}}))

    def login(host: str) -> None:
        auth = basic("alice", "wonderland").removeprefix("Basic ")
        nobody.write_text(json.dumps({"auths": {host: {"auth": auth}}}))

    Login.login = staticmethod(login)
    return "wonderland"


class Login:
    login: Callable[[str], None]


def test_a_password_is_sent_when_asked_for_and_to_the_registry_alone(
    liar: Liar, tmp_path: Path, alice: str
) -> None:
    """The layer is at another address, which gets no credentials."""
    other = Liar()
    layer = digest(liar.made.layers[0])
    with other.running() as elsewhere, liar.running() as host:
        Login.login(host)

        def act(handler: Handler, _: int) -> bool:
            if handler.headers.get("Authorization") != basic("alice", alice):
                return handler.answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            if layer in handler.path:
                return handler.answer(
                    307, headers={"Location": f"http://{elsewhere}{handler.path}?signed=yes"}
                )
            return False

        acting(liar, act)
        other.act = lambda handler: handler.answer(200, other.made.layers[0])
        registry = Registry(parse_reference(f"{host}/a"), QUICK)
        found = image.find(registry, AMD64)
        assert [path.read_bytes() for *_, path in image.layers(registry, found, tmp_path, lambda _: None)]
        registry.close()
    assert liar.authorizations[0] == ""
    assert set(liar.authorizations[1:]) == {basic("alice", alice)}
    assert other.authorizations == [""]


@pytest.mark.parametrize("known", [False, True])
def test_a_refusal_says_who_was_refused_and_not_the_secret(
    liar: Liar, tmp_path: Path, alice: str, known: bool
) -> None:
    with liar.running() as host:
        if known:
            Login.login(host)
        acting(liar, lambda handler, _: handler.answer(401, headers={"WWW-Authenticate": "Basic realm=x"}))
        registry = Registry(parse_reference(f"{host}/a"), QUICK)
        with pytest.raises(TrimaranError) as caught:
            registry.top()
        registry.close()
    problem = caught.value.problems[0]
    assert (problem.code, caught.value.status) == ("TRM1102", Exit.AUTHENTICATION)
    assert ("alice" in problem.what) == known
    assert alice not in f"{problem}"


@pytest.mark.parametrize(
    "token",
    [b"{}", b"[]", b"", b"null", b'{"token": 1}', b'{"token": "a\\r\\nHost: evil"}', b"x" * (1 << 19)],
)
def test_a_token_service_that_gives_none_is_told_without_what_it_gave(
    liar: Liar, tmp_path: Path, token: bytes
) -> None:
    def act(handler: Handler, _: int) -> bool:
        if handler.path.startswith("/token"):
            return handler.answer(200, token)
        realm = f'Bearer realm="http://{handler.headers["Host"]}/token",service="s"'
        return handler.answer(401, headers={"WWW-Authenticate": realm})

    assert refused(acting(liar, act), tmp_path).problems[0].code in {"TRM1102", "TRM1107"}


@pytest.mark.parametrize("realm", ["http://192.0.2.1/token", "file:///etc/passwd", "//x", "x", "http://["])
def test_no_token_is_asked_for_at_an_unprotected_address(liar: Liar, tmp_path: Path, realm: str) -> None:
    acting(
        liar, lambda handler, _: handler.answer(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})
    )
    error = refused(liar, tmp_path)
    assert error.problems[0].code == "TRM1102"
    assert error.status is Exit.AUTHENTICATION


def test_a_refresh_token_is_posted_and_never_in_an_address(liar: Liar, tmp_path: Path, nobody: Path) -> None:
    with liar.running() as host:
        nobody.write_text(json.dumps({"auths": {host: {"identitytoken": "long-lived"}}}))

        def act(handler: Handler, _: int) -> bool:
            if handler.path == "/token":
                assert handler.form["refresh_token"] == "long-lived"
                return handler.json(200, {"access_token": "short"})
            if handler.headers.get("Authorization") == "Bearer short":
                return False
            realm = f'Bearer realm="http://{host}/token",service="s"'
            return handler.answer(401, headers={"WWW-Authenticate": realm})

        acting(liar, act)
        registry = Registry(parse_reference(f"{host}/a"), QUICK)
        assert registry.top()[1] == liar.made.manifest
        registry.close()
    assert "POST /token" in liar.asked
    assert not any("long-lived" in each for each in liar.asked)
