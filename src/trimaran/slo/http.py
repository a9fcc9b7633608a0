"""Plain HTTP to a service: is it ready, what does it answer, what does it publish. Input and output.

Every wait is bounded by one deadline for the whole exchange, and every answer in its size. Redirects
are not followed and proxies of the environment are not used: what is asked is the service itself.
"""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from trimaran.errors import TrimaranError, fail, printable
from trimaran.slo.connection import Answer, Connection, NoAnswer
from trimaran.slo.exposition import OPENMETRICS, parse
from trimaran.slo.sample import Sample

METRICS_LIMIT = 16 * 2**20
_ACCEPT = f"text/plain;version=0.0.4,{OPENMETRICS};version=1.0.0;q=0.5"
_ATTEMPT_S = 2.0
_BODY_LIMIT = 2**20


@dataclass(frozen=True, slots=True)
class Ready:
    """The probe was answered.

    Args:
        attempts: how often it was asked, this time included.
    """

    attempts: int


@dataclass(frozen=True, slots=True)
class NotReady:
    """The probe was not answered in time.

    Args:
        last: what was seen last, one line.
        gone: the service had ended, so that waiting longer was of no use.
    """

    last: str
    attempts: int
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a number of requests.

    Args:
        statuses: how many answers had each status.
        failures: how many requests had no answer, by reason.
        unsent: requests that the deadline left no time for.
    """

    statuses: Mapping[int, int] = field(hash=False)
    failures: Mapping[str, int] = field(hash=False)
    unsent: int = 0

    @property
    def answered(self) -> int:
        return sum(self.statuses.values())


def get(
    host: str,
    port: int,
    path: str,
    timeout: float = 5.0,
    limit_bytes: int = _BODY_LIMIT,
    accept: str = "*/*",
) -> Answer | NoAnswer:
    """One GET request.

    Args:
        timeout: seconds for the whole exchange.
        limit_bytes: a longer body counts as no answer.
    """
    if not path.startswith("/"):
        return NoAnswer(f"the path {printable(path)!r} does not start with /")
    connection = Connection(host, port)
    try:
        return connection.ask(path, limit_bytes, time.monotonic() + timeout, accept)
    finally:
        connection.close()


def wait_ready(
    host: str,
    port: int,
    path: str,
    deadline: float,
    alive: Callable[[], bool] = lambda: True,
    pause: float = 0.05,
) -> Ready | NotReady:
    """Ask a ready probe until it is answered with a status from 200 to 399.

    Args:
        deadline: seconds on `time.monotonic()`.
        alive: whether the service still runs; once it does not, waiting ends early.
        pause: seconds between two attempts.
    """
    last = "never asked"
    for attempt in itertools.count(1):
        left = deadline - time.monotonic()
        if left <= 0:
            return NotReady(last, attempt - 1)
        answer = get(host, port, path, min(left, _ATTEMPT_S))
        if isinstance(answer, Answer) and answer.good:
            return Ready(attempt)
        cut_short = isinstance(answer, NoAnswer) and not answer.refused and left < _ATTEMPT_S
        if attempt == 1 or not cut_short:
            # What an attempt met that had no time tells less than what was seen before.
            last = str(answer)
        if not alive():
            return NotReady(last, attempt, gone=True)
        time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
    raise AssertionError("counting has no end")


def send(host: str, port: int, path: str, count: int, deadline: float, concurrency: int = 4) -> Sent:
    """Send `count` GET requests over `concurrency` kept connections and count what came back.

    Args:
        deadline: seconds on `time.monotonic()`; what is not sent by then is not sent.
    """
    statuses: Counter[int] = Counter()
    failures: Counter[str] = Counter()
    numbers, lock = itertools.count(), threading.Lock()

    def work() -> None:
        connection = Connection(host, port)
        # next() on a counter is one step of the interpreter, so that no two workers draw one number.
        while time.monotonic() < deadline and next(numbers) < count:
            answer = connection.ask(path, _BODY_LIMIT, deadline)
            with lock:
                if isinstance(answer, Answer):
                    statuses[answer.status] += 1
                else:
                    failures[answer.reason] += 1
        connection.close()

    with ThreadPoolExecutor(max(1, min(concurrency, count)), "request") as pool:
        for future in [pool.submit(work) for _ in range(min(concurrency, count))]:
            future.result()
    unsent = count - statuses.total() - failures.total()
    return Sent(dict(sorted(statuses.items())), dict(failures), unsent)


def scrape(host: str, port: int, path: str = "/metrics", timeout: float = 10.0) -> tuple[Sample, ...]:
    """Everything that a service publishes.

    Raises TrimaranError TRM0900 without an answer, TRM0901 for another status than 200, TRM0902 when
    the answer is longer than 16 MiB and TRM0903 when it is no metrics text.
    """
    url = f"http://{printable(host)}:{port}{printable(path)}"
    answer = get(host, port, path, timeout, METRICS_LIMIT, _ACCEPT)
    if isinstance(answer, NoAnswer):
        code = "TRM0902" if answer.oversized else "TRM0900"
        raise fail(code, f"{url} gave no metrics: {answer}", "look at the service's log, and at `metrics`")
    if answer.status != 200:
        raise fail("TRM0901", f"{url} answered {answer}", "set `metrics.path` to where the metrics are")
    try:
        return parse(answer.body.decode("utf-8"), answer.content_type)
    except ValueError as error:
        raise _malformed(url, error) from None


def _malformed(url: str, error: ValueError) -> TrimaranError:
    reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
    return fail(
        "TRM0903", f"{url} is no metrics text: {reason}", "set `metrics.path` to where the metrics are"
    )
