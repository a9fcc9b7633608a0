"""The declared objectives, read once, with the place of each that cannot be. Pure."""

from trimaran.errors import Problem, TrimaranError
from trimaran.slo import named
from trimaran.slo.objective import Objective
from trimaran.spec.gate import Document
from trimaran.spec.service import Service


def objectives(service: Service, document: Document) -> tuple[Objective, ...]:
    """What the service promises. Raises TrimaranError with every objective that cannot be read."""
    found: list[Objective] = []
    problems: list[Problem] = []
    for name, declared in service.spec.objectives.items():
        fields = {key: getattr(declared, key) for key in type(declared).model_fields}
        try:
            found += named.objectives(name, fields)
        except ValueError as error:
            where = document.where(("spec", "objectives", name, str(error).partition(":")[0]))
            fix = "counters are chosen by name and labels; they are summed for you"
            problems.append(Problem("TRM0705", f"{name}: {error}", fix, where))
    if problems:
        raise TrimaranError(*problems)
    return tuple(found)


def explanations(service: Service) -> tuple[str, ...]:
    """What names that stand for several objectives mean, one line each."""
    expansions = (named.expand(name) for name in service.spec.objectives)
    return tuple(each.explanation for each in expansions if each is not None)
