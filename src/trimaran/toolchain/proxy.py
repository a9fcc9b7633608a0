"""HTTP with a module proxy: bounded in size and time, and retried. The only file that opens sockets.

`urllib` honours `http_proxy` and the certificates that the environment names. A `file://` proxy is read
from disk.
"""

import base64
import contextlib
import http.client
import netrc
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from trimaran.errors import fail, printable
from trimaran.toolchain.goproxy import Source, without_secret
from trimaran.toolchain.proxyfaults import (
    AbsentError,
    BusyError,
    broke_off,
    busy,
    shown,
    stalled,
    too_large,
)

_CHUNK = 1 << 16
_ABSENT = (403, 404, 410)  # some proxies say "forbidden" for what they do not have
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_LONGEST_PAUSE_S = 15

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds, and how often to try.

    Args:
        answer_s: until the answer begins, connecting included.
        idle_s: between two pieces of an answer.
        total_s: for a small answer, from the first byte to the last.
        download_s: for a toolchain, all tries together.
        pause_s: before the second try; doubled before each further one.
        tries: for one address; for a download, tries in a row that brought nothing.
    """

    answer_s: float = 30
    idle_s: float = 30
    total_s: float = 120
    download_s: float = 3600
    pause_s: float = 0.5
    tries: int = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose body has not been read yet; `size` is 0 when it is not announced."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: http.client.HTTPResponse

    @property
    def size(self) -> int:
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0

    @property
    def placed(self) -> tuple[int, int] | None:
        """First byte and size of the whole, from `Content-Range: bytes 5-9/100`; None without one."""
        span, slash, size = self.headers.get("content-range", "").removeprefix("bytes ").partition("/")
        first = span.partition("-")[0]
        if not slash or not (size + first.replace("*", "0")).isdecimal():
            return None
        return (-1 if first == "*" else int(first)), int(size)


def get(source: Source, path: str, limit: int, patience: Patience) -> bytes:
    """A small file below a proxy's address.

    Args:
        limit: the most bytes that are taken; more is an error.

    Raises:
        AbsentError: it is not there.
        TrimaranError: TRM0306 unreachable, 0307 answers with an error, 0309 stalls, 0310 breaks off,
            0329 too large.
    """
    if source.url.startswith("file:"):
        return read_file(source, path, 0, limit)[0]
    return retried(
        lambda: _collect(open_answer(f"{source.url}/{path}", {}, patience), limit, patience), patience
    )


def get_range(source: Source, path: str, start: int, length: int, patience: Patience) -> tuple[bytes, int]:
    """A part of a file and the size of the whole. Raises as `get`; TRM0330 when ranges are not served."""
    if source.url.startswith("file:"):
        return read_file(source, path, start, length, whole=False)
    wanted = {"Range": f"bytes={start}-{start + length - 1}"}

    def once() -> tuple[bytes, int]:
        answer = open_answer(f"{source.url}/{path}", wanted, patience)
        placed = answer.placed
        if answer.status != 206 or placed is None or placed[0] != start:
            answer.body.close()
            raise fail("TRM0330", f"{shown(answer.url)} serves no ranges", "use a proxy that does")
        return _collect(answer, length, patience), placed[1]

    return retried(once, patience)


def _collect(answer: Answer, limit: int, patience: Patience) -> bytes:
    if answer.size > limit:
        answer.body.close()
        raise too_large(answer.url, limit)
    found = bytearray()
    for chunk in chunks(answer, patience.idle_s, patience.total_s):
        found += chunk
        if len(found) > limit:
            raise too_large(answer.url, limit)
    if len(found) < answer.size:
        raise broke_off(answer.url, f"after {len(found)} of {answer.size} bytes")
    return bytes(found)


def chunks(answer: Answer, idle_s: float, total_s: float) -> Iterator[bytes]:
    """The body in pieces; whoever takes them compares their sum with `answer.size`. Closes the body."""
    deadline = time.monotonic() + total_s
    try:
        while chunk := answer.body.read1(_CHUNK):
            yield chunk
            if time.monotonic() > deadline:
                raise stalled(answer.url, f"took more than {total_s:g} s")
    except TimeoutError:
        raise stalled(answer.url, f"sent nothing for {idle_s:g} s") from None
    except (http.client.HTTPException, ConnectionError) as error:
        raise broke_off(answer.url, f"({type(error).__name__})") from None
    finally:
        answer.body.close()


def retried(once: Callable[[], T], patience: Patience) -> T:
    """What `once` returns, tried again after faults that may pass."""
    for attempt in range(patience.tries - 1):
        try:
            return once()
        except BusyError:
            pause(attempt, patience)
    return once()


def pause(attempt: int, patience: Patience) -> None:
    """Wait before the next try, longer each time."""
    time.sleep(min(patience.pause_s * 2**attempt, _LONGEST_PAUSE_S))


def open_answer(url: str, headers: Mapping[str, str], patience: Patience) -> Answer:
    """Ask, and wait for the answer to begin. Raises as `get`.

    A server that sends its headers drop by drop is never idle, so the asking is bounded as a whole: it is
    done in a thread that is left behind when its time is over.
    """
    box: list[Answer | Exception] = []

    def ask() -> None:
        try:
            box.append(_ask(url, headers, patience))
        except Exception as error:  # noqa: BLE001 - raised again below, in the caller's thread
            box.append(error)

    asking = threading.Thread(target=ask, daemon=True, name="ask-proxy")
    asking.start()
    asking.join(patience.answer_s)
    if not box:
        raise stalled(url, f"did not answer within {patience.answer_s:g} s")
    if isinstance(box[0], Exception):
        raise _meaning(url, box[0])
    return box[0]


def _ask(url: str, headers: Mapping[str, str], patience: Patience) -> Answer:
    parts = urllib.parse.urlsplit(url)
    request = urllib.request.Request(without_secret(url), headers={"User-Agent": "trimaran", **headers})  # noqa: S310 - http and https only, checked by parse_goproxy
    secret = _secret(parts)
    if secret:
        # Not sent on to where the proxy redirects.
        request.add_unredirected_header("Authorization", f"Basic {secret}")
    opener = urllib.request.build_opener(_Redirects)
    body: http.client.HTTPResponse = opener.open(request, timeout=min(patience.idle_s, patience.answer_s))
    return Answer(url, body.status, {name.lower(): value for name, value in body.headers.items()}, body)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to something that anybody on the way can change."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not newurl.startswith(("https:", "http:") if req.type == "http" else "https:"):
            raise urllib.error.URLError("it redirects to an unprotected address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _secret(parts: urllib.parse.SplitResult) -> str:
    """Name and password for Basic authentication, from the address or, as Go does, from ~/.netrc."""
    name, password = parts.username, parts.password
    if name is None:
        with contextlib.suppress(OSError, netrc.NetrcParseError, RuntimeError):
            known = netrc.netrc().authenticators(parts.hostname or "")
            name, password = (known[0], known[2]) if known else (None, None)
    if name is None:
        return ""
    plain = f"{urllib.parse.unquote(name)}:{urllib.parse.unquote(password or '')}"
    return base64.b64encode(plain.encode()).decode()


def _meaning(url: str, error: Exception) -> Exception:
    """The problem that an exception of urllib stands for."""
    if isinstance(error, urllib.error.HTTPError):
        return _refusal(url, error)
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return stalled(url, "did not answer in time")
    if isinstance(reason, http.client.HTTPException | ConnectionResetError | BrokenPipeError):
        return broke_off(url, f"({type(reason).__name__})")
    if isinstance(error, OSError | ValueError):
        text = printable(str(reason.strerror if isinstance(reason, OSError) and reason.strerror else reason))
        what = f"{shown(url)} cannot be reached: {text}"
        return busy("TRM0306", what, "check the network, and the address in GOPROXY")
    return error


def _refusal(url: str, error: urllib.error.HTTPError) -> Exception:
    status = error.code
    error.close()
    if status in _ABSENT:
        return AbsentError(status)
    what = f"{shown(url)} answers with HTTP {status}"
    if status == 416:
        return RangeError(Answer(url, status, {k.lower(): v for k, v in error.headers.items()}, None))  # type: ignore[arg-type]  # no body is read after a 416
    if status in _BUSY:
        return busy("TRM0307", what, "try again later, or use another proxy")
    return fail("TRM0307", what, "check the address in GOPROXY and its credentials")


class RangeError(Exception):
    """HTTP 416: there is nothing from that byte on. `size` is that of the whole, -1 when not told."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("HTTP 416")
        self.size = answer.placed[1] if answer.placed else -1


def read_file(source: Source, path: str, start: int, limit: int, whole: bool = True) -> tuple[bytes, int]:
    """From a `file://` proxy: bytes, and the size of the file. Raises as `get`."""
    folder = urllib.request.url2pathname(urllib.parse.urlsplit(source.url).path)
    try:
        with Path(folder, path).open("rb") as file:
            size = file.seek(0, 2)
            if whole and size > limit:
                raise too_large(f"{source.url}/{path}", limit)
            file.seek(start)
            return file.read(limit), size
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise AbsentError(404) from None
    except OSError as error:
        what = f"{shown(source.url)}/{path} cannot be read: {error.strerror}"
        raise fail("TRM0306", what, "check the folder that GOPROXY names") from None
