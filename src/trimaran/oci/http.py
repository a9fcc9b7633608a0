"""HTTP with a registry: bounded in size and time. The only file of this room that opens sockets."""

import contextlib
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2

from trimaran.errors import Exit, Problem, TrimaranError, fail, printable
from trimaran.oci.reference import is_loopback

T = TypeVar("T")

_LIAR = "do not use it; try another registry"
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)
_HOPS = 5
_LONGEST_PAUSE_S = 15.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds, and how often to try.

    Args:
        connect_s: for a connection.
        answer_s: until an answer begins.
        idle_s: between two pieces of it.
        document_s: for a document, from the first byte to the last.
        layer_s: for a layer.
        pause_s: before the second try; doubled before each further one.
        tries: for one address.
    """

    connect_s: float = 10
    answer_s: float = 30
    idle_s: float = 30
    document_s: float = 120
    layer_s: float = 3600
    pause_s: float = 0.5
    tries: int = 4


class BusyError(TrimaranError):
    """A fault that may be gone at the next try; `pause_s` is how long the server wants to be left alone."""

    def __init__(self, problem: Problem, pause_s: float = 0.0) -> None:
        super().__init__(problem)
        self.pause_s = pause_s


class Http:
    """A connection to a registry and to where it sends us. Close it, or use it as a context."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        timeout = httpx2.Timeout(self.patience.idle_s, connect=self.patience.connect_s)
        settings: dict[str, Any] = {"timeout": timeout, "follow_redirects": False}
        self._near = httpx2.Client(trust_env=False, **settings)
        # Proxies and certificates are the environment's; made when needed, because certificates take long.
        self._far: httpx2.Client | None = None
        self._settings = settings

    def close(self) -> None:
        """Let go of the connections."""
        self._near.close()
        if self._far is not None:
            self._far.close()

    @contextlib.contextmanager
    def answer(
        self, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
    ) -> Iterator[httpx2.Response]:
        """An answer whose body has not been read; redirects are followed, with credentials only at home.

        Raises TRM1101; BusyError for what may pass.
        """
        home, sent = _origin(url), dict(headers)
        for _ in range(_HOPS):
            response = self._ask(url, sent, form)
            try:
                place = response.headers.get("location", "") if response.status_code in _REDIRECTS else ""
                if not place:
                    if response.status_code in _BUSY:
                        raise _busy(url, f"answers with HTTP {response.status_code}", _pause(response))
                    yield response
                    return
            finally:
                response.close()
            url, form = _redirected(url, place), None
            if _origin(url) != home:
                sent = {name: value for name, value in sent.items() if name.lower() != "authorization"}
        raise fail("TRM1101", f"{_host(url)} sends us on and on", "check the address of the registry")

    def body(self, response: httpx2.Response, limit: int, seconds: float) -> Iterator[bytes]:
        """What the answer holds, as it was sent; TRM1107 when it is more than `limit` bytes."""
        end, size, url = time.monotonic() + seconds, 0, str(response.request.url)
        try:
            for piece in response.iter_raw():
                size += len(piece)
                if size > limit:
                    raise fail("TRM1107", f"{_host(url)} sends more than the {limit} bytes announced", _LIAR)
                if time.monotonic() > end:
                    raise _busy(url, f"did not end within {seconds:g} s")
                yield piece
        except (httpx2.HTTPError, OSError) as error:
            raise self._meaning(url, error) from None

    def _ask(self, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None) -> httpx2.Response:
        """Send, and wait for the answer to begin, in a thread that is left behind when its time is over.

        A server that sends its headers drop by drop is never idle, so the asking is bounded as a whole.
        """
        client = self._client(url)
        method = "GET" if form is None else "POST"
        try:
            request = client.build_request(
                method, url, headers={"User-Agent": "trimaran", **headers}, data=form
            )
        except (httpx2.InvalidURL, ValueError, UnicodeError):
            raise fail("TRM1101", f"{_host(url)} is no address", "check the reference") from None
        box: list[httpx2.Response | Exception] = []

        def ask() -> None:
            try:
                box.append(client.send(request, stream=True))
            except Exception as error:  # noqa: BLE001 - raised again below, in the caller's thread
                box.append(error)

        asking = threading.Thread(target=ask, daemon=True, name="ask-registry")
        asking.start()
        asking.join(self.patience.answer_s)
        if not box:
            raise _busy(url, f"did not answer within {self.patience.answer_s:g} s")
        if isinstance(box[0], Exception):
            raise self._meaning(url, box[0])
        return box[0]

    def _client(self, url: str) -> httpx2.Client:
        if is_loopback(urllib.parse.urlsplit(url).netloc):
            return self._near
        if self._far is None:
            self._far = httpx2.Client(**self._settings)
        return self._far

    @staticmethod
    def _meaning(url: str, error: Exception) -> Exception:
        causes = list(_causes(error))
        if any(isinstance(each, ssl.SSLCertVerificationError) for each in causes):
            what = f"the certificate of {_host(url)} is not trusted"
            return fail(
                "TRM1101", what, "check the registry, and SSL_CERT_FILE for a certificate of your own"
            )
        if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
            return fail("TRM1101", f"{_host(url)} is no address", "check the reference")
        if isinstance(error, httpx2.TimeoutException):
            return _busy(url, "does not answer in time")
        if isinstance(error, httpx2.HTTPError | OSError):
            return _busy(url, f"cannot be reached: {printable(str(error) or type(error).__name__)[:200]}")
        return error


def retried(once: Callable[[], T], patience: Patience) -> T:
    """What `once` returns, tried again after faults that may pass."""
    for attempt in range(patience.tries - 1):
        try:
            return once()
        except BusyError as error:
            time.sleep(min(max(error.pause_s, patience.pause_s * 2**attempt), _LONGEST_PAUSE_S))
    return once()


def _busy(url: str, what: str, pause_s: float = 0.0) -> BusyError:
    problem = Problem("TRM1101", f"{_host(url)} {what}", "check the network and the registry; try again")
    return BusyError(problem, pause_s)


def _pause(response: httpx2.Response) -> float:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0.0


def _redirected(url: str, place: str) -> str:
    """Where we are sent; never from a protected address, or from far away, to one that anybody can read."""
    try:
        found = urllib.parse.urljoin(url, place)
        parts = urllib.parse.urlsplit(found)
        safe = parts.scheme == "https" or (
            parts.scheme == "http"
            and is_loopback(parts.netloc)
            and is_loopback(urllib.parse.urlsplit(url).netloc)
        )
    except ValueError:
        safe = False
    if not safe:
        raise fail("TRM1101", f"{_host(url)} sends us to an unprotected address", _LIAR)
    return found


def _origin(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _host(url: str) -> str:
    """For messages: the rest of an address may hold a signature."""
    try:
        return printable(urllib.parse.urlsplit(url).netloc.rpartition("@")[2])[:200] or "the registry"
    except ValueError:
        return "the registry"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in seen:
        seen.append(each)
        yield each
        each = each.__cause__ or each.__context__


def unauthorized(what: str, fix: str) -> TrimaranError:
    """A registry that wants other credentials, or some."""
    return TrimaranError(Problem("TRM1102", what, fix), status=Exit.AUTHENTICATION)
