"""The local machine as a target: programs under our supervisor, files beneath the target's directory."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote

from trimaran.action import (
    Action,
    Gap,
    Json,
    Landed,
    Object,
    ObjectRef,
    Observation,
    Receipt,
    Scope,
    Snapshot,
    Stream,
    Verb,
    canonical,
)
from trimaran.errors import TrimaranError, fail, printable
from trimaran.platform.host import dialling, files, needs, programs
from trimaran.platform.host.units import FILE, PROCESS, as_applied, status_document, unit_of, with_restart
from trimaran.platform.protocol import Access
from trimaran.spec.fleet import HostTarget, Target
from trimaran.supervise import control
from trimaran.supervise.state import Restart, State
from trimaran.supervise.supervisor import write_whole

LOG_LINES = 50


def open_session(target: str, settings: Target, access: Access) -> "HostSession":
    """A session with this machine. Raises TRM0706 for other hosts: this release reaches none."""
    assert isinstance(settings, HostTarget)  # noqa: S101 - the table's choice
    if any(host not in ("localhost", "127.0.0.1") for host in settings.hosts):
        what = f"the target {target} names {', '.join(settings.hosts)}"
        raise fail("TRM0706", what, "this release delivers to localhost only; other hosts are rendered")
    artifacts = {digest: Path(path) for digest, path in access.artifacts.items()}
    return HostSession(Path(access.root), target, artifacts, access.resolve, access.clock)


class HostSession:
    """What Trimaran keeps on this machine for one target.

    Args:
        root: the target's own directory; nothing outside it is written.
        target: the fleet's name of the target.
        artifacts: where the built programs are, by digest.
        resolve: the value of a secret reference; asked only when a program is started.
        clock: the time of day, with its zone.
    """

    def __init__(
        self,
        root: Path,
        target: str,
        artifacts: Mapping[str, Path],
        resolve: Callable[[Mapping[str, Json]], str],
        clock: Callable[[], datetime],
    ) -> None:
        self.root, self.target, self.artifacts = root, target, artifacts
        self.resolve, self.clock = resolve, clock

    # -- looking

    def observe(self, scope: Scope) -> Observation:
        """Every Process and File of ours with its live facts; what cannot be read is a gap."""
        seen: list[Object] = []
        gaps: list[Gap] = []
        try:
            refs = scope.refs or self._refs()
        except (OSError, ValueError) as broken:
            return Observation((), (Gap(str(self.root), _words(broken)),), self.clock())
        for ref in refs:
            try:
                document = self._document(ref)
            except (OSError, ValueError, TrimaranError) as broken:
                gaps.append(Gap(str(ref), _words(broken), hides=ref))
                continue
            if document is not None and scope.service in (None, document.get("service")):
                seen.append(Object(ref, document))
        return Observation(tuple(seen), tuple(gaps), self.clock())

    def landed(self, action: Action) -> Landed:
        """By what stands on the disk and what runs, never by what was done before."""
        try:
            document = self._document(action.object)
            if action.verb is Verb.DELETE:
                return Landed.NO if document is not None or self._busy(action.object) else Landed.YES
            if document is None:
                return Landed.NO
            if action.object.kind == FILE:
                return _answer(document == as_applied(action.payload))
            return self._process_landed(action, document)
        except (OSError, ValueError, TrimaranError):
            return Landed.UNKNOWN

    def snapshot(self, scope: Scope, deadline: float) -> Snapshot:
        """For each service its state and the last lines of its log."""
        texts: dict[str, str] = {}
        gaps: list[Gap] = []
        try:
            refs = scope.refs or self._refs()
        except (OSError, ValueError) as broken:
            return Snapshot({}, (Gap(str(self.root), _words(broken)),), self.clock())
        for ref in refs:
            if ref.kind != PROCESS or scope.service not in (None, ref.name):
                continue
            if time.monotonic() >= deadline:
                gaps.append(Gap(str(ref), "no time was left to look", hides=ref))
                continue
            try:
                texts[f"{ref.name} status"] = json.dumps(self._status(ref, {}), indent=2, sort_keys=True)
                texts[f"{ref.name} log"] = "\n".join(control.tail(self._folder(ref), LOG_LINES))
            except (OSError, TrimaranError) as broken:
                gaps.append(Gap(str(ref), _words(broken), hides=ref))
        return Snapshot(texts, tuple(gaps), self.clock())

    def dial(self, ref: ObjectRef, port: int) -> Stream:
        """A TCP connection to a port of a service here. Raises TRM0558 when nobody answers."""
        return dialling.dial(port)

    def log(self, service: str, lines: int = LOG_LINES) -> tuple[str, ...]:
        """The last lines that a service wrote, fit to be printed."""
        return control.tail(self._folder(ObjectRef(self.target, PROCESS, service)), lines)

    def _refs(self) -> tuple[ObjectRef, ...]:
        services = sorted((self.root / "services").glob("*/applied.json"))
        processes = [ObjectRef(self.target, PROCESS, unquote(path.parent.name)) for path in services]
        placed = [ObjectRef(self.target, FILE, path) for path in files.paths(self.root)]
        return (*processes, *placed)

    def _folder(self, ref: ObjectRef) -> Path:
        # Dots are quoted by hand: `..` is a name that a service must not have.
        return self.root / "services" / quote(ref.name, safe="").replace(".", "%2E")

    def _applied(self, ref: ObjectRef) -> dict[str, Json] | None:
        try:
            document: dict[str, Json] = json.loads((self._folder(ref) / "applied.json").read_bytes())
        except FileNotFoundError:
            return None
        return document

    def _document(self, ref: ObjectRef) -> dict[str, Json] | None:
        if ref.kind == FILE:
            return files.read(self.root, ref.name)
        if ref.kind != PROCESS:
            raise _no_kind(ref)
        document = self._applied(ref)
        return None if document is None else document | {"status": self._status(ref, document)}

    def _status(self, ref: ObjectRef, document: Mapping[str, Json]) -> dict[str, Json]:
        now = control.status(self._folder(ref))
        exists = bool(document) and self._program(document).exists()
        ready = document.get("ready")
        answer: tuple[bool, str] | None = None
        if ready and now.state in (State.RUNNING, State.LOST):
            answer = dialling.probe(int(ready["port"]), str(ready["path"]))
        return status_document(now, exists, answer)

    def _program(self, document: Mapping[str, Json]) -> Path:
        return programs.program_path(self.root, str(document["binary"]), str(document["program"]))

    def _busy(self, ref: ObjectRef) -> bool:
        return ref.kind == PROCESS and bool(control.processes(self._folder(ref)))

    def _process_landed(self, action: Action, document: Mapping[str, Json]) -> Landed:
        folder = self._folder(action.object)
        revision = control.revision(folder)
        state = control.status(folder).state
        if state in (State.GONE, State.LOST, State.STOPPING):
            return Landed.NO
        if state is State.STOPPED and document["restart"] == Restart.ALWAYS:
            return Landed.NO
        if action.verb is Verb.RESTART:
            return _answer(revision.endswith(with_restart("", action.key)))
        wanted = as_applied(action.payload)
        return _answer(
            as_applied(document) == wanted and unit_of(wanted, Path("/"), revision).revision == revision
        )

    # -- changing

    def apply(self, action: Action, fence: int, deadline: float) -> Receipt:
        """Do `action`; doing it again changes nothing.

        Raises TRM0550 (fence), TRM0552 (kind), TRM0553 (port taken), TRM0554 (program), TRM0555 and
        TRM0556 (files), TRM0557 (no time left), TRM0559 (secret), and what supervise raises.
        """
        with self._fenced(fence):
            if time.monotonic() >= deadline:
                raise fail(
                    "TRM0557", f"no time was left for {action.verb} of {action.object}", "run it again"
                )
            try:
                if action.object.kind == FILE:
                    return self._apply_file(action)
                if action.object.kind == PROCESS:
                    return self._apply_process(action, deadline)
            except OSError as broken:
                what = f"{broken.filename or self.root}: {broken.strerror}"
                raise fail("TRM0556", what, "make room or mend the permissions") from None
            except (KeyError, ValueError, TypeError) as broken:
                what = f"the document of {action.object} is malformed: {broken!r}"
                raise fail("TRM0551", printable(what), "this is a bug in Trimaran: report it") from None
            raise _no_kind(action.object)

    @contextlib.contextmanager
    def _fenced(self, fence: int) -> Iterator[None]:
        """Refuse a lease that was taken over, and hold everybody else off meanwhile."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.root / "fence.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as broken:
            what = f"{self.root}: {broken.strerror}"
            raise fail("TRM0556", what, "make room or mend the permissions") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            mark = self.root / "fence"
            highest = int(mark.read_text("ascii")) if mark.exists() else 0
            if fence < highest:
                what = f"another run has taken over {self.target} (fence {fence} is below {highest})"
                raise fail("TRM0550", what, "let the other run end, then run this again")
            if fence > highest:
                write_whole(str(mark), str(fence).encode())
            yield
        finally:
            os.close(lock)

    def _apply_file(self, action: Action) -> Receipt:
        ref = action.object
        if action.verb is Verb.DELETE:
            return Receipt(files.remove(self.root, ref.name))
        wanted = as_applied(action.payload)
        with contextlib.suppress(OSError, ValueError):
            if files.read(self.root, ref.name) == wanted:
                return Receipt(changed=False)
        files.put(self.root, wanted)
        return Receipt(changed=True)

    def _apply_process(self, action: Action, deadline: float) -> Receipt:
        if action.verb is Verb.DELETE:
            return self._delete(action.object, deadline)
        folder = self._folder(action.object)
        wanted = self._applied(action.object) if action.verb is Verb.RESTART else as_applied(action.payload)
        if wanted is None:
            raise fail("TRM0560", f"{action.object} is not there to be restarted", "ship the service first")
        before = (self._applied(action.object), control.status(folder))
        needs.check_ports(wanted, folder)
        program = programs.install(self.root, str(wanted["binary"]), str(wanted["program"]), self.artifacts)
        restart = action.key if action.verb is Verb.RESTART else None
        unit = unit_of(wanted, program, control.revision(folder), restart)
        now = control.start(folder, unit, needs.secret_values(wanted, self.resolve))
        self._record(folder, wanted)
        self._discard_programs()
        facts = {"pid": now.child.pid if now.child else 0, "state": str(now.state)}
        return Receipt(before != (wanted, now), facts)

    def _delete(self, ref: ObjectRef, deadline: float) -> Receipt:
        folder = self._folder(ref)
        if not folder.exists():
            return Receipt(changed=False)
        control.stop(folder, max(0.0, deadline - time.monotonic()))
        for path in folder.iterdir():
            if path.name != "applied.json":
                path.unlink()
        self._discard_programs(but=ref)
        self._record(folder, None)
        for empty in (folder, folder.parent):
            with contextlib.suppress(OSError):
                empty.rmdir()
        return Receipt(changed=True)

    def _record(self, folder: Path, document: Mapping[str, Json] | None) -> None:
        """The last step of every change: one that broke off before is seen as not done, and redone."""
        if document is None:
            (folder / "applied.json").unlink(missing_ok=True)
        else:
            write_whole(str(folder / "applied.json"), canonical(dict(document)))

    def _discard_programs(self, but: ObjectRef | None = None) -> None:
        """Remove programs that no service uses; a record that cannot be read may use any of them."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            others = [ref for ref in self._refs() if ref.kind == PROCESS and ref != but]
            documents = [self._applied(ref) for ref in others]
            programs.discard(self.root, {str(each["binary"]) for each in documents if each is not None})


def _answer(yes: bool) -> Landed:
    return Landed.YES if yes else Landed.NO


def _no_kind(ref: ObjectRef) -> TrimaranError:
    return fail(
        "TRM0552", f"a host has no objects of kind {printable(ref.kind)}", "plan again for this target"
    )


def _words(broken: Exception) -> str:
    if isinstance(broken, TrimaranError):
        return "; ".join(problem.what for problem in broken.problems)
    return printable(str(broken))
