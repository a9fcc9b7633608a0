"""Which Go toolchains there are: at hand and to be had. What the `go` commands show."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from trimaran.errors import fail, printable
from trimaran.toolchain import disk, install, locate, prove
from trimaran.toolchain.choose import subject
from trimaran.toolchain.gocommand import Go
from trimaran.toolchain.model import Origin
from trimaran.toolchain.prove import Court, Proof, Subject
from trimaran.toolchain.versions import GoVersion, Stage, Toolchain, newest, newest_of_each_minor, satisfies


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list.

    Args:
        version: which Go.
        go: where it is; None when it is only to be had from the proxy.
        proven: whether a proof is on record; what is on the PATH needs none.
    """

    version: GoVersion
    go: Go | None
    proven: bool = False


def at_hand(cache: Path) -> tuple[Entry, ...]:
    """Every Go on this machine, in the order in which builds would take them."""
    return tuple(Entry(go.version, go, _on_record(go, cache)) for go in locate.candidates(cache))


def _on_record(go: Go, cache: Path) -> bool:
    return go.origin is not Origin.PATH and prove.stands(subject(go), cache)


def to_be_had(where: Court, everything: bool) -> tuple[Entry, ...]:
    """What the proxy has for this machine, newest first: the newest of each minor version, or all."""
    offered = install.available(where.network())
    chosen: Iterable[GoVersion] = reversed(offered) if everything else newest_of_each_minor(offered)
    return tuple(Entry(version, None) for version in chosen)


def bring(wanted: str, where: Court) -> tuple[Go, bool]:
    """Install a version, `1.26` for its newest release; also whether it was there already."""
    wish = parse(wanted)
    version = wish
    if wish.stage is Stage.LANGUAGE:
        found = newest(install.available(where.network()), wish)
        if found is None:
            raise fail("TRM0302", f"the proxy has no Go {wish}", "`trimaran go list --all` shows what it has")
        version = found
    known = any(go.version == version for go in locate.in_cache(where.cache))
    with disk.explained(where.cache):
        return install.install(version, where), known


def parse(text: str) -> GoVersion:
    """A version as the user gave it. Raises TRM0301."""
    try:
        return GoVersion.parse(text)
    except ValueError as error:
        raise fail("TRM0301", printable(str(error)), "write 1.26 for its newest release, or 1.26.8") from None


def find(wanted: str, cache: Path) -> Go:
    """The first Go at hand of that version. Raises TRM0331 when there is none."""
    wish = parse(wanted)
    for go in locate.candidates(cache):
        if satisfies(go.version, wish):
            return go
    raise fail("TRM0331", f"there is no Go {wish} on this machine", f"bring it: `trimaran go install {wish}`")


def proven_path(wanted: str, where: Court) -> Go:
    """As `find`, and proven unless it is on the PATH."""
    go = find(wanted, where.cache)
    if go.origin is not Origin.PATH:
        with disk.explained(where.cache):
            prove.ensure(subject(go), where)
    return go


def subjects(wanted: str | None, cache: Path) -> tuple[Subject, ...]:
    """What to verify: everything at hand, one version, or a tree by its path.

    Raises TRM0331 when there is nothing of that kind.
    """
    if wanted is None:
        found = tuple(subject(entry.go) for entry in at_hand(cache) if entry.go)
        if not found:
            fix = "bring one: `trimaran go install 1.26`, or install trimaran[go]"
            raise fail("TRM0331", "there is no Go on this machine", fix)
        return found
    if "/" not in wanted and not Path(wanted).is_dir():
        return (subject(find(wanted, cache)),)
    return (_tree(Path(wanted)),)


def _tree(path: Path) -> Subject:
    root = path.resolve()
    if root.is_file() and root.parent.name == "bin":
        root = root.parents[1]
    go = locate.of_tree(root, Origin.PATH)
    if go is None:
        fix = "name the folder that holds bin/go and VERSION"
        raise fail("TRM0331", f"{printable(str(path))} is no Go tree of a released version", fix)
    wheel = locate.in_wheel()
    if wheel is not None and wheel.root == root:
        return subject(wheel)
    return Subject(root, Toolchain(go.version, *_made_for(root)))


def _made_for(root: Path) -> tuple[str, str]:
    """GOOS and GOARCH of a tree, by its tools; this machine's when it has none."""
    try:
        names = [entry.name for entry in (root / "pkg" / "tool").iterdir() if "_" in entry.name]
    except OSError:
        names = []
    if len(names) != 1:
        return install.this_machine()
    system, _, arch = names[0].partition("_")
    return system, arch


def verify(subjects_: Iterable[Subject], where: Court) -> Iterable[tuple[Subject, Proof]]:
    """Prove each from the start, whatever is on record."""
    for each in subjects_:
        where.progress(f"verifying Go {each.toolchain.version} in {printable(str(each.root))}")
        with disk.explained(where.cache):
            proof = prove.prove(each, where, afresh=True)
        yield each, proof
