"""The seam to pyVmomi: one connection to one vCenter, its session, and what its faults mean for a user."""

import contextlib
import os
import ssl
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from pyVmomi import SoapStubAdapter, vim, vmodl

from trimaran.action import Json
from trimaran.errors import Exit, Problem, TrimaranError, fail, printable
from trimaran.spec.fleet import VSphereTarget

API_VERSION = "vim.version.version12"
"""vSphere 6.7: old enough for every supported vCenter, new enough for encrypted disks. Asking a vCenter for
its newest version would cost a round for nothing that is needed here."""

REQUEST_S = 30.0
"""How long one request may take: a vCenter under load answers in seconds."""

IDLE_S = 20
"""Connections that were idle for longer are opened anew: a proxy may have dropped them."""

_BROKEN = (OSError, HTTPException, ExpatError)


class _Stub(SoapStubAdapter):  # type: ignore[misc]  # pyVmomi is not typed
    """Counts calls, logs in again once when the session has ended, and calls nonsense by its name."""

    calls = 0
    login: Callable[["_Stub"], None] | None = None

    def InvokeMethod(self, mo: Any, info: Any, args: Any, outerStub: Any = None) -> Any:  # noqa: N802, N803
        self.calls += 1
        try:
            return self._invoke(mo, info, args, outerStub)
        except vim.fault.NotAuthenticated:
            # The call was not carried out, so that it may be repeated whatever it was.
            login, self.login = self.login, None
            if login is None:
                raise
            try:
                login(self)
                return self._invoke(mo, info, args, outerStub)
            finally:
                self.login = login

    def _invoke(self, mo: Any, info: Any, args: Any, outer: Any) -> Any:
        try:
            return super().InvokeMethod(mo, info, args, outer)
        except (ValueError, LookupError, TypeError, AttributeError) as broken:
            if isinstance(broken, ssl.SSLError):
                raise
            # pyVmomi met an answer that is XML, perhaps, but none of vSphere's.
            raise HTTPException(f"the answer is not vSphere's ({type(broken).__name__})") from None


class Client:
    """A vCenter as a target of the fleet names it; connected when it is first needed.

    Args:
        resolve: the value of a secret reference; asked when a session is opened, and not kept.
    """

    def __init__(
        self, target: str, settings: VSphereTarget, resolve: Callable[[Mapping[str, Json]], str]
    ) -> None:
        self.target, self.settings, self.resolve = target, settings, resolve
        self._stub: _Stub | None = None
        self._content: Any = None
        self._refused: Exception | None = None

    @property
    def calls(self) -> int:
        """How many requests were made so far."""
        return self._stub.calls if self._stub else 0

    @property
    def content(self) -> Any:
        """The ServiceContent of vCenter, over a session that is logged in."""
        if self._refused is not None:
            # Not asked again: a vCenter locks a user after a few wrong passwords.
            raise self._refused
        if self._content is None:
            stub = self._connect()
            try:
                found = vim.ServiceInstance("ServiceInstance", stub).RetrieveContent()
                sessions: Any = found.sessionManager
                self._log_in(sessions)
            except BaseException:
                stub.DropConnections()
                raise
            login = weakref.WeakMethod(self._log_in)
            stub.login = lambda own: _again(login, vim.SessionManager(sessions._moId, own))  # noqa: SLF001
            self._stub, self._content = stub, found
            weakref.finalize(self, _log_out, sessions, stub, os.getpid())
        return self._content

    @property
    def stub(self) -> Any:
        """The connection of the session, for vCenter's other services."""
        return self.content.sessionManager._stub  # noqa: SLF001

    def context(self) -> ssl.SSLContext:
        """How vCenter's certificate is checked: against the fleet's `ca`, or the system's."""
        try:
            return ssl.create_default_context(cafile=self.settings.ca)
        except OSError as broken:
            why = "it holds no certificates" if isinstance(broken, ssl.SSLError) else broken.strerror
            what = f"{self.settings.ca}, the ca of the target {self.target}: {why}"
            raise fail("TRM0741", printable(what), "name a file with certificates in PEM form") from None

    def _connect(self) -> _Stub:
        url = urlsplit(self.settings.url or "")
        try:
            port = url.port or 443
        except ValueError as broken:
            raise HTTPException(str(broken)) from None
        return _Stub(
            host=url.hostname or "",
            port=port,
            path=url.path if url.path not in ("", "/") else "/sdk",
            version=API_VERSION,
            sslContext=self.context(),
            httpConnectionTimeout=REQUEST_S,
            connectionPoolTimeout=IDLE_S,
        )

    def _log_in(self, sessions: Any) -> None:
        settings = self.settings
        if settings.user is None or settings.password is None:
            what = f"the target {self.target} names a vCenter, but no user and password"
            problem = Problem("TRM0742", what, "add user and password (from, path) to the target")
            raise TrimaranError(problem, status=Exit.AUTHENTICATION)
        reference = settings.password.model_dump(by_alias=True)
        password = self.resolve(reference)
        try:
            sessions.Login(settings.user, password)
        except vim.fault.InvalidLogin as fault:
            self._refused = fault
            raise

    def retrieve(self, specs: Sequence[Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Objects and those of their properties that were asked for and are set, page by page."""
        collector = self.content.propertyCollector
        options = vmodl.query.PropertyCollector.RetrieveOptions()
        page = collector.RetrievePropertiesEx(list(specs), options)
        while page is not None:
            for found in page.objects:
                yield found.obj, {each.name: each.val for each in found.propSet}
            page = collector.ContinueRetrievePropertiesEx(page.token) if page.token else None

    def properties(self, thing: Any, names: Sequence[str]) -> dict[str, Any]:
        """Properties of one object. Raises ManagedObjectNotFound when it is gone."""
        spec = filter_spec([(type(thing), names)], [object_spec(thing, skip=False)])
        return next((found for _, found in self.retrieve([spec])), {})

    @contextlib.contextmanager
    def speaking(self) -> Iterator[None]:
        """Turn what pyVmomi raises inside into errors for a user."""
        try:
            yield
        except (vmodl.MethodFault, *_BROKEN) as broken:
            raise self.error(broken) from None

    def error(self, broken: Exception) -> TrimaranError:
        """What a fault or a broken connection means for a user."""
        code, what, fix, status = _meaning(broken)
        where = printable(f"vCenter {self.settings.url} of the target {self.target}")
        return TrimaranError(Problem(code, f"{where}: {what}", fix), status=status)


def _meaning(broken: Exception) -> tuple[str, str, str, Exit]:
    match broken:
        case ssl.SSLCertVerificationError():
            fix = "set the target's ca to the certificates (PEM) that vCenter's is signed with, and its name"
            return "TRM0741", f"its certificate: {broken.verify_message}", fix, Exit.AUTHENTICATION
        case vim.fault.InvalidLogin():
            fix = "check the target's user, and what its password refers to"
            return "TRM0742", "does not accept the user and password", fix, Exit.AUTHENTICATION
        case vim.fault.NotAuthenticated():
            fix = "run it again; if it stays, check the user's rights"
            return "TRM0742", "ended the session", fix, Exit.AUTHENTICATION
        case vim.fault.NoPermission():
            privilege = printable(str(broken.privilegeId or "a privilege"))
            fix = "give the target's user this privilege, or name a user that has it"
            return "TRM0743", f"the user lacks {privilege}", fix, Exit.AUTHENTICATION
        case vmodl.MethodFault():
            return "TRM0744", words(broken), "mend what vCenter names, and run it again", Exit.ERROR
        case TimeoutError():
            what = f"no answer in {REQUEST_S:g} s"
        case OSError():
            what = printable(broken.strerror or str(broken))
        case _:
            what = printable(str(broken) or type(broken).__name__)
    return "TRM0740", what, "check the target's url and that vCenter runs, then run it again", Exit.PARTIAL


def words(fault: Any) -> str:
    """A fault in one line: its kind, and what vCenter says of it."""
    kind = type(fault).__name__.rpartition(".")[2]
    said = (getattr(fault, "localizedMessage", None) or getattr(fault, "msg", None) or "").strip()
    for name in ("property", "invalidProperty", "name", "reason", "file", "existingState"):
        value = getattr(fault, name, None)
        if isinstance(value, str) and value and value not in said:
            said = f"{said} ({name}: {value})".strip()
    return printable(f"{kind}: {said}" if said else kind)


def object_spec(thing: Any, *steps: Any, skip: bool = True) -> Any:
    """Where a search begins, and along which steps it goes on."""
    return vmodl.query.PropertyCollector.ObjectSpec(obj=thing, skip=skip, selectSet=list(steps))


def step(kind: Any, path: str, *further: Any, name: str | None = None) -> Any:
    """From objects of a kind along one of their properties; `further` may name steps, for recursion."""
    spec = vmodl.query.PropertyCollector.TraversalSpec(type=kind, path=path, skip=False, name=name)
    spec.selectSet = [
        vmodl.query.PropertyCollector.SelectionSpec(name=each) if isinstance(each, str) else each
        for each in further
    ]
    return spec


def filter_spec(kinds: Iterable[tuple[Any, Sequence[str]]], objects: Sequence[Any]) -> Any:
    """Which properties of which kinds of object are wanted, of those that are found from `objects`."""
    wanted = [
        vmodl.query.PropertyCollector.PropertySpec(type=kind, pathSet=list(names), all=False)
        for kind, names in kinds
    ]
    return vmodl.query.PropertyCollector.FilterSpec(
        propSet=wanted, objectSet=list(objects), reportMissingObjectsInResults=True
    )


def remaining(deadline: float) -> float:
    """Seconds until `deadline`, which is on `time.monotonic()`; never below 0."""
    return max(0.0, deadline - time.monotonic())


def _again(login: "weakref.WeakMethod[Any]", sessions: Any) -> None:
    found = login()
    if found is not None:
        found(sessions)


def _log_out(sessions: Any, stub: _Stub, owner: int) -> None:
    """A vCenter keeps a session that is not ended for half an hour, and has room for a limited number."""
    if os.getpid() != owner:
        return
    stub.login = None
    with contextlib.suppress(Exception):
        # Over a new connection that gives up soon: nobody waits for this.
        stub.DropConnections()
        stub.schemeArgs["timeout"] = 2.0
        sessions.Logout()
    stub.DropConnections()
