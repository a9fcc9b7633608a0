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


class KubernetesTarget(TargetBase):
    """A namespace of a Kubernetes cluster."""

    platform: Literal["kubernetes"]
    """A Kubernetes cluster."""
    context: str | None = None
    """A context of the kubeconfig."""
    namespace: Name = "default"
    """The namespace that the objects are in."""
    secret_store: SecretStore | None = None
    """The store from which secrets are taken."""


class OpenShiftTarget(TargetBase):
    """A project of an OpenShift cluster."""

    platform: Literal["openshift"]
    """An OpenShift cluster."""
    context: str | None = None
    """A context of the kubeconfig."""
    namespace: Name = "default"
    """The project that the objects are in."""
    secret_store: SecretStore | None = None
    """The store from which secrets are taken."""


class VSphereTarget(TargetBase):
    """A folder of a vCenter's datacenter."""

    platform: Literal["vsphere"]
    """A vCenter."""
    url: str | None = Field(None, pattern=r"^https://[!-~]+$")
    """The address of the vCenter's API, such as https://vcenter.example.com/sdk."""
    datacenter: str = Field("DC0", min_length=1, max_length=80)
    """The datacenter of the machines."""
    folder: str = Field("trimaran", min_length=1, max_length=200)
    """The folder of the machines."""
    template: str | None = Field(None, max_length=200)
    """The template that machines are made from."""
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
