"""The one seam to a cluster's API: time limits, patience with a busy server, bounded answers."""

import ssl
import threading
import time
import weakref

import httpx2

from trimaran.action import canonical
from trimaran.errors import Exit, Problem, TrimaranError, fail, printable
from trimaran.platform.kubernetes import answers, kubeconfig
from trimaran.platform.kubernetes.request import Answer, Request
from trimaran.spec.fleet import ClusterTarget

LOOK_S = 60.0
"""Seconds that looking may take in all, where nobody gave a deadline."""
_CONNECT_S = 5.0
_READ_S = 30.0
_ATTEMPTS = 4
_PAUSE_S = 0.25
_LARGEST = 512 << 20  # bytes of an answer, unpacked: a namespace full of large objects is still smaller


class Client:
    """A cluster's API server. Nothing is read before the first request; threads may share one."""

    def __init__(self, target: str, settings: ClusterTarget) -> None:
        self.target, self.settings = target, settings
        self.name = printable(f"the cluster of {target} ({settings.context})")
        self._lock = threading.Lock()
        self._http: httpx2.Client | None = None

    def ask(self, request: Request, deadline: float | None = None) -> Answer:
        """The server's answer, whatever its status.

        A busy server is asked again, as long as it says (Retry-After) and at most until the deadline. An
        answer that broke off is asked for again only when nothing can have changed.

        Args:
            deadline: seconds on `time.monotonic()`; without one LOOK_S from now.

        Raises TRM0722, TRM0723, TRM0725 and TRM0734, and TRM0557 when no time is left.
        """
        end = time.monotonic() + LOOK_S if deadline is None else deadline
        attempts = _ATTEMPTS if request.patient else 1
        for attempt in range(1, attempts + 1):
            try:
                answer, pause = self._once(request, end)
            except (httpx2.TransportError, OSError) as broken:
                if attempt == attempts or not _may_repeat(request, broken):
                    raise self._unreachable(request, broken) from None
                pause = _PAUSE_S
            else:
                pause = pause or _PAUSE_S * 2**attempt
                busy = answers.is_busy(answer.code, answer.body)
                if not busy or attempt == attempts or time.monotonic() + pause >= end:
                    return answer
            time.sleep(pause)
        raise AssertionError  # the last attempt returns or raises

    def need(self, request: Request, deadline: float | None = None) -> Answer:
        """A good answer; raises what `answers.explained` says of any other."""
        answer = self.ask(request, deadline)
        if not answer.is_good:
            raise self.refusal(request, answer)
        return answer

    def refusal(self, request: Request, answer: Answer) -> TrimaranError:
        return answers.explained(answer.code, answers.status(answer.body), request.asked, self.name)

    def close(self) -> None:
        with self._lock:
            if self._http is not None:
                self._http.close()
                self._http = None

    def _connected(self) -> httpx2.Client:
        with self._lock:
            if self._http is None:
                self._http = kubeconfig.connect(self.settings)
                # Sessions are not closed by those who use them; their connections are, with them.
                weakref.finalize(self, self._http.close)
            return self._http

    def _once(self, request: Request, end: float) -> tuple[Answer, float]:
        """The answer, and how many seconds the server wants to be left alone (0: it does not say)."""
        left = end - time.monotonic()
        if left <= 0:
            raise fail("TRM0557", f"no time was left to {request.asked}", "run it again")
        http = self._connected()
        content = None if request.body is None else canonical(request.body)
        headers = {"Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = request.content
        timeout = httpx2.Timeout(min(_READ_S, left), connect=min(_CONNECT_S, left))
        built = http.build_request(
            request.method,
            request.path,
            params=dict(request.params),
            content=content,
            headers=headers,
            timeout=timeout,
        )
        response = http.send(built, stream=True)
        try:
            body = _read(response, request, end)
        finally:
            response.close()
        return Answer(response.status_code, body), _retry_after(response)

    def _unreachable(self, request: Request, broken: Exception) -> TrimaranError:
        causes = list(_causes(broken))
        tls = next((each for each in causes if isinstance(each, ssl.SSLError)), None)
        if isinstance(tls, ssl.SSLCertVerificationError):
            what = f"the certificate of {self.name} is not trusted: {printable(tls.verify_message)}"
            fix = "check the server and the certificate-authority of the context"
            return TrimaranError(Problem("TRM0725", what, fix), status=Exit.AUTHENTICATION)
        if tls is not None:
            what = f"{self.name} refuses the TLS connection: {printable(str(tls.reason or tls))}"
            fix = "check the client certificate of the context's user"
            return TrimaranError(Problem("TRM0723", what, fix), status=Exit.AUTHENTICATION)
        why = answers.words(str(broken)) or type(broken).__name__
        what = f"{self.name} does not answer (to {request.asked}): {why}"
        return TrimaranError(
            Problem("TRM0722", what, "check that its API server runs and can be reached"), status=Exit.PARTIAL
        )


def _may_repeat(request: Request, broken: Exception) -> bool:
    """Whether asking again cannot do anything twice, and may help: a connection that was made broke off."""
    broke_off = isinstance(broken, httpx2.ReadError | httpx2.WriteError | httpx2.RemoteProtocolError)
    return request.reads and broke_off


def _read(response: httpx2.Response, request: Request, end: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > _LARGEST:
            what = f"the answer to {request.asked} is larger than {_LARGEST >> 20} MiB"
            raise fail("TRM0734", what, "check the server of the context")
        if time.monotonic() > end:
            # A server that sends a byte now and then never runs into the read timeout.
            raise httpx2.ReadTimeout("it did not end in time", request=response.request)
        chunks.append(chunk)
    return b"".join(chunks)


def _retry_after(response: httpx2.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return min(float(text), 3600.0) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0


def _causes(broken: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    each: BaseException | None = broken
    while each is not None and each not in found:
        found.append(each)
        each = each.__cause__ or each.__context__
    return found
