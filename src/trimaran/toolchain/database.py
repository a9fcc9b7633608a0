"""The checksum database: asking it for a record, and refusing to believe it without proof.

The address is that of the module proxy's mirror, `PROXY/sumdb/NAME`, or the database's own. Who answers does
not matter: the signature, the record's inclusion and the history are all checked here
(https://go.dev/ref/mod#checksum-database).
"""

import base64
import contextlib
import json
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path

from trimaran.errors import TrimaranError, fail, printable
from trimaran.toolchain import builds, disk, note, proxy, tlog
from trimaran.toolchain.goproxy import Source, database_address, escape
from trimaran.toolchain.network import Network
from trimaran.toolchain.note import Key, NoteError, Record, Tree
from trimaran.toolchain.proxyfaults import AbsentError, BusyError, shown
from trimaran.toolchain.tlog import ProofError, Tile

_ANSWER_LIMIT = 64 << 10
_LATEST_LIMIT = 64 << 10
_PARALLEL = 8


@dataclass(frozen=True, slots=True)
class Database:
    """Which database is believed: its name, and the key that its notes must be signed with."""

    name: str
    key: Key


@dataclass(frozen=True, slots=True)
class Proven:
    """What the database states about a module version, after all proofs.

    Args:
        module: its path; likewise `version`.
        h1: the hash over its content.
        record: the number of the record.
        tree_size: how many records the signed tree has; `root` is its hash in base64.
        at: when it was checked, seconds since 1970.
        by: the address that answered.
    """

    module: str
    version: str
    h1: str
    record: int
    tree_size: int
    root: str
    at: float
    by: str


def trusted() -> Database:
    """The database that Go trusts, from our data."""
    text = resources.files(__package__).joinpath("checksum_database.toml").read_text("utf-8")
    entry = tomllib.loads(text)
    return Database(entry["name"], Key.parse(entry["key"]))


def recall(database: Database, module: str, version: str, cache: Path) -> Proven | None:
    """What the database was proven to state before; None when it was not asked yet."""
    with contextlib.suppress(TypeError):
        return Proven(**disk.read_json(_kept(database, module, version, cache)))  # type: ignore[arg-type]  # as written by `look_up`, or a TypeError
    return None


def _kept(database: Database, module: str, version: str, cache: Path) -> Path:
    name = f"{escape(module).replace('/', '%')}@{escape(version)}.json"
    return cache / "sumdb" / database.name / "records" / name


def look_up(database: Database, module: str, version: str, network: Network, cache: Path) -> Proven:
    """What the database states about a module version, proven and put on record.

    Raises:
        TrimaranError: TRM0320 checking is switched off, 0321 not signed, 0322 not in the tree, 0323 the
            history was rewritten, 0333 the database does not know it, and what `proxy.get` raises.
    """
    proven = _ask(database, module, version, network, cache)
    builds.write(_kept(database, module, version, cache), json.dumps(asdict(proven), indent=1).encode())
    return proven


def _ask(database: Database, module: str, version: str, network: Network, cache: Path) -> Proven:
    last: TrimaranError | None = None
    for source in _sources(database, network):
        try:
            return _Log(database, source, network, cache).look_up(module, version)
        except AbsentError:
            what = f"the checksum database {database.name} does not know {module}@{version}"
            last = last or fail("TRM0333", what, "check the version; an unreleased Go cannot be proven")
        except BusyError as error:
            last = last or error
    raise last or fail("TRM0334", f"{database.name} cannot be reached", "check the network and GOPROXY")


def _sources(database: Database, network: Network) -> list[Source]:
    address = database_address(network.database, database.name)
    if address is None:
        what = "GOSUMDB is off, so a Go that is brought cannot be proven"
        raise fail("TRM0320", what, "unset GOSUMDB for this command, or install that Go yourself on the PATH")
    found = []
    for source in network.proxies.sources:
        mirror = Source(f"{source.url}/sumdb/{database.name}", source.yields)
        once = replace(network.patience, tries=1)
        try:
            proxy.get(mirror, "supported", _ANSWER_LIMIT, once)
        except (AbsentError, TrimaranError):
            continue
        found.append(mirror)
    return [*found, Source(address or f"https://{database.name}")]


@dataclass(frozen=True, slots=True)
class _Log:
    """One address of the database, for one look-up."""

    database: Database
    source: Source
    network: Network
    cache: Path

    def look_up(self, module: str, version: str) -> Proven:
        path = f"lookup/{escape(module)}@{escape(version)}"
        answer = proxy.get(self.source, path, _ANSWER_LIMIT, self.network.patience)
        try:
            record, signed = note.record_and_note(answer)
            tree = note.signed_tree(signed, self.database.key)
            h1 = note.content_hash(record, module, version)
        except NoteError as error:
            raise self._lie("TRM0321", f"a note that cannot be believed: {error}") from None
        try:
            tlog.check_number(tree, record.number)
            tiles = self._tiles(tlog.tiles_for_record(tree, record.number))
            tlog.check_record(tree, record.number, record.text, tiles)
        except ProofError as error:
            raise self._lie("TRM0322", f"a record without proof: {error}") from None
        self._check_history(tree, signed)
        return self._proven(module, version, h1, record, tree)

    def _proven(self, module: str, version: str, h1: str, record: Record, tree: Tree) -> Proven:
        root = base64.b64encode(tree.root).decode()
        by = shown(self.source.url)
        return Proven(module, version, h1, record.number, tree.size, root, time.time(), by)

    def _check_history(self, tree: Tree, signed: bytes) -> None:
        """Compare with the newest tree ever seen, and keep the newer of the two."""
        folder = self.cache / "sumdb" / self.database.name
        with disk.lock(folder / "lock", lambda _: None, ""):
            seen = self._seen(folder / "latest")
            if seen is not None:
                old, new = sorted((seen, tree), key=lambda each: each.size)
                try:
                    tlog.check_history(old, new, self._tiles(tlog.tiles_for_history(old, new)))
                except ProofError as error:
                    raise self._lie("TRM0323", f"a rewritten history: {error}") from None
            if seen is None or seen.size < tree.size:
                builds.write(folder / "latest", signed)

    def _seen(self, path: Path) -> Tree | None:
        try:
            with path.open("rb") as file:
                return note.signed_tree(file.read(_LATEST_LIMIT), self.database.key)
        except (OSError, NoteError):
            return None

    def _tiles(self, wanted: frozenset[Tile]) -> dict[Tile, bytes]:
        with ThreadPoolExecutor(_PARALLEL) as pool:
            return dict(zip(wanted, pool.map(self._tile, wanted), strict=True))

    def _tile(self, tile: Tile) -> bytes:
        """A tile's hashes; a partial tile may have been dropped once the whole one was there."""
        limit = tile.whole.width * tlog.HASH_SIZE
        try:
            return proxy.get(self.source, tile.path, limit, self.network.patience)
        except AbsentError:
            if tile == tile.whole:
                raise self._lie("TRM0322", f"no {tile.path}, without which nothing is proven") from None
        try:
            content = proxy.get(self.source, tile.whole.path, limit, self.network.patience)
        except AbsentError:
            raise self._lie("TRM0322", f"no {tile.path}, without which nothing is proven") from None
        return content[: tile.width * tlog.HASH_SIZE]

    def _lie(self, code: str, what: str) -> TrimaranError:
        lie = f"{shown(self.source.url)} gives {printable(what)}"
        return fail(code, lie, "do not use this proxy; nothing that it brought was run")
