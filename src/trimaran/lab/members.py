"""The lab's members: what each runs, where it listens, and the texts that they and their clients read. Pure.

Paths are text here. No member is told a secret on its command line: those stand in files.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

CLUSTERS = ("kubernetes", "openshift")
PORTS = ("etcd", "etcd-peer", *CLUSTERS, "vsphere")
"""What each port is remembered by."""
USER = "lab@vsphere.local"
TEMPLATE = "debian-12"
ROLES = ("admin", "controllers", "kwok", "reader", "scheduler")
"""Who has a token for the API servers."""
_GROUPS = {
    "admin": ("lab-admin", "system:masters"),
    "controllers": ("lab-controllers", "system:masters"),
    "kwok": ("lab-kwok", "system:masters"),
    "reader": ("lab-reader", ""),
    "scheduler": ("system:kube-scheduler", ""),
}
_HOST = "127.0.0.1"
# Those that something here needs; each one less is less work while nothing happens. Nodes never fail here.
_CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemonset-controller",
    "deployment-controller",
    "disruption-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "ephemeral-volume-controller",
    "garbage-collector-controller",
    "horizontal-pod-autoscaler-controller",
    "job-controller",
    "namespace-controller",
    "persistentvolume-binder-controller",
    "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection-controller",
    "pod-garbage-collector-controller",
    "replicaset-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "statefulset-controller",
    "ttl-after-finished-controller",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command lines are made from.

    Args:
        root: the lab's folder.
        ports: by the names of `PORTS`.
        programs: the path of each program by its name.
        stages: the file with kwok's stages.
        credentials: names the certificates and tokens in use; new ones need new processes.
    """

    root: str
    ports: Mapping[str, int]
    programs: Mapping[str, str]
    stages: str
    credentials: str


@dataclass(frozen=True, slots=True)
class Member:
    """One process of the lab.

    Args:
        name: unique in the lab, `openshift-scheduler`.
        program: the name of its program.
        argv: what runs.
        ports: on which it listens, on the loopback address.
        stage: 0 starts first and ends last.
    """

    name: str
    program: str
    argv: tuple[str, ...]
    ports: tuple[int, ...] = ()
    stage: int = 0

    @property
    def address(self) -> str:
        """Where it listens; empty when it only calls others."""
        return f"{_HOST}:{self.ports[0]}" if self.ports else ""


def members(settings: Settings) -> tuple[Member, ...]:
    """All of them, in the order in which they start."""
    found = [_etcd(settings), _vcsim(settings)]
    found += [_api(settings, cluster) for cluster in CLUSTERS]
    for cluster in CLUSTERS:
        found += [_controllers(settings, cluster), _scheduler(settings, cluster), _kwok(settings, cluster)]
    return tuple(found)


def digest(member: Member, settings: Settings) -> str:
    """Names what a member was started with; a process with another one is out of date."""
    # Where a cluster is, its other members read from a file when they start.
    called = settings.ports.get(member.name.partition("-")[0])
    text = json.dumps([member.argv, settings.credentials, called])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _etcd(settings: Settings) -> Member:
    root, client, peer = settings.root, settings.ports["etcd"], settings.ports["etcd-peer"]
    argv = (
        settings.programs["etcd"],
        "--name=lab",
        f"--data-dir={root}/etcd",
        f"--listen-client-urls=https://{_HOST}:{client}",
        f"--advertise-client-urls=https://{_HOST}:{client}",
        f"--listen-peer-urls=https://{_HOST}:{peer}",
        f"--initial-advertise-peer-urls=https://{_HOST}:{peer}",
        f"--initial-cluster=lab=https://{_HOST}:{peer}",
        # The loopback address is shared by all users of a machine: only who holds our key gets in.
        "--client-cert-auth",
        f"--trusted-ca-file={root}/ca.crt",
        f"--cert-file={root}/server.crt",
        f"--key-file={root}/server.key",
        "--peer-client-cert-auth",
        f"--peer-trusted-ca-file={root}/ca.crt",
        f"--peer-cert-file={root}/server.crt",
        f"--peer-key-file={root}/server.key",
        # What is in the lab may be lost in a power cut, and is never waited for.
        "--unsafe-no-fsync",
        "--quota-backend-bytes=4294967296",
        "--log-level=warn",
    )
    return Member("etcd", "etcd", argv, (client, peer))


def _api(settings: Settings, cluster: str) -> Member:
    root, port = settings.root, settings.ports[cluster]
    argv = (
        settings.programs["kube-apiserver"],
        f"--etcd-servers=https://{_HOST}:{settings.ports['etcd']}",
        f"--etcd-prefix=/{cluster}",
        f"--etcd-cafile={root}/ca.crt",
        f"--etcd-certfile={root}/server.crt",
        f"--etcd-keyfile={root}/server.key",
        f"--bind-address={_HOST}",
        f"--advertise-address={_HOST}",
        f"--secure-port={port}",
        "--endpoint-reconciler-type=none",
        f"--tls-cert-file={root}/server.crt",
        f"--tls-private-key-file={root}/server.key",
        f"--token-auth-file={root}/tokens.csv",
        "--anonymous-auth=false",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={root}/service-account.pub",
        f"--service-account-signing-key-file={root}/service-account.key",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--profiling=false",
    )
    return Member(f"{cluster}-api", "kube-apiserver", argv, (port,), 1)


def _controllers(settings: Settings, cluster: str) -> Member:
    root = settings.root
    argv = (
        settings.programs["kube-controller-manager"],
        f"--kubeconfig={kubeconfig_file(root, cluster, 'controllers')}",
        f"--controllers={','.join(_CONTROLLERS)}",
        f"--root-ca-file={root}/ca.crt",
        f"--service-account-private-key-file={root}/service-account.key",
        "--leader-elect=false",
        # By default it asks so seldom that a thousand services take minutes to become ready.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--secure-port=0",
        "--profiling=false",
    )
    return Member(f"{cluster}-controllers", "kube-controller-manager", argv, (), 2)


def _scheduler(settings: Settings, cluster: str) -> Member:
    argv = (
        settings.programs["kube-scheduler"],
        f"--kubeconfig={kubeconfig_file(settings.root, cluster, 'scheduler')}",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
    )
    return Member(f"{cluster}-scheduler", "kube-scheduler", argv, (), 2)


def _kwok(settings: Settings, cluster: str) -> Member:
    argv = (
        settings.programs["kwok"],
        f"--kubeconfig={kubeconfig_file(settings.root, cluster, 'kwok')}",
        "--manage-all-nodes=true",
        "--node-lease-duration-seconds=0",
        f"--config={settings.stages}",
        "--v=WARN",
    )
    return Member(f"{cluster}-kwok", "kwok", argv, (), 2)


def _vcsim(settings: Settings) -> Member:
    root, port = settings.root, settings.ports["vsphere"]
    argv = (
        settings.programs["vcsim"],
        f"-listen={_HOST}:{port}",
        f"-certificate={root}/server.crt",
        f"-key={root}/server.key",
        f"-user={USER}",
        f"-password-file={root}/vcenter.password",
        f"-template={TEMPLATE}",
    )
    return Member("vsphere", "vcsim", argv, (port,))


def kubeconfig_file(root: str, cluster: str, role: str) -> str:
    """Where the kubeconfig of a member is."""
    return f"{root}/kubeconfig.{cluster}.{role}"


def tokens_csv(tokens: Mapping[str, str]) -> str:
    """The API servers' list of tokens, by role."""
    lines = []
    for role in ROLES:
        user, group = _GROUPS[role]
        lines.append(f"{tokens[role]},{user},{user}" + (f',"{group}"' if group else ""))
    return "\n".join(lines) + "\n"
