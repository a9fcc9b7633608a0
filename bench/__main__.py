"""`python -m bench [NAME…]`: run the cases whose module or name contains a NAME, each beside its peer.

Ours and the peer take turns (A B A B …), so that a busy moment of the machine meets both. The ratio of each
pair is taken, and its median printed with the least and the greatest. Exits 1 when a goal is missed.
"""

import importlib
import pkgutil
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence

import bench
from bench.case import Case


def cases(wanted: Sequence[str]) -> Iterator[Case]:
    """Cases of all modules beside this one that define `CASES`."""
    for module in sorted(each.name for each in pkgutil.iter_modules(bench.__path__)):
        if module in {"__main__", "case"}:
            continue
        # Modules without cases hold what several modules share.
        for case in getattr(importlib.import_module(f"bench.{module}"), "CASES", ()):
            if not wanted or any(word in f"{module} {case.name}" for word in wanted):
                yield case


def run(case: Case) -> bool:
    """Measure one case and print it; whether its goals are met."""
    ours, theirs = [], []
    case.ours()  # the first round warms caches of the machine, and is not counted
    for _ in range(case.rounds):
        ours.append(case.ours())
        if case.peer is not None:
            theirs.append(case.peer())
    median, good = statistics.median(ours), True
    print(f"{case.name}\n  ours   {spread(ours, case.unit)}", end="")
    if case.limit is not None:
        good = median <= case.limit
        print(f"   limit {amount(case.limit, case.unit)}: {'met' if good else 'MISSED'}", end="")
    print()
    if theirs:
        ratios = [peer / own for own, peer in zip(ours, theirs, strict=True)]
        middle = statistics.median(ratios)
        print(f"  peer   {spread(theirs, case.unit)}   {case.peer_name}")
        print(f"  ratio  {middle:.2f} times ({min(ratios):.2f} to {max(ratios):.2f})", end="")
        if case.ratio is not None:
            met = middle >= case.ratio
            good = good and met
            print(f"   goal {case.ratio:g}: {'met' if met else 'MISSED'}", end="")
        print()
    return good


def spread(costs: Iterable[float], unit: str) -> str:
    """The median, with the least and the greatest."""
    found = sorted(costs)
    return f"{amount(statistics.median(found), unit)} ({amount(found[0], unit)} to {amount(found[-1], unit)})"


def amount(cost: float, unit: str) -> str:
    """A cost as people read it."""
    if unit == "s" and cost < 1:
        return f"{cost * 1000:.2f} ms"
    return f"{cost:.2f} {unit}"


def main() -> int:
    """The status of the process."""
    results = [run(case) for case in cases(sys.argv[1:])]
    if not results:
        print("no case has such a name", file=sys.stderr)
        return 2
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
