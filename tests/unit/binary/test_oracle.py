"""Our reader and pyelftools, which shares no code with it, say the same of the programs of this machine."""

from pathlib import Path

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection
from elftools.elf.segments import InterpSegment

from trimaran.binary import File, inspect_file
from trimaran.errors import TrimaranError

MOST = 250
FOLDERS = ("/usr/bin", "/usr/sbin", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64")


def programs() -> list[Path]:
    found: dict[Path, None] = {}
    for folder in FOLDERS:
        ours = []
        for path in sorted(Path(folder).iterdir()) if Path(folder).is_dir() else ():
            real = path.resolve()
            if real.is_file() and real not in found:
                with real.open("rb") as file:
                    if file.read(4) == b"\x7fELF":
                        ours.append(real)
        # A share of each folder, spread over the alphabet.
        found |= dict.fromkeys(ours[:: max(1, len(ours) * len(FOLDERS) // (2 * MOST))])
    return list(found)[:MOST]


def oracle(path: Path) -> tuple[str | None, tuple[str, ...], set[tuple[str, str]]]:
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        interpreter: str | None = None
        needed: list[str] = []
        versions: set[tuple[str, str]] = set()
        for segment in elf.iter_segments():
            if isinstance(segment, InterpSegment):
                interpreter = segment.get_interp_name()
            if isinstance(segment, DynamicSegment):
                needed = [getattr(tag, "needed", "") for tag in segment.iter_tags("DT_NEEDED")]
        for section in elf.iter_sections():
            if isinstance(section, GNUVerNeedSection):
                for library, names in section.iter_versions():
                    versions |= {
                        (str(library.name), str(name.name)) for name in names if not name["vna_flags"] & 2
                    }
        return interpreter, tuple(needed), versions


def undefined(path: Path) -> set[str]:
    """What musl must find: names that are nowhere in it, and its own functions that are yet to be chosen."""
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        table = elf.get_section_by_name(".dynsym")
        symbols = list(table.iter_symbols()) if isinstance(table, SymbolTableSection) else []
        missing = {
            symbol.name
            for symbol in symbols
            if symbol["st_shndx"] == "SHN_UNDEF" and symbol["st_info"]["bind"] == "STB_GLOBAL" and symbol.name
        }
        referred = {
            each["r_info_sym"]
            for name in (".rela.dyn", ".rela.plt")
            if isinstance(relocations := elf.get_section_by_name(name), RelocationSection)
            for each in relocations.iter_relocations()
        }
        # pyelftools calls STT_GNU_IFUNC by its number's other name.
        return missing | {
            symbols[place].name
            for place in referred
            if symbols[place]["st_info"]["type"] == "STT_LOOS" and symbols[place]["st_shndx"] != "SHN_UNDEF"
        }


def test_every_program_reads_as_the_oracle_reads_it() -> None:
    compared, refused = 0, list[str]()
    for path in programs():
        try:
            file: File = inspect_file(path)
        except TrimaranError as error:
            refused.append(error.problems[0].code)
            continue
        ours = (file.interpreter, file.needed, {(need.library, need.version) for need in file.versions})
        assert ours == oracle(path), path
        compared += 1
    assert compared >= 100
    # Only object files, of which some folders have a few.
    assert set(refused) <= {"TRM0207"}


def test_every_library_asks_for_the_symbols_that_the_oracle_names() -> None:
    # Those with few: the oracle reads each symbol in 20 microseconds.
    libraries = [path for path in programs() if ".so" in path.name and path.stat().st_size < 1_000_000]
    compared, asked = 0, 0
    for path in libraries[:80]:
        found = inspect_file(path).undefined
        assert found is not None
        assert set(found) == undefined(path), path
        compared, asked = compared + 1, asked + len(found)
    assert compared >= 20
    assert asked > compared
