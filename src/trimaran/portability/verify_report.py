"""What `verify` says, as documents. Pure.

The form of the answer is `verify.schema.json` beside this file; a change that could break a reader gets a new
version in `SCHEMA`. A report is what a user can send about a prediction that a run contradicts: it has no
argument, no variable and no name of this machine or its user in it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from trimaran.binary import File, Outcome, Verdict
from trimaran.errors import Exit, Problem, printable
from trimaran.portability.verify import Proof
from trimaran.portability.verify_agree import Agreement
from trimaran.rootfs import Root

SCHEMA = "trimaran.dev/verify/v1"
REPORT = "trimaran.dev/verify-report/v1"
_TAIL = 40
_COLUMNS = 400
# Only these settings of a build say something about how it starts.
_SETTINGS = frozenset(
    {"CGO_ENABLED", "GOARCH", "GOOS", "GOAMD64", "GOARM", "GO386", "-buildmode", "-compiler"}
)
_SECRET = re.compile(r"(?i)((?:pass(?:word|wd)?|token|secret|api[_-]?key|authorization)\W{1,3})\S+")
_LOGIN = re.compile(r"://[^/\s@]+@")
_HOMES = re.compile(r"/(?:home|Users)/[^/\s:'\"]+|/root\b")


def document(files: Iterable[tuple[File, Sequence[Proof]]], problems: Iterable[Problem]) -> dict[str, Any]:
    """The whole answer."""
    return {
        "schema": SCHEMA,
        "files": [file_document(file, proofs) for file, proofs in files],
        "problems": [problem_document(problem) for problem in problems],
    }


def file_document(file: File, proofs: Sequence[Proof]) -> dict[str, Any]:
    """What is said of one file."""
    return {
        "path": printable(file.path),
        "machine": file.machine,
        "kind": str(file.kind),
        "runs": [_run(proof) for proof in proofs],
    }


def problem_document(problem: Problem) -> dict[str, Any]:
    """A file, or a run of it, that could not be tried."""
    place = printable(problem.where.file) if problem.where is not None else None
    return {
        "path": place,
        "code": problem.code,
        "what": printable(problem.what),
        "fix": printable(problem.fix),
    }


def _run(proof: Proof) -> dict[str, Any]:
    seen = proof.seen
    return {
        "root": proof.root,
        "distribution": proof.predicted.distribution,
        "variant": str(proof.variant),
        "predicted": _verdict(proof.predicted),
        "seen": {
            "outcome": str(seen.outcome),
            "rule": str(seen.rule) if seen.rule is not None else None,
            "what": printable(seen.what),
            "loaded": seen.loaded,
        },
        "agreement": str(proof.agreement),
        "verdict": _verdict(proof.verdict) | {"basis": str(proof.verdict.basis)},
        "status": proof.status,
        "signal": proof.signal,
        "seconds": round(proof.seconds, 3),
        "output": tail(proof.output),
        "command": printable(proof.command),
        "trace": asdict(proof.trace) if proof.trace is not None else None,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "outcome": str(verdict.outcome),
        "rule": str(verdict.rule),
        "reason": printable(verdict.reason),
    }


def tail(output: str, lines: int = _TAIL) -> list[str]:
    """The last lines of what a program printed, each of bounded length."""
    return [
        printable(line.expandtabs(4))[:_COLUMNS] for line in output.rstrip("\n").split("\n")[-lines:] if line
    ]


def status(proofs: Iterable[Proof]) -> Exit:
    """FINDINGS when a prediction is contradicted, or the file does not run where it was asked for."""
    good = all(proof.agree and _runs(proof) for proof in proofs)
    return Exit.CLEAN if good else Exit.FINDINGS


def _runs(proof: Proof) -> bool:
    seen = proof.seen.outcome
    outcome = proof.predicted.outcome if proof.agreement is Agreement.NOT_RUN else seen
    return outcome is Outcome.RUNS


def report(
    contradictions: Iterable[tuple[Proof, Root, str]],
    versions: Mapping[str, str],
    hidden: Iterable[str],
) -> dict[str, Any]:
    """What to send about predictions that runs contradict.

    Args:
        contradictions: each with its root file system and the file's digest.
        versions: of Trimaran and of what took part, by name.
        hidden: texts that must not be in it: arguments, values of variables, names of users and machines.
    """
    words = sorted({word for word in hidden if len(word) > 2}, key=len, reverse=True)
    return {
        "schema": REPORT,
        "versions": dict(versions),
        "contradictions": [_sent(proof, root, digest, words) for proof, root, digest in contradictions],
    }


def _sent(proof: Proof, root: Root, digest: str, hidden: Sequence[str]) -> dict[str, Any]:
    fact = root.distribution
    return {
        "file": _headers(proof.file) | {"digest": digest},
        "root": {
            "distribution": fact.id, "libc": str(fact.libc), "libc_version": fact.libc_version,
            "machine": root.machine, "digest": root.digest, "system": root.contents.system,
            "name_services": dict(root.contents.name_services),
        },
        "variant": str(proof.variant),
        "predicted": _cleaned(_verdict(proof.predicted), hidden),
        "seen": _cleaned(
            {"outcome": str(proof.seen.outcome), "rule": str(proof.seen.rule or ""), "what": proof.seen.what},
            hidden,
        ),
        "status": proof.status,
        "signal": proof.signal,
        "output": [cleaned(line, hidden) for line in tail(proof.output)],
    }  # fmt: skip


def _headers(file: File) -> dict[str, Any]:
    go = file.go
    settings = dict(go.settings) if go is not None else {}
    return {
        "format": file.format, "machine": file.machine, "kind": str(file.kind), "size_bytes": file.size_bytes,
        "interpreter": file.interpreter, "needed": list(file.needed), "runpath": len(file.runpath),
        "versions": sorted({f"{need.library} {need.version}" for need in file.versions}),
        "relr": file.relr, "glibc_floor": file.glibc_floor, "isa": file.isa, "abi_kernel": file.abi_kernel,
        "name_services": file.name_services, "go": go.version if go is not None else None,
        "settings": {name: value for name, value in settings.items() if name in _SETTINGS},
        "undefined": list(file.undefined[:2000]) if file.undefined is not None else None,
    }  # fmt: skip


def _cleaned(fields: Mapping[str, str], hidden: Sequence[str]) -> dict[str, str]:
    return {name: cleaned(value, hidden) for name, value in fields.items()}


def cleaned(text: str, hidden: Sequence[str]) -> str:
    """Without what the user may not want to send: logins, secrets by name, homes, and what is given."""
    for word in hidden:
        text = text.replace(word, "…")
    return printable(_HOMES.sub("~", _LOGIN.sub("://…@", _SECRET.sub(r"\1…", text))))
