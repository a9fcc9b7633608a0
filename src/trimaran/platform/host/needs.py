"""What a program needs before it is started: ports that are free, and values for its secrets."""

from collections.abc import Callable, Mapping
from pathlib import Path

from trimaran.action import Json
from trimaran.errors import Problem, TrimaranError, printable
from trimaran.platform.host import ports
from trimaran.supervise import control


def check_ports(document: Mapping[str, Json], folder: Path) -> None:
    """Raises TRM0553 for every port that somebody other than this service itself listens on."""
    names = {int(port): str(name) for name, port in document["ports"].items()}
    taken = ports.listeners(names)
    ours = {each.pid for each in control.processes(folder)} if taken else set()
    fix = "stop that program, or give the service another port"
    problems = [
        Problem("TRM0553", f"port {each.port} ({printable(names[each.port])}) is taken by {each}", fix)
        for each in taken
        if each.pid not in ours
    ]
    if problems:
        raise TrimaranError(*problems)


def secret_values(
    document: Mapping[str, Json], resolve: Callable[[Mapping[str, Json]], str]
) -> dict[str, str]:
    """The value of each of the document's secrets. Raises TRM0559 when one is wanted as a file."""
    wanted = dict(document["secrets"])
    odd = sorted(str(name) for name, ref in wanted.items() if ref.get("as", "env") != "env")
    if odd:
        fix = "use `as: env` on hosts"
        raise TrimaranError(
            *(Problem("TRM0559", f"secret {printable(name)} is wanted as a file", fix) for name in odd)
        )
    return {str(name): resolve(ref) for name, ref in wanted.items()}
