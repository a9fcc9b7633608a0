"""What a service is: the models of `service.yaml`, `PlatformAgnosticSpec`.

Each field's docstring is also what an editor shows, which is why this file is long. Rules that join several
fields are in `rules.py`.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from trimaran.spec.fields import (
    AbsolutePath,
    BytesField,
    CpuField,
    DurationField,
    EnvName,
    HostName,
    LabelKey,
    LabelValue,
    Mode,
    Model,
    Name,
    Port,
    PortName,
    RatioField,
    RelativePath,
    Text,
    UrlPath,
    Whole,
    YesNo,
)
from trimaran.units import Duration

API_VERSION = "trimaran.dev/v1alpha1"


class Cgo(StrEnum):
    """Whether C code may be linked in; auto means only when a dependency needs it."""

    AUTO = "auto"
    OFF = "off"
    ON = "on"


class WorkloadType(StrEnum):
    """What kind of thing runs."""

    SERVICE = "service"
    WORKER = "worker"
    STATEFUL = "stateful"
    DAEMON = "daemon"
    JOB = "job"
    CRON = "cron"


class Tls(StrEnum):
    """Where TLS ends: nowhere, at the edge, or in the service itself."""

    NONE = "none"
    EDGE = "edge"
    PASSTHROUGH = "passthrough"


class Encrypted(StrEnum):
    """Whether a volume must be encrypted at rest."""

    REQUIRED = "required"
    PREFERRED = "preferred"
    NO = "no"


class Metadata(Model):
    """How the service is called."""

    name: Name
    """The service's name; every object made from it carries it."""
    labels: dict[LabelKey, LabelValue] = {}
    """Labels that fleets select by, put on every object that can carry labels."""


class Build(Model):
    """How the binary is built: from a module on the Go module proxy, or from a folder."""

    module: str | None = Field(None, min_length=1, max_length=512)
    """A Go module path; needs `version`."""
    version: Text | None = None
    """An exact version or pseudo-version of the module, such as v1.2.3."""
    path: RelativePath | None = None
    """A folder with a go.mod, relative to the declaration."""
    package: str = "."
    """The main package, relative to the module's root."""
    go: Annotated[Text, Field(pattern=r"^1\.[0-9]+(\.[0-9]+|rc[0-9]+)?$")] | None = None
    """The Go release: 1.26 means its newest patch at hand."""
    cgo: Cgo = Cgo.AUTO
    """Whether C code may be linked in; auto means only when a dependency needs it."""
    tags: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.]{1,100}$")], ...] = ()
    """Build tags, such as netgo."""
    libc: Annotated[str, Field(pattern=r"^(musl|glibc-static|glibc-2\.[0-9]{1,2})$")] | None = None
    """What C is linked to: musl or glibc-static (linked in), or the oldest glibc to serve: glibc-2.28."""
    platforms: tuple[
        Annotated[str, Field(pattern=r"^linux/(amd64|arm64|386|arm|ppc64le|s390x|riscv64)$")], ...
    ] = ("linux/amd64",)
    """Operating system and machine of each binary."""


class Cron(Model):
    """When a cron workload runs."""

    schedule: str = Field(pattern=r"^([0-9A-Za-z*/,-]+ ){4}[0-9A-Za-z*/,-]+$")
    """Five fields of crontab: minute, hour, day, month, weekday."""


class Workload(Model):
    """How many run, and what kind of thing."""

    type: WorkloadType = WorkloadType.SERVICE
    """What kind of thing runs."""
    replicas: Whole = Field(1, ge=0, le=10_000)
    """How many run at the same time."""
    cron: Cron | None = None
    """Needed by, and only by, the type cron."""


class Command(Model):
    """How the binary is called."""

    args: tuple[Text, ...] = ()
    """Arguments, each passed on as it stands: no shell and no platform expands anything in them."""


class SecretSource(StrEnum):
    """Who keeps a secret."""

    ENV = "env"
    FILE = "file"
    SOPS = "sops"
    VAULT = "vault"


class Secret(Model):
    """A reference to a secret; never its value."""

    source: SecretSource = Field(alias="from")
    """Who keeps the secret."""
    path: str = Field(min_length=1, max_length=1024)
    """Where the keeper has it: a variable's name, a file, a path in the vault."""
    key: str = ""
    """Which entry, where the path holds several."""
    given: Literal["env", "file"] = Field("env", alias="as")
    """How the service receives it."""
    mount: AbsolutePath | None = None
    """The file to receive it in, with `as: file`."""


class File(Model):
    """A file that the service reads: its content, or where the checkout has it."""

    content: str | None = None
    """The text of the file; needs no source."""
    source: RelativePath | None = None
    """A text file below the declaration's folder whose content is taken."""
    mode: Mode = "0444"
    """Its permissions in four octal digits, such as "0440"."""


class Probe(Model):
    """A question to the running service over HTTP; 200 to 399 is a yes."""

    http: UrlPath
    """The path that is asked with GET."""
    port: PortName | None = None
    """A declared port; without it `http`, or the only one."""
    every: DurationField = Duration(10_000)
    """The time between two questions."""
    timeout: DurationField = Duration(1_000)
    """An answer that takes longer is a no."""
    failures: Whole = Field(3, ge=1, le=100)
    """How many in a row count."""


class Probes(Model):
    """When the service takes traffic, and when it must be restarted."""

    ready: Probe | None = None
    """Whether it may receive traffic."""
    live: Probe | None = None
    """Whether it must be restarted: only on a no."""


class Amounts(Model):
    """An amount of processor and memory."""

    cpu: CpuField | None = None
    """Processors, such as 100m (a tenth of one), 0.5 or 2."""
    memory: BytesField | None = None
    """Memory in bytes, such as 64Mi, 1Gi or 500M."""


class Resources(Model):
    """What the service is promised and what it may use at most."""

    requests: Amounts = Amounts()
    """What the service is promised."""
    limits: Amounts = Amounts()
    """What the service may use at most; more memory than this ends it."""


class Volume(Model):
    """Storage that the service writes to."""

    mount: AbsolutePath
    """The absolute path where the service finds it."""
    size: BytesField
    """How much it holds, such as 1Gi."""
    encrypted: Encrypted = Encrypted.PREFERRED
    """Whether it must be encrypted at rest."""
    per: Literal["replica", "service"] = "replica"
    """Each replica its own, or one that all share."""


class Route(Model):
    """A name under which clients reach a port from outside."""

    host: HostName
    """The name that clients use; *.example.com means every name of one label before it."""
    path: UrlPath = "/"
    """Requests for this path and below it."""
    port: PortName
    """A declared port, by its name."""
    tls: Tls = Tls.EDGE
    """Where TLS ends: none, at the edge, or passthrough to the service."""


class Scaling(Model):
    """How the number of replicas follows the load."""

    min: Whole = Field(ge=1, le=10_000)
    """The least number of replicas."""
    max: Whole = Field(ge=1, le=10_000)
    """The greatest number of replicas."""
    cpu: RatioField
    """The share of the requested processor to aim at."""


class Security(Model):
    """What the service gives up so that a break-in gains less."""

    run_as_non_root: YesNo = True
    """Whether the service runs as a user without rights of its own."""
    read_only_root: YesNo = True
    """Whether the file system is read-only but for its volumes."""


class Metrics(Model):
    """Where the service answers a Prometheus scrape."""

    port: PortName
    """A declared port, by its name."""
    path: UrlPath = "/metrics"
    """The path that answers with the metrics."""


class Objective(Model):
    """A promise: the share of good events, counted by two selectors or by a histogram and a threshold.

    The name `service_availability_99th` may stand with `{}`; it means two objectives.
    """

    good: str | None = None
    """Selector of the good events, such as http_requests_total{status!~"5.."}."""
    total: str | None = None
    """Selector of all events."""
    histogram: str | None = None
    """Name of a histogram whose bucket at `under` counts the good events."""
    under: DurationField | None = None
    """Events up to this duration are good; the histogram needs a bucket there."""
    target: RatioField | None = None
    """The wanted share of good events, such as 99.9%."""
    window: DurationField = Duration(30 * 86_400_000)
    """The time over which the share is counted, such as 30d."""


class Override(Model):
    """What differs on a platform or target: parts of the declaration, merged over it, and platform settings.

    A mapping is merged key by key; a key that is null is removed; anything else is replaced.
    """

    workload: dict[str, Any] | None = None
    """What differs in spec.workload."""
    command: dict[str, Any] | None = None
    """What differs in spec.command."""
    ports: dict[str, Any] | None = None
    """What differs in spec.ports."""
    env: dict[str, Any] | None = None
    """What differs in spec.env."""
    secrets: dict[str, Any] | None = None
    """What differs in spec.secrets."""
    files: dict[str, Any] | None = None
    """What differs in spec.files."""
    probes: dict[str, Any] | None = None
    """What differs in spec.probes."""
    resources: dict[str, Any] | None = None
    """What differs in spec.resources."""
    volumes: dict[str, Any] | None = None
    """What differs in spec.volumes."""
    routes: dict[str, Any] | None = None
    """What differs in spec.routes."""
    scaling: dict[str, Any] | None = None
    """What differs in spec.scaling."""
    security: dict[str, Any] | None = None
    """What differs in spec.security."""
    metrics: dict[str, Any] | None = None
    """What differs in spec.metrics."""
    template: str | None = Field(None, max_length=200)
    """vSphere: the template that machines are made from."""
    disk: str | None = Field(None, pattern=r"^\[[^\]/]+\] [!-~]+\.vmdk$")
    """vSphere: the disk that machines without a template start from: [datastore] folder/disk.vmdk."""


class ServiceSpec(Model):
    """What the service needs, gives and promises. Exactly one of build, image and binary."""

    build: Build | None = None
    """How the binary is built."""
    image: str | None = Field(None, pattern=r"^[a-z0-9][!-~]{0,500}$")
    """A container image built elsewhere, best with its digest."""
    binary: RelativePath | None = None
    """A binary built elsewhere, relative to the declaration."""
    runs_on: tuple[str, ...] = ()
    """Distributions on which the binary must start, such as alpine-3.23."""
    workload: Workload = Workload()
    """How many run, and what kind of thing."""
    command: Command = Command()
    """How the binary is called."""
    ports: dict[PortName, Port] = {}
    """Name → TCP port that the service listens on."""
    env: dict[EnvName, Text] = {}
    """Name → value of a variable that is no secret."""
    secrets: dict[EnvName, Secret] = {}
    """Variable → where its secret value is kept."""
    files: dict[AbsolutePath, File] = {}
    """Absolute path → a file that the service reads."""
    probes: Probes = Probes()
    """When the service takes traffic, and when it must be restarted."""
    resources: Resources = Resources()
    """What the service is promised and what it may use at most."""
    volumes: dict[Name, Volume] = {}
    """Name → storage that the service writes to."""
    routes: dict[Name, Route] = {}
    """Name → an address under which clients reach a port from outside."""
    scaling: Scaling | None = None
    """How the number of replicas follows the load."""
    security: Security = Security()
    """What the service gives up so that a break-in gains less."""
    metrics: Metrics | None = None
    """Where the service answers a Prometheus scrape."""
    objectives: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")], Objective] = {}
    """Name → a promise that is measured."""
    overrides: dict[Literal["kubernetes", "openshift", "vsphere", "host"], Override] = {}
    """Platform → what differs there. What differs on one target belongs in the fleet."""


class Service(Model):
    """One service, as declared in `service.yaml`."""

    api_version: Literal["trimaran.dev/v1alpha1"]
    """The version of this format."""
    kind: Literal["PlatformAgnosticSpec"]
    """What this document declares: a service."""
    metadata: Metadata
    """How the service is called."""
    spec: ServiceSpec
    """What the service needs, gives and promises."""

    @property
    def name(self) -> str:
        return self.metadata.name
