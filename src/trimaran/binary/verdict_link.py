"""The rules for what the dynamic loader asks: libraries, symbol versions, relocations, symbols. Pure."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from posixpath import basename

from trimaran.binary.model import File, Kind, Outcome, Rule, VersionNeed, glibc_number, number
from trimaran.binary.verdict_needs import Finding, Needs, libc_of, listed
from trimaran.facts.model import Distribution, Libc, Library

_FAILS, _UNKNOWN = Outcome.FAILS, Outcome.UNKNOWN
_DT_RELR_MARKER = "GLIBC_ABI_DT_RELR"
_PRIVATE = "GLIBC_PRIVATE"
# musl's loader takes these names, with any ending, for itself (ldso/dynlink.c, `reserved`).
_MUSL_ITSELF = frozenset({"libc", "libpthread", "librt", "libm", "libdl", "libutil", "libxnet"})


class _Loaded:
    """What the loader finds for a file, and what not: found → the library; missing → who needs it."""

    def __init__(self, file: File) -> None:
        self.found: dict[str, Library | None] = {}
        self.missing: dict[str, str] = {}
        self.files = [file]


def library(needs: Needs, distribution: Distribution) -> Finding | None:
    """Is each library there, and what that one needs?"""
    if needs.file.no_default_folders and distribution.libc is Libc.GLIBC:
        return _in_no_default_folder(needs)
    if _plainly_there(needs, distribution):
        return None
    file, loaded = needs.file, _load(needs, distribution)
    if not loaded.missing:
        return None
    measured = distribution.inventory is not None
    for name, by in loaded.missing.items():
        if _elsewhere_certainly(needs, distribution, name):
            reason = f"needs {name}, which belongs to {distribution.elsewhere[name]}"
            return Finding(_FAILS, Rule.LIBRARY, reason, str(distribution.libc))
        if measured and _not_there(needs, name):
            reason = f"needs {name}" if by == file.path else f"needs {by}, which needs {name}"
            return Finding(_FAILS, Rule.LIBRARY, reason, "no such library")
    names = listed(list(loaded.missing), 4)
    if measured:
        reason = f"needs {names}, and looks in folders where nobody looked"
    elif loaded.missing.keys() <= distribution.base:
        reason = f"needs {names}: its essential packages bring that, and a smaller image may lack it"
    else:
        reason = f"needs {names}, which the base system may lack"
    return Finding(_UNKNOWN, Rule.LIBRARY, reason)


def _in_no_default_folder(needs: Needs) -> Finding | None:
    """Of a file that was linked with `-z nodefaultlib`: its runpath alone leads to libraries."""
    file, place = needs.file, needs.conditions.place
    there = place.beside if place is not None else {}
    missing = [name for name in file.needed if name not in there]
    if not missing:
        return None
    outcome = _UNKNOWN if file.runpath and place is None else _FAILS
    reason = f"needs {listed(missing, 4)}, and lets the loader look in none of the system's folders"
    return Finding(outcome, Rule.LIBRARY, f"{reason} (-z nodefaultlib)")


def _plainly_there(needs: Needs, distribution: Distribution) -> bool:
    """Whether all needed libraries are known to be there, and nothing of what they need: most files."""
    return _is_alone(needs, distribution) and needs.needed <= _base_of(needs, distribution)


def _is_alone(needs: Needs, distribution: Distribution) -> bool:
    """Whether nothing is known of the libraries but their names."""
    return distribution.inventory is None and needs.conditions.place is None


def _base_of(needs: Needs, distribution: Distribution) -> frozenset[str]:
    return _base(distribution.libraries, distribution.interpreters.get(needs.file.machine, ""))


@lru_cache(maxsize=256)
def _base(libraries: frozenset[str], interpreter: str) -> frozenset[str]:
    return libraries | {basename(interpreter)}


def _elsewhere_certainly(needs: Needs, distribution: Distribution, name: str) -> bool:
    looked = needs.conditions.place is not None
    return name in distribution.elsewhere and (looked or not needs.file.runpath)


def _not_there(needs: Needs, name: str) -> bool:
    # A runpath or a path leads to folders that the measurement of a root does not cover.
    return needs.conditions.place is not None or not (needs.file.runpath or "/" in name)


def _load(needs: Needs, distribution: Distribution) -> _Loaded:
    """Follow the needed libraries, each once, in the loader's order."""
    file = needs.file
    loaded = _Loaded(file)
    if _is_alone(needs, distribution):
        base, is_musl = _base_of(needs, distribution), distribution.libc is Libc.MUSL
        for name in file.needed:
            if name in base or (is_musl and name.partition(".")[0] in _MUSL_ITSELF):
                loaded.found[name] = None
            else:
                loaded.missing[name] = file.path
        return loaded
    waiting = [(name, file.path) for name in file.needed]
    for name, by in waiting:
        if name in loaded.found or name in loaded.missing:
            continue
        beside = needs.conditions.place.beside.get(name) if needs.conditions.place is not None else None
        if beside is not None:
            loaded.found[name] = beside[1]
            loaded.files.append(beside[0])
            waiting += [(each, name) for each in beside[0].needed]
        elif _has(name, file.machine, distribution):
            known = (distribution.inventory or {}).get(name)
            loaded.found[name] = known
            waiting += [(each, name) for each in known.needed] if known is not None else []
        else:
            loaded.missing[name] = by
    return loaded


def _has(name: str, machine: str, distribution: Distribution) -> bool:
    interpreter = distribution.interpreters.get(machine, "")
    if name == interpreter[interpreter.rfind("/") + 1 :]:
        return True
    if distribution.libc is Libc.MUSL and name.partition(".")[0] in _MUSL_ITSELF:
        return True
    return name in (distribution.libraries if distribution.inventory is None else distribution.inventory)


def other_version(needs: Needs, distribution: Distribution) -> Finding | None:
    """Is nothing asked of a library of which only the name is known?"""
    if distribution.libc is not Libc.GLIBC or distribution.inventory is not None:
        return None
    for need in needs.other_versions:
        if _has(need.library, needs.file.machine, distribution):
            reason = f"no fact says whether {need.version} of {need.library} is there"
            return Finding(_UNKNOWN, Rule.SYMBOL_VERSION, reason)
    return None


def symbol_version(needs: Needs, distribution: Distribution) -> Finding | None:
    """Does each library define the versions that are asked of it?"""
    if distribution.libc is not Libc.GLIBC:
        return None
    if distribution.inventory is not None:
        return _measured_version(needs, distribution)
    file, here = needs.file, number(distribution.libc_version)
    if needs.glibc and here and needs.glibc > here:
        # A library beside the program may be its own libc.
        outcome = _UNKNOWN if file.runpath else _FAILS
        return Finding(outcome, Rule.SYMBOL_VERSION, f"needs GLIBC_{needs.floor}", libc_of(distribution))
    return None


def _measured_version(needs: Needs, distribution: Distribution) -> Finding | None:
    loaded = _load(needs, distribution)
    lacking = [need for file in loaded.files for need in file.versions if _lacks(loaded, need)]
    # The rule for packed relocations answers for its marker.
    lacking = [need for need in lacking if need.version != _DT_RELR_MARKER]
    if lacking:
        worst = max(lacking, key=lambda need: glibc_number(need.version) or ())
        ours = glibc_number(worst.version) is not None
        reason = f"needs {worst.version}" if ours else f"needs {worst.version} of {worst.library}"
        there = libc_of(distribution) if ours else "an other release of it"
        return Finding(_FAILS, Rule.SYMBOL_VERSION, reason, there)
    if any(need.version == _PRIVATE for need in needs.file.versions):
        reason = "uses private symbols of glibc (GLIBC_PRIVATE), which only its own release has for certain"
        return Finding(_UNKNOWN, Rule.SYMBOL_VERSION, reason, libc_of(distribution))
    return None


def _lacks(loaded: _Loaded, need: VersionNeed) -> bool:
    there = loaded.found.get(need.library)
    # For a library without any version the loader only warns.
    return there is not None and bool(there.versions) and need.version not in there.versions


def relocation(needs: Needs, distribution: Distribution) -> Finding | None:
    """Does the loader know the forms of relocations in the file?"""
    file = needs.file
    if file.interpreter is None and file.kind is not Kind.LIBRARY:
        return None
    return _chosen(needs, distribution) or next(
        (
            found
            for each in _own_files(needs, distribution)
            if each.relr and (found := _packed(each, file, distribution)) is not None
        ),
        None,
    )


def _own_files(needs: Needs, distribution: Distribution) -> list[File]:
    """The file, and the libraries that stand beside it."""
    return [needs.file] if _is_alone(needs, distribution) else _load(needs, distribution).files


def _chosen(needs: Needs, distribution: Distribution) -> Finding | None:
    """Does the loader let the file choose among its functions (IRELATIVE)?"""
    # musl has no such relocation: "unsupported relocation type 37" (measured with 1.2.5).
    if distribution.libc is not Libc.MUSL:
        return None
    file = needs.file
    by = next((each for each in _own_files(needs, distribution) if each.ifunc), None)
    if by is None:
        return None
    reason = "has functions that it chooses while it is loaded (IRELATIVE), which musl does not do"
    if by is not file:
        reason = f"needs {basename(by.path)}, which {reason}"
    return Finding(_FAILS, Rule.RELOCATION, reason, libc_of(distribution))


def _packed(by: File, file: File, distribution: Distribution) -> Finding | None:
    """What becomes of packed relocations in `by`, which is `file` or a library beside it."""
    here, since, lacking = (
        number(version or "")
        for version in (distribution.libc_version, distribution.relr_since, distribution.relr_lacking)
    )
    whose = "" if by is file else f"needs {basename(by.path)}, which "
    if here and since and here >= since:
        # Linkers other than GNU's leave the mark out; glibc refuses such a file if it asks libc for versions.
        if distribution.libc is not Libc.GLIBC or _marked(by) or not _asks_libc(by):
            return None
        reason = f"{whose}has packed relocations (DT_RELR) and does not ask for {_DT_RELR_MARKER}"
        return Finding(
            _FAILS, Rule.RELOCATION, f"{reason}, without which glibc refuses them", libc_of(distribution)
        )
    # Without the marker nobody refuses; what then goes wrong depends on what the pointers are used for.
    said = bool(by.needed) and (by.kind is not Kind.LIBRARY or _marked(by))
    outcome = _FAILS if said and here and lacking and here <= lacking else _UNKNOWN
    reason = (
        f"{whose}has packed relocations (DT_RELR), which {distribution.libc} reads since "
        f"{distribution.relr_since}"
    )
    return Finding(outcome, Rule.RELOCATION, reason, libc_of(distribution))


def _asks_libc(file: File) -> bool:
    return any(need.library.startswith("libc.so") for need in file.versions)


def _marked(file: File) -> bool:
    return any(need.version == _DT_RELR_MARKER for need in file.versions)


def asks_symbols(machine: str, needed: Iterable[str], distribution: Distribution) -> bool:
    """Whether `symbol` decides anything for a file that needs these libraries."""
    return distribution.libc is Libc.MUSL and (
        distribution.inventory is not None or all(_has(name, machine, distribution) for name in needed)
    )


def symbol(needs: Needs, distribution: Distribution) -> Finding | None:
    """Does a library bring each symbol? Asked where versions do not tell: with musl."""
    file = needs.file
    is_loaded = file.interpreter is not None or file.kind is Kind.LIBRARY
    if distribution.libc is not Libc.MUSL or not is_loaded or not (file.needed or file.undefined):
        return None
    if file.undefined is None or distribution.symbols is None:
        return Finding(_UNKNOWN, Rule.SYMBOL, "cannot tell which symbols are missing", libc_of(distribution))
    if file.machine != "x86_64":
        return Finding(
            _UNKNOWN, Rule.SYMBOL, "what musl exports is only known for x86_64", libc_of(distribution)
        )
    if file.kind is Kind.LIBRARY and not file.needed:
        # musl's loader shows itself to those alone that ask for libc; who loads a library most likely did.
        names = listed(sorted(needs.undefined), 3)
        reason = f"asks for no library, so the program that loads it must bring {names}"
        return Finding(_UNKNOWN, Rule.SYMBOL, reason)
    missing = needs.undefined - distribution.symbols
    if not missing and _is_alone(needs, distribution):
        # Nothing is known of what other libraries need, so there is no need to follow them.
        return None
    loaded = _load(needs, distribution)
    if not _is_alone(needs, distribution):
        known = distribution.symbols.union(*_exports(loaded))
        missing = frozenset(name for each in loaded.files for name in each.undefined or ()) - known
    return _missing_symbol(needs, distribution, loaded, sorted(missing)) if missing else None


def _missing_symbol(needs: Needs, distribution: Distribution, loaded: _Loaded, missing: list[str]) -> Finding:
    perhaps = distribution.perhaps
    certain = [name for name in missing if perhaps is not None and name not in perhaps]
    if not certain:
        reason = f"no fact says whether {listed(missing, 3)} is there"
        return Finding(_UNKNOWN, Rule.SYMBOL, reason, libc_of(distribution))
    file, names = needs.file, listed(certain, 3)
    others = [
        name
        for name in (*file.needed, *loaded.missing)
        if name.partition(".")[0] not in _MUSL_ITSELF and not _tells(loaded, name)
    ]
    if others or (file.runpath and needs.conditions.place is None):
        reason = f"no fact says whether {others[0] if others else 'its own folder'} brings {names}"
        return Finding(_UNKNOWN, Rule.SYMBOL, reason)
    if file.kind is Kind.LIBRARY:
        reason = f"needs {names}, which the program that loads it must bring"
        return Finding(_UNKNOWN, Rule.SYMBOL, reason, f"not in {libc_of(distribution)}")
    return Finding(_FAILS, Rule.SYMBOL, f"needs {names}", f"not in {libc_of(distribution)}")


def _exports(loaded: _Loaded) -> Iterator[frozenset[str]]:
    return (each.exports for each in loaded.found.values() if each is not None and each.exports is not None)


def _tells(loaded: _Loaded, name: str) -> bool:
    there = loaded.found.get(name)
    return there is not None and there.exports is not None
