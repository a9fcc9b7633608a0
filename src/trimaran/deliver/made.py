"""What was made of a service, in the form that rendering takes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from trimaran.errors import TrimaranError, fail
from trimaran.platform import Made
from trimaran.spec.fleet import Fleet, Target
from trimaran.spec.service import Service


@dataclass(frozen=True, slots=True)
class Program:
    """A binary at hand for one machine architecture.

    Args:
        path: the file.
        digest: `sha256:` and 64 hexadecimal digits.
        name: the file name that it has where it runs.
        size: in bytes.
        origin: what it was made from and with, one line for people.
        reused: whether it was there already.
    """

    path: PurePath
    digest: str
    name: str
    size: int
    origin: str
    reused: bool


Programs = Mapping[str, Program]
"""Architecture (`amd64`) → program; empty when the service brings an image."""


def made_for(service: Service, name: str, target: Target, fleet: Fleet, programs: Programs) -> Made:
    """What the target named `name` is rendered with. Raises TRM0701 when its architecture was not built."""
    image = service.spec.image or f"{fleet.spec.registry}/{service.name}"
    pinned = "@sha256:" in image
    if service.spec.image:
        return Made("", service.name, image, pinned)
    program = programs.get(target.arch)
    if program is None:
        raise _not_built(name, target, programs)
    return Made(program.digest, program.name, image, pinned)


def _not_built(name: str, target: Target, programs: Programs) -> TrimaranError:
    built = ", ".join(sorted(programs)) or "nothing"
    what = f"the target {name} is {target.arch}, and only {built} is built"
    return fail("TRM0701", what, f"add linux/{target.arch} to spec.build.platforms")


def program_name(service: Service) -> str:
    """The file name of the service's program: the last word of its package, module or binary path."""
    build = service.spec.build
    if service.spec.binary:
        return PurePath(service.spec.binary).name
    if build is None:
        return service.name
    package = PurePath(build.package).name
    if package not in ("", ".", ".."):
        return package
    if not build.module:
        return service.name
    parts = build.module.split("/")
    # The last element of a module path may be its major version: github.com/you/service/v2.
    last_is_major = len(parts) > 1 and parts[-1][:1] == "v" and parts[-1][1:].isdigit()
    return parts[-2] if last_is_major else parts[-1]
