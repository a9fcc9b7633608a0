"""Where things run: the models of `fleet.yaml`."""

from typing import Annotated, Literal

from pydantic import Field

from trimaran.spec.fields import HostName, LabelKey, LabelValue, Model, Name
from trimaran.spec.service import Metadata, Override


class SecretStore(Model):
    """The External Secrets store of a cluster."""

    kind: Literal["SecretStore", "ClusterSecretStore"] = "SecretStore"
    """Whether the store belongs to the namespace or to the cluster."""
    name: Name
    """The name of the store."""


class Storage(Model):
    """The StorageClasses of a cluster that volumes are made from."""

    plain: Name | None = Field(None, alias="class")
    """The class of volumes that need no encryption; without it the cluster's default."""
    encrypted: Name | None = None
    """The class whose volumes are encrypted at rest; needed by volumes that require it."""


class Gateway(Model):
    """The Gateway that routes are attached to, where a cluster has the Gateway API."""

    name: Name
    """The name of the Gateway."""
    namespace: Name | None = None
    """Its namespace; without it the target's own."""
    listener: Name | None = None
    """Which of its listeners; without it all that fit."""


class Password(Model):
    """A reference to a password; never its value."""

    source: Literal["env", "file"] = Field(alias="from")
    """Who keeps the password: a variable or a file."""
    path: str = Field(min_length=1, max_length=1024)
    """The variable's name, or the file."""
    key: str = ""
    """Which entry, where the file holds several."""


class LoadBalancer(Model):
    """What takes a machine out of traffic and puts it back."""

    hook: str = Field(min_length=1, max_length=1024)
    """A program that is called with `drain` or `undrain` and the machine's name."""


class TargetBase(Model):
    """What every target has."""

    os: str | None = None
    """The distribution that the service meets there, such as alpine-3.23."""
    arch: Literal["amd64", "arm64"] = "amd64"
    """The machine architecture there; a binary must be built for it."""
    select: dict[LabelKey, LabelValue] = {}
    """Only services with these labels; without it, all."""
    overrides: dict[Name, Override] = {}
    """Per service, what differs here."""


class ClusterTarget(TargetBase):
    """What Kubernetes and OpenShift targets share."""

    kubeconfig: str | None = Field(None, min_length=1, max_length=1024)
    """The kubeconfig with the context, relative to this file; without it $KUBECONFIG or ~/.kube/config."""
    context: str | None = Field(None, min_length=1, max_length=253)
    """A context of the kubeconfig; without it the target is rendered and not delivered to."""
    namespace: Name = "default"
    """The namespace (on OpenShift the project) that the objects are in."""
    secret_store: SecretStore | None = None
    """The External Secrets store from which secrets are taken."""
    storage: Storage = Storage()
    """The StorageClasses that volumes are made from."""
    monitoring: Literal["none", "prometheus-operator"] = "none"
    """Whether the Prometheus operator is there: then objectives become rules, and it scrapes the metrics."""


class KubernetesTarget(ClusterTarget):
    """A namespace of a Kubernetes cluster."""

    platform: Literal["kubernetes"]
    """A Kubernetes cluster."""
    gateway: Gateway | None = None
    """Where routes are attached as HTTPRoutes; without it they become Ingresses."""


class OpenShiftTarget(ClusterTarget):
    """A project of an OpenShift cluster."""

    platform: Literal["openshift"]
    """An OpenShift cluster."""


class VSphereTarget(TargetBase):
    """A folder of a vCenter's datacenter."""

    platform: Literal["vsphere"]
    """A vCenter."""
    url: str | None = Field(None, pattern=r"^https://[!-~]+$")
    """The address of the vCenter's API, such as https://vcenter.example.com/sdk; without it the target is
    rendered and not delivered to."""
    user: str | None = Field(None, min_length=1, max_length=253)
    """The vCenter's user."""
    password: Password | None = None
    """Where the user's password is."""
    ca: str | None = Field(None, min_length=1, max_length=1024)
    """The certificates (PEM) that the vCenter's is checked against, relative to this file; without it the
    system's."""
    datacenter: str = Field("DC0", min_length=1, max_length=80)
    """The datacenter of the machines."""
    folder: str = Field("trimaran", min_length=1, max_length=200)
    """The folder of the machines, below the datacenter's own; made when it is missing."""
    template: str | None = Field(None, max_length=200)
    """The template that machines are made from."""
    disk: str | None = Field(None, pattern=r"^\[[^\]/]+\] [!-~]+\.vmdk$")
    """A disk that machines without a template start from: [datastore] folder/disk.vmdk."""
    pool: str | None = Field(None, min_length=1, max_length=400)
    """The resource pool, such as DC0_C0/Resources; without it the first one of the datacenter."""
    datastore: str | None = Field(None, min_length=1, max_length=80)
    """Where the machines' files are; without it the first one of the datacenter."""
    network: str | None = Field(None, min_length=1, max_length=80)
    """The network of the machines; without it the template's."""
    encryption_policy: str | None = Field(None, min_length=1, max_length=80)
    """The storage policy that encrypts, for volumes that require it."""
    load_balancer: LoadBalancer | None = None
    """What takes a machine out of traffic and puts it back."""


class HostTarget(TargetBase):
    """Plain hosts; `localhost` is this machine, without root, under Trimaran's own supervisor."""

    platform: Literal["host"]
    """Plain hosts."""
    hosts: tuple[HostName, ...] = Field(("localhost",), min_length=1)
    """The hosts' names."""
    via: Literal["local", "ssh"] = "local"
    """How they are reached: local is this machine."""


Target = KubernetesTarget | OpenShiftTarget | VSphereTarget | HostTarget


class FleetSpec(Model):
    """The targets and what they share."""

    registry: str = Field("registry.invalid", pattern=r"^[a-z0-9][a-z0-9.:/_-]*$")
    """Where images are pushed; a service's image is this, a slash and its name."""
    targets: dict[Name, Annotated[Target, Field(discriminator="platform")]] = Field(min_length=1)
    """Name → a target."""
    standby: dict[Name, Name] = {}
    """Target → the target that takes over from it."""


class Fleet(Model):
    """Where services run, as declared in `fleet.yaml`."""

    api_version: Literal["trimaran.dev/v1alpha1"]
    """The version of this format."""
    kind: Literal["Fleet"]
    """What this document declares: a fleet."""
    metadata: Metadata
    """How the fleet is called."""
    spec: FleetSpec
    """The targets and what they share."""
