"""Reading declarations from disk: the only file of this room that touches it."""

import copy
import os
import stat
import sys
from collections.abc import Collection
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from trimaran.errors import Problem, TrimaranError, Where, fail
from trimaran.facts import distributions
from trimaran.spec import gate, merge, refusals, rules
from trimaran.spec.fields import Model
from trimaran.spec.fleet import ClusterTarget, Fleet, Target, VSphereTarget
from trimaran.spec.gate import Document
from trimaran.spec.service import File, Service, ServiceSpec

Kind = TypeVar("Kind", bound=Model)
_CALLED = {"Fleet": "fleet", "PlatformAgnosticSpec": "service"}


@dataclass(frozen=True, slots=True)
class Declared:
    """A service together with the document it was read from and the folder its paths start at."""

    service: Service
    document: Document
    folder: Path


def read_bytes(path: str, limit: int = gate.MAX_BYTES) -> bytes:
    """At most `limit` + 1 bytes of a regular file, or of standard input for `-`.

    Raises TrimaranError when it is missing, unreadable, a folder, a fifo or a device.
    """
    if path == "-":
        return sys.stdin.buffer.read(limit + 1)
    where = Where(path)
    try:
        # A fifo would block the open for ever without O_NONBLOCK.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        fix = "check the path; `trimaran init` writes a first service.yaml"
        raise fail("TRM0101", "there is no such file", fix, where) from None
    except OSError as error:
        raise fail(
            "TRM0101", f"cannot be opened: {error.strerror}", "check the path and its rights", where
        ) from None
    except ValueError:
        raise fail("TRM0101", "is not a file name", "it holds a NUL", where) from None
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise fail("TRM0101", "is not a regular file", "give a YAML file, or - for standard input", where)
    with os.fdopen(handle, "rb") as file:
        # Not the limit: a thousand buffers of a megabyte take longer than the files in them.
        return file.read(min(found.st_size, limit) + 1)


def service(path: str) -> Declared:
    """The service declared in the file `path`; every problem of the file in one error."""
    document = gate.parse(read_bytes(path), path)
    found = list(document.problems)
    known = distributions()
    declared = _validated(document, Service, "PlatformAgnosticSpec", found)
    if declared is None and len(found) <= refusals.MOST:
        found += _of_the_rest(document, known)
    if declared is not None:
        found += rules.problems(declared, document, known)
        if not found:
            found += merge.service_problems(declared, document, known)
    merge.raise_all(found)
    assert declared is not None  # noqa: S101 - without a service there is a problem, and it was raised
    folder = Path(path).resolve().parent if path != "-" else Path.cwd()
    return Declared(_inlined(declared, document, folder), document, folder)


def fleet(path: str | None, services: tuple[Service, ...] = ()) -> Fleet:
    """The fleet declared in the file `path`, or the embedded default for None.

    Its overrides are checked against `services`; every problem of the file comes in one error. Files that it
    names (kubeconfigs, certificates, passwords) are made absolute, from the fleet's own folder.
    """
    document = gate.parse(read_bytes(path), path) if path is not None else _default()
    found = list(document.problems)
    declared = _validated(document, Fleet, "Fleet", found)
    known = distributions()
    if declared is not None:
        found += rules.fleet_problems(declared, document, known)
        found += merge.fleet_problems(declared, document, services, known)
    merge.raise_all(found)
    assert declared is not None  # noqa: S101 - as above
    return _placed(declared, Path(path).resolve().parent) if path not in (None, "-") else declared


def check_overrides(path: str | None, services: tuple[Service, ...]) -> None:
    """Raise what the overrides of the fleet in `path` break for `services`, as `fleet` does."""
    if path is not None and path != "-" and b"overrides" in read_bytes(path):
        fleet(path, services)


def _placed(fleet: Fleet, folder: Path) -> Fleet:
    """`fleet` with the files that it names as absolute paths."""
    targets = {name: _with_paths(target, folder) for name, target in fleet.spec.targets.items()}
    return fleet.model_copy(update={"spec": fleet.spec.model_copy(update={"targets": targets})})


def _with_paths(target: Target, folder: Path) -> Target:
    update: dict[str, object] = {}
    if isinstance(target, ClusterTarget) and target.kubeconfig:
        update["kubeconfig"] = str(folder / target.kubeconfig)
    if isinstance(target, VSphereTarget):
        if target.ca:
            update["ca"] = str(folder / target.ca)
        if target.password and target.password.source == "file":
            path = str(folder / target.password.path)
            update["password"] = target.password.model_copy(update={"path": path})
    return target.model_copy(update=update) if update else target


def _default() -> Document:
    raw = resources.files("trimaran.spec").joinpath("default_fleet.yaml").read_bytes()
    return gate.parse(raw, "the default fleet")


def _validated(document: Document, model: type[Kind], kind: str, found: list[Problem]) -> Kind | None:
    value = document.value
    if not isinstance(value, dict):
        found.append(
            Problem("TRM0108", "the file is not a mapping", "start with apiVersion:", document.where(()))
        )
        return None
    given = value.get("kind")
    if isinstance(given, str) and given in _CALLED and given != kind:
        what = f"this is a {_CALLED[given]}, not a {_CALLED[kind]}"
        found.append(Problem("TRM0113", what, f"give the {_CALLED[kind]}'s file", document.where(("kind",))))
        return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found.extend(refusals.from_validation(error, document, model))
        return None


def _of_the_rest(document: Document, known: Collection[str]) -> list[Problem]:
    """What else is wrong in a document that the models refuse: they are asked again without those parts."""
    if not isinstance(document.value, dict) or not isinstance(document.value.get("spec"), dict):
        return []
    value = copy.deepcopy(document.value["spec"])
    for _ in range(4):
        try:
            rest = ServiceSpec.model_validate(value)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                refusals.remove(value, detail["loc"][:-1] if detail["type"] == "missing" else detail["loc"])
        else:
            return rules.independent(rest, document, known)
    return []


def _inlined(declared: Service, document: Document, folder: Path) -> Service:
    """The service with the content of every `files.*.source` read in."""
    files: dict[str, File] = {}
    found: list[Problem] = []
    for path, file in declared.spec.files.items():
        files[path] = file
        if file.source is not None:
            where = document.where(("spec", "files", path, "source"))
            try:
                files[path] = File(content=_content(folder, file.source), mode=file.mode)
            except TrimaranError as error:
                found += [Problem(p.code, f"{file.source}: {p.what}", p.fix, where) for p in error.problems]
    merge.raise_all(found)
    if files == declared.spec.files:
        return declared
    spec: ServiceSpec = declared.spec.model_copy(update={"files": files})
    inlined = declared.model_copy(update={"spec": spec})
    merge.raise_all(rules.problems(inlined, document, distributions()))
    return inlined


def _content(folder: Path, source: str) -> str:
    # Path.resolve raises RuntimeError for a link that leads to itself; this leaves it to the opening.
    path = Path(os.path.realpath(folder / source))
    if not path.is_relative_to(folder):
        raise fail("TRM0101", "leads out of the checkout by a link", "copy the file into the checkout")
    raw = read_bytes(str(path))
    if len(raw) > gate.MAX_BYTES:
        raise fail("TRM0102", "has more than 1 MiB", "ship it as a volume")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise fail("TRM0103", "is not UTF-8 text", "ship a binary file as a volume or in the image") from None
