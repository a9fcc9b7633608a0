"""Does it start where it will run? The verdicts that a delivery depends on. Pure."""

from collections.abc import Iterable, Sequence

from trimaran.binary import Outcome, Verdict
from trimaran.errors import Exit, Problem, TrimaranError
from trimaran.spec.fleet import Fleet
from trimaran.spec.service import Service


def required(service: Service, fleet: Fleet) -> tuple[str, ...]:
    """The distributions that must take the binary: `runsOn`, and the targets' own `os`."""
    named = [*service.spec.runs_on]
    named += [target.os for target in fleet.spec.targets.values() if target.os is not None]
    return tuple(dict.fromkeys(named))


def enforce(verdicts: Sequence[Verdict], names: Iterable[str], built: bool) -> None:
    """Raise TrimaranError, exit status 1, for every required distribution on which the binary fails.

    Args:
        built: whether it was built here, so that the declaration can say how.
    """
    wanted = set(names)
    failed = [each for each in verdicts if each.distribution in wanted and each.outcome is Outcome.FAILS]
    if failed:
        problems = [
            Problem("TRM0703", f"does not start on {each.distribution}: {each.reason}", _FIX[built])
            for each in failed
        ]
        raise TrimaranError(*problems, status=Exit.FINDINGS)


_FIX = {
    True: "`trimaran fix` tries every way to build it, and shows where each starts",
    False: "`trimaran blame` names what brings the need; or take the distribution out of runsOn",
}
