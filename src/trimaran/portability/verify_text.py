"""What `verify` says of one file, for people. Pure."""

import textwrap
from collections.abc import Sequence
from itertools import groupby

from trimaran.binary import File, Outcome
from trimaran.errors import printable
from trimaran.portability.verify import Proof
from trimaran.portability.verify_agree import Agreement
from trimaran.portability.verify_report import tail
from trimaran.portability.verify_trace import Trace

_INDENT = " " * 11
_WORDS = {Outcome.RUNS: "runs", Outcome.FAILS: "fails", Outcome.UNKNOWN: "unknown"}
_SHOWN = 8


def text(file: File, proofs: Sequence[Proof], width: int) -> list[str]:
    """Lines of at most `width` columns where words allow it: groups of runs, then what is contradicted."""
    lines = [printable(file.path)]
    bad = [proof for proof in proofs if not proof.agree]
    order = {outcome: place for place, outcome in enumerate(Outcome)}
    groups: dict[tuple[object, ...], list[Proof]] = {}
    for proof in proofs:
        if proof.agree:
            groups.setdefault(_same(proof), []).append(proof)
    for group in sorted(groups.values(), key=lambda each: order[each[0].verdict.outcome]):
        lines += _group(group, proofs, width)
    for proof in bad:
        lines += ["", *_contradicted(proof, width)]
    lines += _traced(proofs, width)
    return [*lines, "", f"  {_total(proofs, bad)}"]


def _same(proof: Proof) -> tuple[object, ...]:
    return proof.verdict.outcome, proof.verdict.rule, proof.agreement, proof.seen.what


def _group(group: Sequence[Proof], all_of: Sequence[Proof], width: int) -> list[str]:
    first = group[0]
    lines = _wrap(", ".join(_places(group, all_of)), width, f"  {_WORDS[first.verdict.outcome]:<8} ")
    words = [str(first.verdict.rule), str(first.verdict.basis)]
    if first.agreement not in {Agreement.AGREES, Agreement.NOT_RUN}:
        words.append(str(first.agreement))
    lines += _wrap(f"{first.seen.what} [{', '.join(words)}]", width)
    if first.agreement in {Agreement.SETTLED, Agreement.NOT_REACHED, Agreement.NOT_RUN}:
        lines += _wrap(f"predicted {first.predicted.outcome}: {first.predicted.reason}", width)
    if first.verdict.outcome is not Outcome.RUNS:
        lines += _again(first)
    return lines


def _places(group: Sequence[Proof], all_of: Sequence[Proof]) -> list[str]:
    """Each root file system once; with the variant where the other one went another way."""
    asked = {proof.variant for proof in all_of}
    places = []
    for root, proofs in groupby(group, key=lambda proof: proof.root):
        variants = {proof.variant for proof in proofs}
        places.append(printable(root) if variants == asked else f"{printable(root)} ({', '.join(variants)})")
    return places


def _contradicted(proof: Proof, width: int) -> list[str]:
    lines = [f"  CONTRADICTED on {printable(proof.root)} ({proof.variant}):"]
    lines += _wrap(
        f"predicted {proof.predicted.outcome}: {proof.predicted.reason} [{proof.predicted.rule}]", width
    )
    rule = f" [{proof.seen.rule}]" if proof.seen.rule is not None else ""
    lines += _wrap(f"seen {proof.seen.outcome}: {proof.seen.what}{rule}", width)
    lines += [f"{_INDENT}| {line}" for line in tail(proof.output, 6)]
    return lines + _again(proof)


def _again(proof: Proof) -> list[str]:
    # A command is copied, so it stands on one line.
    return [f"{_INDENT}again: {printable(proof.command)}"]


def _traced(proofs: Sequence[Proof], width: int) -> list[str]:
    """What was asked for; runs that asked for the same stand together."""
    same: dict[Trace, list[Proof]] = {}
    for proof in proofs:
        if proof.trace is not None:
            same.setdefault(proof.trace, []).append(proof)
    lines = []
    for trace, group in same.items():
        lines += ["", *_wrap(", ".join(_places(group, proofs)), width, "  asked for on ", " " * 15)]
        for name, paths in _kinds(trace):
            more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
            lines += _wrap(", ".join(paths[:_SHOWN]) + more or "none", width, f"    {name:<14} ", " " * 19)
    return lines


def _kinds(trace: Trace) -> list[tuple[str, tuple[str, ...]]]:
    return [
        ("programs", trace.programs),
        ("libraries", trace.libraries),
        ("name services", trace.name_services),
        ("files", trace.files),
        ("not there", trace.missing),
    ]


def _total(proofs: Sequence[Proof], bad: Sequence[Proof]) -> str:
    runs = f"{len(proofs)} run{'s' if len(proofs) != 1 else ''}"
    if bad:
        return f"{len(bad)} of {runs} contradict{'s' if len(bad) == 1 else ''} the prediction"
    return f"{runs}; no prediction is contradicted"


def _wrap(words: str, width: int, first: str = _INDENT, indent: str = _INDENT) -> list[str]:
    return textwrap.wrap(
        printable(words), width, initial_indent=first, subsequent_indent=indent,
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip
