"""`trimaran audit why`: how an object came to be as it is, and whether the record of that can be trusted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from trimaran.action import Json, ObjectRef, digest
from trimaran.deliver.naming import meant
from trimaran.errors import Exit, printable
from trimaran.ledger import (
    SUCCESSES,
    HeadFile,
    Ledger,
    OutcomeState,
    Revision,
    Step,
    Verification,
    open_existing,
    verify,
)

_LABELS = {"declaration": "declared", "rendering": "rendered"}
_WELL = SUCCESSES | {OutcomeState.UNDONE}


@dataclass(frozen=True, slots=True)
class Why:
    """How an object came to be as it is.

    Args:
        step: the last action that succeeded; the last one of all when none did.
        later: actions since that did not succeed, newest first.
        revision: the run of the step; None for one of before runs were counted.
        origin: the run that rendered what the step put there; another one than `revision` when that put back.
        first: the sequence of the step's first record in the audit; 0 when it is not there.
        last: the sequence of its last record.
        chain: what verifying the whole chain said.
    """

    ref: ObjectRef
    step: Step
    later: tuple[Step, ...]
    revision: Revision | None
    origin: Revision | None
    first: int
    last: int
    chain: Verification

    @property
    def is_proven(self) -> bool:
        """Whether the chain is intact up to the step's last record, and has it."""
        broken = self.chain.fault is not None and self.chain.sequence <= self.last
        return bool(self.first) and not broken


def why(words: str, path: Path) -> Why:
    """The last that was done to the object that `words` name. Raises TRM0773 or TRM0774 unless it is one."""
    with open_existing(path) as ledger:
        head = HeadFile(path).read()
        ref = meant(words, ledger.objects())
        found = ledger.steps_about(ref)
        good = next((at for at, step in enumerate(found) if step.outcome and step.outcome.state in _WELL), 0)
        step = found[good]
        revision = _run(step, ledger)
        origin = revision and _origin(found[good:], ledger)
        records = [record.sequence for record in ledger.records_about(step.intent.action.key)]
        chain = verify(ledger.records(), head)
    first, last = min(records, default=0), max(records, default=0)
    return Why(ref, step, found[:good], revision, origin, first, last, chain)


def _run(step: Step, ledger: Ledger) -> Revision | None:
    return None if step.intent.revision is None else ledger.revision(step.intent.revision)


def _origin(found: Sequence[Step], ledger: Ledger) -> Revision | None:
    """The newest run that says what was declared, and put there what stands there now."""
    payload = dict(found[0].intent.action.payload)
    for step in found:
        run = _run(step, ledger)
        if run is None or "back_to" in run.body or "declarations" not in run.body:
            continue
        if dict(step.intent.action.payload) == payload:
            return run
    return None


def report(found: Why) -> dict[str, Any]:
    """The answer for programs."""
    intent, outcome, ref = found.step.intent, found.step.outcome, found.ref
    said = found.revision.body if found.revision else {}
    body = found.origin.body if found.origin else said
    return {
        "schema": "trimaran.dev/audit-why/v1",
        "object": {"target": ref.target, "kind": ref.kind, "scope": ref.scope, "name": ref.name},
        "verb": intent.action.verb,
        "state": outcome.state if outcome else "open",
        "cause": intent.action.cause,
        "at": (outcome.at if outcome else intent.begun_at).isoformat(timespec="milliseconds"),
        "revision": found.revision and found.revision.number,
        "event": found.revision and found.revision.event,
        "actor": found.revision and found.revision.actor,
        "origin": found.origin and found.origin.number,
        "commit": body.get("commit") or None,
        "dirty": bool(body.get("dirty")),
        "decision": said.get("decision"),
        "waiver": said.get("waiver"),
        "service": service(found, body),
        "digests": digests(found, body),
        "records": {"first": found.first, "last": found.last},
        "proven": found.is_proven,
        "chain": {
            "intact": found.chain.intact,
            "records": found.chain.count,
            "fault": found.chain.fault,
            "sequence": found.chain.sequence,
        },
        "later": [
            {"verb": step.intent.action.verb, "state": step.outcome.state if step.outcome else "open"}
            for step in found.later
        ],
    }


def digests(found: Why, body: Mapping[str, Json]) -> dict[str, str | None]:
    """The digests of what was declared and rendered, and of the object before and after."""
    intent = found.step.intent
    declared, rendered = body.get("declarations") or {}, body.get("renderings") or {}
    deleted = intent.action.verb == "delete"
    return {
        "declaration": declared.get(service(found, body)),
        "rendering": rendered.get(found.ref.target),
        "before": "absent" if intent.before is None else digest(dict(intent.before)),
        "after": "absent" if deleted else digest(dict(intent.action.payload)),
    }


def service(found: Why, body: Mapping[str, Json]) -> str:
    """The service of which the run says a digest: the one that the object's name begins with."""
    names = [str(name) for name in body.get("declarations") or body.get("services") or ()]
    document = found.step.intent.action.payload
    name = str(document.get("service") or found.ref.name)
    fits = [each for each in names if name == each or name.startswith(f"{each}-")]
    return max(fits, key=len, default=names[0] if len(names) == 1 else "")


def show(found: Why) -> None:
    """Print the answer in 80 columns."""
    told = report(found)
    click.echo(click.style(printable(str(found.ref)), bold=True))
    _say("last", f"{told['verb']} {told['state']}, {told['at'][:19].replace('T', ' ')}: {told['cause']}")
    for step in found.later:
        state = step.outcome.state if step.outcome else "open"
        _say("since", f"{step.intent.action.verb} {state}: {step.intent.action.cause}")
    if found.revision is None:
        _say("revision", "none: it was done before revisions were counted")
    else:
        _say("revision", f"{told['revision']}, {told['event']} by {told['actor']}")
        if found.origin and told["origin"] != told["revision"]:
            _say("origin", f"{told['origin']}, {found.origin.event} by {found.origin.actor}")
        dirty = ", with changes that are in no commit" if told["dirty"] else ""
        _say("commit", f"{told['commit'] or 'none: not in a checkout'}{dirty}")
        _say("decision", told["decision"] or "none")
        _say("waiver", json.dumps(told["waiver"]) if told["waiver"] else "none")
    for name, value in told["digests"].items():
        _say(_LABELS.get(name, name), value or "none")
    _say("records", f"{found.first} to {found.last} of {found.chain.count}, {_proof(found)}")


def _proof(found: Why) -> str:
    if not found.first:
        return click.style("not in the chain", fg="red")
    if found.is_proven and found.chain.intact:
        return click.style("intact", fg="green")
    if found.is_proven:
        return click.style(f"intact so far; {found.chain.fault} at {found.chain.sequence}", fg="yellow")
    place = f" at {found.chain.sequence}" if found.chain.sequence else ""
    return click.style(f"not proven: the chain is {found.chain.fault}{place}", fg="red")


def _say(label: str, text: str) -> None:
    clean = text if "\x1b" in text else printable(text)
    click.echo(f"{label:<9}{clean}")


@click.command("why")
@click.argument("words", nargs=-1, required=True, metavar="OBJECT")
@click.option(
    "--ledger",
    "path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The ledger; by default that of this user.",
)
@click.option("-o", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
def command(words: tuple[str, ...], path: Path | None, form: str) -> int:
    """Say how an object came to be as it is: commit, actor, decision, digests, and their proof.

    OBJECT is a name as `drift` and `audit list` print it, or any part that names no other:
    `kubernetes Deployment/web/podinfo`, `Deployment/podinfo`, `podinfo`.

    Exit status: 0 the record is proven, 1 the chain is broken before it or lacks it, 2 no such object.
    """
    from trimaran.cli import paths

    found = why(" ".join(words), paths.state() / "ledger.db" if path is None else path)
    if form == "json":
        click.echo(json.dumps(report(found), indent=2, ensure_ascii=False))
    else:
        show(found)
    return Exit.CLEAN if found.is_proven else Exit.FINDINGS
