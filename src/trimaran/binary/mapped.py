"""Refuses headers that no kernel can do: nothing else that they say matters then. Pure.

What Linux checks, and what it finds out when a program has already replaced the one that started it (it is
ended by a signal then): fs/binfmt_elf.c. Loaders find the program headers through PT_PHDR.
"""

from posixpath import basename

from trimaran.binary.elf import PF_EXEC, PT_DYNAMIC, PT_LOAD, BrokenFileError, Elf, Segment

_PT_PHDR, _PT_GNU_STACK = 6, 0x6474E551
# Of every machine that Linux runs on; what fits no such page fits no larger one.
_SMALLEST_PAGE = 4096
# x86_64 and aarch64 give programs 47 or 48 bits of addresses, unless these ask for more.
_MOST = {32: 1 << 32, 64: 1 << 56}
_X86_64 = 62
# How the names of glibc's and musl's loaders begin.
_LOADERS = ("ld-", "ld.so", "ld64.so")


def refuse(elf: Elf) -> None:
    """Raise BrokenFileError for segments that cannot be mapped as the headers say."""
    loaded = [segment for segment in elf.segments if segment.kind == PT_LOAD]
    if not loaded:
        raise BrokenFileError("has no segment to load")
    for segment in loaded:
        if segment.size > segment.memory:
            what = f"a segment of {segment.size} bytes has room for {segment.memory} in memory"
            raise BrokenFileError(what)
        if segment.size and (segment.address - segment.offset) % _SMALLEST_PAGE:
            what = f"byte {segment.offset:#x} is to be mapped at address {segment.address:#x}"
            raise BrokenFileError(f"{what}, which no page can do")
        if segment.address + segment.memory > _MOST[elf.bits]:
            reach = segment.address + segment.memory
            raise BrokenFileError(f"a segment reaches to address {reach:#x}, which no program has")


def refuse_start(elf: Elf, interpreter: str | None) -> None:
    """Raise BrokenFileError for a program that cannot take its first step.

    Args:
        interpreter: that it names; None when it starts by itself.
    """
    homes = _homes(elf, elf.entry)
    if not homes:
        raise BrokenFileError(f"starts at address {elf.entry:#x}, which is in no segment of the file")
    executed = any(segment.flags & PF_EXEC for segment in homes)
    if elf.machine == _X86_64 and not executed and not _may_execute_all(elf):
        raise BrokenFileError(f"starts at address {elf.entry:#x}, which is not to be executed")
    # Others than glibc's and musl's have ways of their own: those of klibc's programs need no such section.
    if interpreter is None or not basename(interpreter).startswith(_LOADERS):
        return
    if not any(segment.kind == PT_DYNAMIC for segment in elf.segments):
        raise BrokenFileError("names an interpreter, and has no dynamic section to tell it what to do")
    said = next((segment.address for segment in elf.segments if segment.kind == _PT_PHDR), None)
    if said is not None and (not _homes(elf, said) or elf.offset_of(said) != elf.table):
        raise BrokenFileError(f"its program headers are not at address {said:#x}, as they themselves say")


def _homes(elf: Elf, address: int) -> list[Segment]:
    return [
        segment
        for segment in elf.segments
        if segment.kind == PT_LOAD and segment.address <= address < segment.address + segment.memory
    ]


def _may_execute_all(elf: Elf) -> bool:
    # Before Linux 5.8, all that could be read could be executed where a program does not speak of its stack.
    stack = next((segment for segment in elf.segments if segment.kind == _PT_GNU_STACK), None)
    return stack is None or bool(stack.flags & PF_EXEC)
