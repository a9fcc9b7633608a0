"""Explaining a module or version that the proxy does not have: which of the two, and what is near."""

from dataclasses import replace
from pathlib import Path

from trimaran.errors import Problem, TrimaranError, printable
from trimaran.toolchain import gomod, network
from trimaran.toolchain.goproxy import escape, module_file, parse_list
from trimaran.toolchain.model import BuildRequest
from trimaran.toolchain.modversions import nearest
from trimaran.toolchain.network import Network
from trimaran.toolchain.proxy import Patience
from trimaran.toolchain.proxyfaults import AbsentError
from trimaran.toolchain.versions import GoVersion

_LIST_LIMIT = 8 << 20
_MOST_PARENTS = 4
_QUICK = Patience(answer_s=10, idle_s=10, total_s=20, tries=1)


def explain(request: BuildRequest, problem: Problem, cache: Path) -> TrimaranError:
    """Whether the module or only the version is missing, with suggestions where the proxy gives any.

    The explanation is a courtesy: when the proxy cannot be asked, `problem` stays as it is.
    """
    try:
        net = network.configured(cache, _QUICK)
        versions = _versions(net, request.module)
        if versions is not None:
            return TrimaranError(_no_version(request, problem, versions))
        return TrimaranError(_no_module(request, problem, net))
    except TrimaranError:
        return TrimaranError(problem)


def least_go(request: BuildRequest, cache: Path) -> GoVersion | None:
    """The `go` line of a module's go.mod as the proxy serves it; None when it does not tell."""
    try:
        net = network.configured(cache, _QUICK)
        text = network.get(net, module_file(request.module, f"{request.version}.mod"), _LIST_LIMIT)
    except (AbsentError, TrimaranError):
        return None
    return gomod.least_go(text.decode("utf-8", "replace"))


def _versions(net: Network, module: str) -> tuple[str, ...] | None:
    """What the proxy lists; None when it does not know the module at all."""
    try:
        text = network.get(net, module_file(module, "list"), _LIST_LIMIT)
        listed = parse_list(text.decode("utf-8", "replace"))
    except AbsentError:
        listed = ()
    if listed:
        return listed
    try:
        # A module without any tag has an empty list, as has a module that does not exist.
        network.get(net, f"{escape(module)}/@latest", _LIST_LIMIT)
    except AbsentError:
        return None
    return ()


def _no_version(request: BuildRequest, problem: Problem, versions: tuple[str, ...]) -> Problem:
    near = nearest(request.version, versions)
    fix = f"near it are {', '.join(near)}" if near else "it has no tagged versions; `latest` may do"
    what = f"module {request.module} has no version {request.version}"
    return replace(problem, code="TRM0312", what=printable(what), fix=printable(fix))


def _no_module(request: BuildRequest, problem: Problem, net: Network) -> Problem:
    what = f"there is no module {request.module}"
    fix = "check its path; capitals count"
    parts = request.module.split("/")
    for end in range(len(parts) - 1, max(1, len(parts) - 1 - _MOST_PARENTS), -1):
        parent = "/".join(parts[:end])
        if _versions(net, parent) is not None:
            fix = f"{parent} is a module: name that one, with package ./{'/'.join(parts[end:])}"
            break
    return replace(problem, code="TRM0311", what=printable(what), fix=printable(fix))
