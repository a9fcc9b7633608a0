"""What a service is: the models of `service.yaml`, `PlatformAgnosticSpec`.

Each field's docstring is also what an editor shows. Rules that join several fields are in `rules.py`.
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
    platforms: tuple[
        Annotated[str, Field(pattern=r"^linux/(amd64|arm64|386|arm|ppc64le|s390x|riscv64)$")], ...
    ] = ("linux/amd64",)
    """Operating system and machine of each binary."""


class Cron(Model):
    """When a cron workload runs."""

    schedule: str = Field(pattern=r"^(\S+ ){4}\S+$")
    """Five fields of crontab: minute, hour, day, month, weekday."""


class Workload(Model):
    """How many run, and what kind of thing."""

    type: WorkloadType = WorkloadType.SERVICE
    replicas: Whole = Field(1, ge=0, le=10_000)
    cron: Cron | None = None
    """Needed by, and only by, the type cron."""


class Command(Model):
    """How the binary is called."""

    args: tuple[Text, ...] = ()


class SecretSource(StrEnum):
    """Who keeps a secret."""

    ENV = "env"
    FILE = "file"
    SOPS = "sops"
    VAULT = "vault"


class Secret(Model):
    """A reference to a secret; never its value."""

    source: SecretSource = Field(alias="from")
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
    source: RelativePath | None = None
    mode: Mode = "0444"


class Probe(Model):
    """A question to the running service over HTTP; 200 to 399 is a yes."""

    http: UrlPath
    port: PortName | None = None
    """A declared port; without it `http`, or the only one."""
    every: DurationField = Duration(10_000)
    timeout: DurationField = Duration(1_000)
    failures: Whole = Field(3, ge=1, le=100)
    """How many in a row count."""


class Probes(Model):
    """When the service takes traffic, and when it must be restarted."""

    ready: Probe | None = None
    live: Probe | None = None


class Amounts(Model):
    """An amount of processor and memory."""

    cpu: CpuField | None = None
    memory: BytesField | None = None


class Resources(Model):
    """What the service is promised and what it may use at most."""

    requests: Amounts = Amounts()
    limits: Amounts = Amounts()


class Volume(Model):
    """Storage that the service writes to."""

    mount: AbsolutePath
    size: BytesField
    encrypted: Encrypted = Encrypted.PREFERRED
    per: Literal["replica", "service"] = "replica"
    """Each replica its own, or one that all share."""


class Route(Model):
    """A name under which clients reach a port from outside."""

    host: HostName
    path: UrlPath = "/"
    port: PortName
    tls: Tls = Tls.EDGE


class Scaling(Model):
    """How the number of replicas follows the load."""

    min: Whole = Field(ge=1, le=10_000)
    max: Whole = Field(ge=1, le=10_000)
    cpu: RatioField
    """The share of the requested processor to aim at."""


class Security(Model):
    """What the service gives up so that a break-in gains less."""

    run_as_non_root: YesNo = True
    read_only_root: YesNo = True


class Metrics(Model):
    """Where the service answers a Prometheus scrape."""

    port: PortName
    path: UrlPath = "/metrics"


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
    target: RatioField | None = None
    window: DurationField = Duration(30 * 86_400_000)


class Override(Model):
    """What differs on a platform or target: parts of the declaration, merged over it, and platform settings.

    A mapping is merged key by key; a key that is null is removed; anything else is replaced.
    """

    workload: dict[str, Any] | None = None
    command: dict[str, Any] | None = None
    ports: dict[str, Any] | None = None
    env: dict[str, Any] | None = None
    secrets: dict[str, Any] | None = None
    files: dict[str, Any] | None = None
    probes: dict[str, Any] | None = None
    resources: dict[str, Any] | None = None
    volumes: dict[str, Any] | None = None
    routes: dict[str, Any] | None = None
    scaling: dict[str, Any] | None = None
    security: dict[str, Any] | None = None
    metrics: dict[str, Any] | None = None
    template: str | None = Field(None, max_length=200)
    """vSphere: the template that machines are made from."""


class ServiceSpec(Model):
    """What the service needs, gives and promises. Exactly one of build, image and binary."""

    build: Build | None = None
    image: str | None = Field(None, pattern=r"^[a-z0-9][!-~]{0,500}$")
    """A container image built elsewhere, best with its digest."""
    binary: RelativePath | None = None
    """A binary built elsewhere, relative to the declaration."""
    runs_on: tuple[str, ...] = ()
    """Distributions on which the binary must start, such as alpine-3.23."""
    workload: Workload = Workload()
    command: Command = Command()
    ports: dict[PortName, Port] = {}
    env: dict[EnvName, Text] = {}
    secrets: dict[EnvName, Secret] = {}
    files: dict[AbsolutePath, File] = {}
    probes: Probes = Probes()
    resources: Resources = Resources()
    volumes: dict[Name, Volume] = {}
    routes: dict[Name, Route] = {}
    scaling: Scaling | None = None
    security: Security = Security()
    metrics: Metrics | None = None
    objectives: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")], Objective] = {}
    overrides: dict[Literal["kubernetes", "openshift", "vsphere", "host"], Override] = {}


class Service(Model):
    """One service, as declared in `service.yaml`."""

    api_version: Literal["trimaran.dev/v1alpha1"]
    kind: Literal["PlatformAgnosticSpec"]
    metadata: Metadata
    spec: ServiceSpec

    @property
    def name(self) -> str:
        return self.metadata.name
