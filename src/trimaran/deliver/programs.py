"""Getting the binaries of a service: built, or read from where the declaration has one. Input and output."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from trimaran.deliver.made import Program, program_name
from trimaran.errors import Where, fail
from trimaran.spec.load import Declared
from trimaran.spec.service import Build, Service

if TYPE_CHECKING:
    from trimaran.toolchain import BuildRequest

Progress = Callable[[str], None]


def programs(declared: Declared, cache: Path, progress: Progress) -> dict[str, Program]:
    """Architecture → program, for every platform that the declaration names; empty for an image.

    Raises what building raises, and TRM0704 when the declared binary cannot be read.
    """
    service = declared.service
    if service.spec.binary is not None:
        return _read(service, declared.folder / service.spec.binary)
    if service.spec.build is None:
        return {}
    found = {}
    for platform in service.spec.build.platforms:
        found[platform.split("/")[1]] = _built(declared, service.spec.build, platform, cache, progress)
    return found


def request(declared: Declared, build: Build, platform: str) -> "BuildRequest":
    """What is asked of Go for one platform of a declaration."""
    from trimaran import toolchain

    return toolchain.BuildRequest(
        module=build.module or "",
        version=build.version or "",
        path=declared.folder / build.path if build.path is not None else None,
        package=build.package,
        go=build.go,
        cgo=toolchain.Cgo(build.cgo),
        platform=platform,
        tags=build.tags,
        libc=build.libc or "",
    )


def _built(declared: Declared, build: Build, platform: str, cache: Path, progress: Progress) -> Program:
    from trimaran import toolchain

    built = toolchain.build(request(declared, build, platform), cache, progress)
    source = built.source if build.module else _folder(declared, build)
    libc = f" for {build.libc}" if build.libc else ""
    cgo = f"with cgo{libc}" if built.cgo else "without cgo"
    origin = f"{source} by Go {built.go} {cgo}"
    return Program(built.path, built.digest, program_name(declared.service), built.size, origin, built.reused)


def _folder(declared: Declared, build: Build) -> str:
    """The folder and package as people call them: `article/`, `podinfo/cmd/podinfo`."""
    name = (declared.folder / (build.path or ".")).resolve().name
    return f"{name}/{build.package.removeprefix('./').removeprefix('.')}"


def _read(service: Service, path: Path) -> dict[str, Program]:
    from trimaran.binary import inspect_file

    machine = inspect_file(str(path)).machine
    sha256 = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                sha256.update(chunk)
        size = path.stat().st_size
    except OSError as error:
        fix = "check spec.binary; it is relative to the declaration"
        raise fail("TRM0704", f"cannot be read: {error.strerror}", fix, Where(str(path))) from None
    name = program_name(service)
    origin = f"{service.spec.binary}, built elsewhere"
    return {_arch(machine): Program(path, f"sha256:{sha256.hexdigest()}", name, size, origin, reused=True)}


def _arch(machine: str) -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
