"""What a declaration must hold beyond the kind of each field: rules that join several. Pure."""

import difflib
import posixpath
from collections.abc import Collection, Iterator

from trimaran.errors import Problem
from trimaran.facts.naming import meant
from trimaran.spec import leaks
from trimaran.spec.fleet import ClusterTarget, Fleet, TargetBase
from trimaran.spec.gate import Document, Path
from trimaran.spec.service import Encrypted, Objective, Service, ServiceSpec, WorkloadType

EXPANDED_OBJECTIVE = "service_availability_99th"

Found = tuple[Path, str, str, str]  # path, code, what, fix

_OUR_LABELS = {"app.kubernetes.io/managed-by", "app.kubernetes.io/name"}
_CRON_NAME = 52  # a CronJob's jobs have eleven more characters, and a name at most 63 (Kubernetes, CronJob)
_LIMIT_BYTES = 1 << 20  # a ConfigMap holds at most 1 MiB (Kubernetes API documentation)


def problems(
    service: Service, document: Document, distributions: Collection[str], base: Path = ()
) -> list[Problem]:
    """Every rule that `service` breaks, placed in `document`."""
    found = [
        *_names(service),
        *_origin(service.spec),
        *_runs_on(service.spec, distributions),
        *_workload(service.spec),
        *_ports(service.spec),
        *_secrets(service.spec),
        *_files(service.spec),
        *_mounts(service.spec),
        *_amounts(service.spec),
        *_objectives(service.spec),
    ]
    return [Problem(code, what, fix, document.where(base + path)) for path, code, what, fix in found]


def independent(spec: ServiceSpec, document: Document, distributions: Collection[str]) -> list[Problem]:
    """The rules that each judge one part, for a declaration of which other parts were refused."""
    found = [*_runs_on(spec, distributions), *_secrets(spec), *_amounts(spec)]
    return [Problem(code, what, fix, document.where(path)) for path, code, what, fix in found]


def _names(service: Service) -> Iterator[Found]:
    for key in service.metadata.labels:
        if key in _OUR_LABELS or key.startswith("trimaran.dev/"):
            what = f"the label {key} is set by Trimaran itself"
            yield ("metadata", "labels", key), "TRM0115", what, "use another key"
    if service.spec.workload.type is WorkloadType.CRON and len(service.name) > _CRON_NAME:
        what = (
            f"the name has {len(service.name)} characters, and that of a cron workload at most {_CRON_NAME}"
        )
        yield ("metadata", "name"), "TRM0115", what, "shorten it"


def _origin(spec: ServiceSpec) -> Iterator[Found]:
    given = [name for name in ("build", "image", "binary") if getattr(spec, name) is not None]
    if len(given) != 1:
        what = " and ".join(given) + " are given" if given else "nothing says what to run"
        yield ("spec",), "TRM0115", what, "give exactly one of build, image and binary"
    if spec.build is None:
        return
    if (spec.build.module is None) == (spec.build.path is None):
        yield (
            ("spec", "build"),
            "TRM0115",
            "build needs one of module and path",
            "module: with version:, or path: .",
        )
    elif spec.build.module and not spec.build.version:
        fix = "name an exact version, so that the same declaration builds the same binary"
        yield ("spec", "build", "module"), "TRM0115", "build.module has no version", fix
    elif spec.build.path and spec.build.version:
        yield ("spec", "build", "version"), "TRM0115", "build.version goes with module, not path", "remove it"
    if spec.build.libc and spec.build.cgo == "off":
        what = f"build.libc is {spec.build.libc}, and build.cgo: off links no C at all"
        yield ("spec", "build", "libc"), "TRM0115", what, "remove one of them"
    if spec.build.version in ("latest", "upgrade", "patch", "master", "main"):
        fix = "name an exact version; what this word means changes"
        yield ("spec", "build", "version"), "TRM0115", f"build.version is {spec.build.version!r}", fix


def _runs_on(spec: ServiceSpec, distributions: Collection[str]) -> Iterator[Found]:
    for index, name in enumerate(spec.runs_on):
        if name not in distributions:
            near = meant(name, distributions)
            fix = f"did you mean {near}?" if near else "known: " + ", ".join(sorted(distributions))
            yield ("spec", "runsOn", index), "TRM0117", f"unknown distribution {name!r}", fix


def _workload(spec: ServiceSpec) -> Iterator[Found]:
    is_cron = spec.workload.type is WorkloadType.CRON
    if is_cron != (spec.workload.cron is not None):
        what = "a cron workload has no schedule" if is_cron else "cron is given, but the type is another"
        yield ("spec", "workload"), "TRM0115", what, 'use both: {type: cron, cron: {schedule: "0 3 * * *"}}'
    if spec.scaling and spec.scaling.min > spec.scaling.max:
        what = f"scaling.min {spec.scaling.min} is more than scaling.max {spec.scaling.max}"
        yield ("spec", "scaling", "min"), "TRM0115", what, "make min the smaller one"
    if spec.scaling and not spec.scaling.cpu.value:
        yield ("spec", "scaling", "cpu"), "TRM0112", "scaling.cpu is 0%", "use more than 0%"
    if spec.scaling and not spec.resources.requests.cpu:
        fix = "add resources.requests.cpu: the share is one of what is requested"
        yield ("spec", "scaling", "cpu"), "TRM0115", "scaling.cpu has nothing to be a share of", fix


def _ports(spec: ServiceSpec) -> Iterator[Found]:
    taken: dict[int, str] = {}
    for name, port in spec.ports.items():
        if port in taken:
            yield (
                ("spec", "ports", name),
                "TRM0115",
                f"{name} and {taken[port]} are both {port}",
                "use another port",
            )
        taken[port] = name
    named: list[tuple[Path, str | None]] = [
        (("spec", "routes", name, "port"), route.port) for name, route in spec.routes.items()
    ]
    if spec.metrics:
        named.append((("spec", "metrics", "port"), spec.metrics.port))
    for kind in ("ready", "live"):
        probe = getattr(spec.probes, kind)
        if probe is not None:
            named.append((("spec", "probes", kind, "port"), probe.port or default_port(spec)))
    for path, wanted in named:
        if wanted not in spec.ports:
            known = ", ".join(spec.ports) or "none is declared"
            what = f"{path[-3] if path[-3] != 'spec' else ''} {path[-2]} needs a port".strip()
            what = f"there is no port {wanted!r}" if wanted else what + ", and it is not clear which"
            yield path, "TRM0115", what, f"declare it under spec.ports (there: {known})"


def default_port(spec: ServiceSpec) -> str | None:
    """The port that is meant where none is named: `http`, or the only one; None when that is unclear."""
    if "http" in spec.ports:
        return "http"
    return next(iter(spec.ports)) if len(spec.ports) == 1 else None


def _secrets(spec: ServiceSpec) -> Iterator[Found]:
    fix = "declare it under spec.secrets with from: and path:, and change the secret: it has been in a file"
    for name, value in spec.env.items():
        if leaks.variable(name, value):
            yield ("spec", "env", name), "TRM0114", f"{name} looks like a secret given as a value", fix
    for path, file in spec.files.items():
        if file.content and leaks.value(file.content):
            yield ("spec", "files", path), "TRM0114", f"{path} seems to hold a secret", fix
    for index, argument in enumerate(spec.command.args):
        if leaks.argument(argument):
            yield ("spec", "command", "args", index), "TRM0114", "an argument seems to hold a secret", fix
    for name, secret in spec.secrets.items():
        if name in spec.env:
            yield ("spec", "secrets", name), "TRM0115", f"{name} is also under env", "keep one of the two"
        if (secret.given == "file") != (secret.mount is not None):
            yield (
                ("spec", "secrets", name),
                "TRM0115",
                f"{name}: as: file and mount: go together",
                "give both",
            )


def _files(spec: ServiceSpec) -> Iterator[Found]:
    size = 0
    for path, file in spec.files.items():
        if (file.content is None) == (file.source is None):
            yield ("spec", "files", path), "TRM0115", f"{path} needs one of content and source", "keep one"
        size += len((file.content or "").encode())
    if size > _LIMIT_BYTES:
        yield (
            ("spec", "files"),
            "TRM0115",
            f"the files hold {size:,} bytes, more than 1 MiB",
            "ship them as a volume",
        )


def _mounts(spec: ServiceSpec) -> Iterator[Found]:
    """Files, secrets and volumes each need a place of their own, and nothing lies inside a file."""
    taken: dict[str, tuple[Path, str]] = {}
    given: list[tuple[str, Path]] = [
        *((path, ("spec", "files", path)) for path in spec.files),
        *((secret.mount, ("spec", "secrets", name)) for name, secret in spec.secrets.items() if secret.mount),
        *((volume.mount, ("spec", "volumes", name)) for name, volume in spec.volumes.items()),
    ]
    for mount, path in given:
        if mount in taken:
            yield path, "TRM0115", f"{mount} is the place of another part as well", "give each its own"
        taken[mount] = (path, "volume" if path[1] == "volumes" else "file")
    for mount, path in given:
        parent = posixpath.dirname(mount)
        while parent != "/":
            if parent in taken and (taken[parent][1] == "file" or path[1] != "volumes"):
                what = f"{mount} lies inside the {taken[parent][1]} {parent}"
                yield path, "TRM0115", what, "keep files, secrets and volumes apart"
            parent = posixpath.dirname(parent)


def _amounts(spec: ServiceSpec) -> Iterator[Found]:
    for name in ("cpu", "memory"):
        wanted, limit = getattr(spec.resources.requests, name), getattr(spec.resources.limits, name)
        if wanted and limit and wanted > limit:
            what = f"{name}: the request {wanted} is more than the limit {limit}"
            yield (
                ("spec", "resources", "requests", name),
                "TRM0115",
                what,
                "raise the limit or lower the request",
            )


def _objectives(spec: ServiceSpec) -> Iterator[Found]:
    for name, objective in spec.objectives.items():
        path: Path = ("spec", "objectives", name)
        if name == EXPANDED_OBJECTIVE and objective == Objective():
            continue
        counted = bool(objective.good and objective.total)
        timed = bool(objective.histogram and objective.under)
        mixed = (objective.good or objective.total) and (objective.histogram or objective.under)
        if counted == timed or mixed:
            yield (
                path,
                "TRM0115",
                f"{name} must be countable in one way",
                "give good and total, or histogram and under",
            )
        if objective.target is None:
            yield path, "TRM0111", f"spec.objectives.{name}.target is missing", "such as target: 99.9%"
        elif not 0 < objective.target.value < 1:
            yield (
                (*path, "target"),
                "TRM0112",
                f"target is {objective.target}",
                "use more than 0% and less than 100%",
            )
    if spec.objectives and spec.metrics is None:
        yield (
            ("spec", "objectives"),
            "TRM0115",
            "objectives are counted from metrics, and none are declared",
            ("add metrics: {port: http, path: /metrics}"),
        )


def fleet_problems(fleet: Fleet, document: Document, distributions: Collection[str]) -> list[Problem]:
    """Every rule that `fleet` breaks, placed in `document`."""
    found: list[Found] = []
    for name, target in fleet.spec.targets.items():
        if target.os is not None and target.os not in distributions:
            near = meant(target.os, distributions)
            fix = f"did you mean {near}?" if near else "known: " + ", ".join(sorted(distributions))
            found.append(
                (("spec", "targets", name, "os"), "TRM0117", f"unknown distribution {target.os!r}", fix)
            )
    for source, standby in fleet.spec.standby.items():
        for name in (source, standby):
            if name not in fleet.spec.targets:
                close = difflib.get_close_matches(name, fleet.spec.targets, n=1)
                fix = f"did you mean {close[0]}?" if close else "targets: " + ", ".join(fleet.spec.targets)
                found.append((("spec", "standby", source), "TRM0118", f"there is no target {name!r}", fix))
    return [Problem(code, what, fix, document.where(path)) for path, code, what, fix in found]


def unencrypted(service: Service, name: str, target: TargetBase) -> Iterator[Found]:
    """The volumes that require encryption on a cluster whose target `name` names no class that encrypts.

    A claim without a class gets the cluster's default, of which nobody has said that it encrypts.
    """
    if not isinstance(target, ClusterTarget) or target.storage.encrypted is not None:
        return
    path: Path = ("spec", "targets", name)
    for volume, declared in service.spec.volumes.items():
        if declared.encrypted is Encrypted.REQUIRED:
            what = f"{service.name}: the volume {volume} requires encryption, and {name} has no class for it"
            fix = (
                f"name the StorageClass that encrypts in a fleet file: spec.targets.{name}.storage.encrypted"
            )
            yield (*path, "storage") if target.storage.model_fields_set else path, "TRM0119", what, fix
