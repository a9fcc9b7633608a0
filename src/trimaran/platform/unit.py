"""A service as a systemd unit, for hosts and for the machines of vSphere. Pure."""

import re

from trimaran.platform.protocol import Loss, Made
from trimaran.spec.service import Service, WorkloadType
from trimaran.supervise import systemd
from trimaran.supervise.state import Restart

PROGRAMS = "/opt"
"""Programs live in /opt/SERVICE/bin: /usr is for packages, /usr/local for the administrator (FHS 3.0)."""

LOW_PORT = 1024  # below it, listening needs CAP_NET_BIND_SERVICE
_NAMES = "[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*"
_CACHE = re.compile(f"/var/cache/({_NAMES})")
_STATE = re.compile(f"/var/lib/({_NAMES})")
_CONTROL = re.compile("[\0-\x1f\x7f\ud800-\udfff]")


def restart(service: Service) -> Restart:
    """When the program is started again: a job only when it failed."""
    once = service.spec.workload.type in (WorkloadType.JOB, WorkloadType.CRON)
    return Restart.ON_FAILURE if once else Restart.ALWAYS


def secrets_file(service: Service) -> str:
    """The file with the secrets' values, which only root may read."""
    return f"/etc/{service.name}/secrets.env"


def unit_text(service: Service, made: Made) -> str:
    """The text of `SERVICE.service`."""
    spec = service.spec
    secret_env = any(secret.given == "env" for secret in spec.secrets.values())
    return systemd.unit_text(
        systemd.Unit(
            description=f"{service.name} (Trimaran)",
            argv=(f"{PROGRAMS}/{service.name}/bin/{made.program}", *_sayable_args(service)),
            env={name: value for name, value in spec.env.items() if not _CONTROL.search(value)},
            environment_file=secrets_file(service) if secret_env else "",
            user="" if spec.security.run_as_non_root else "root",
            restart=restart(service),
            read_only_root=spec.security.read_only_root,
            cache=_below(service, _CACHE),
            state=_below(service, _STATE),
            writable=tuple(each.mount for each in spec.volumes.values() if not is_made(each.mount)),
            memory_bytes=spec.resources.limits.memory.count if spec.resources.limits.memory else None,
            cpu_milli=spec.resources.limits.cpu.milli if spec.resources.limits.cpu else None,
            low_ports=any(port < LOW_PORT for port in spec.ports.values()),
        )
    )


def is_made(mount: str) -> bool:
    """Whether systemd makes the directory of a volume and gives it to the service (systemd.exec(5))."""
    return bool(_CACHE.fullmatch(mount) or _STATE.fullmatch(mount))


def _below(service: Service, place: re.Pattern[str]) -> tuple[str, ...]:
    found = (place.fullmatch(each.mount) for each in service.spec.volumes.values())
    return tuple(match[1] for match in found if match)


def _sayable_args(service: Service) -> tuple[str, ...]:
    return tuple(each for each in service.spec.command.args if not _CONTROL.search(each))


def unit_losses(service: Service, target: str) -> list[Loss]:
    """What a unit does not express of the declaration."""
    spec = service.spec
    found = [
        Loss(target, f"secrets.{name}", f"nothing here writes it to {secrets_file(service)}")
        for name, secret in spec.secrets.items()
        if secret.given == "env"
    ]
    found += [
        Loss(target, f"secrets.{name}", "a unit receives secrets as variables, not as files")
        for name, secret in spec.secrets.items()
        if secret.given == "file"
    ]
    found += [
        Loss(target, f"env.{name}", "its value holds a control character, which a unit cannot carry")
        for name, value in spec.env.items()
        if _CONTROL.search(value)
    ]
    if len(_sayable_args(service)) != len(spec.command.args):
        found.append(Loss(target, "command.args", "an argument holds a control character and is left out"))
    for kind in ("ready", "live"):
        if getattr(spec.probes, kind):
            found.append(
                Loss(target, f"probes.{kind}", "systemd does not ask probes; it sees only the process")
            )
    found += [
        Loss(target, f"objectives.{name}", "counted by trimaran ship; no Prometheus rules are rendered")
        for name in spec.objectives
    ]
    return found
