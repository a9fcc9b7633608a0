"""Finds who brings each symbol of a program. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from trimaran.portability.blame_elf import Asked, Dynamic, Object
from trimaran.portability.blame_model import Attribution, Contribution, Owner, Part, Share


def attribute(dynamic: Dynamic, contributions: Iterable[Contribution]) -> tuple[Attribution, ...]:
    """Every versioned symbol with all its owners: the newest version first, then by name.

    A pragma counts where no C code of the same package asks for the symbol.
    """
    users: dict[str, list[Contribution]] = {}
    for contribution in contributions:
        for name in contribution.undefined:
            users.setdefault(name, []).append(contribution)
    found = [_attribution(asked, users.get(asked.name, ())) for asked in dynamic.asked if asked.version]
    # No symbol has these: the linker itself asks for them.
    linker = (Share(Owner(Part.LINKER)),)
    found += [
        Attribution("", version, library, weak=False, shares=linker) for library, version in dynamic.unused
    ]
    return tuple(sorted(found, key=_newest_first))


def by_elimination(found: Iterable[Attribution]) -> tuple[Attribution, ...]:
    """The same, where what no package asks for is the C compiler's own: all else that it linked."""
    own = (Share(Owner(Part.STARTUP), assumed=True),)
    return tuple(each if each.shares else replace(each, shares=own) for each in found)


def _attribution(asked: Asked, users: Sequence[Contribution]) -> Attribution:
    shares: dict[Owner, Share] = {}
    for user in sorted(users, key=lambda user: (user.directive, user.owner, user.source)):
        weak, known = user.undefined[asked.name], shares.get(user.owner)
        if known is None:
            sources: tuple[str, ...] = (user.source,) if user.source else ()
            shares[user.owner] = Share(user.owner, sources, weak, user.directive)
        elif not user.directive:
            sources = tuple(dict.fromkeys((*known.sources, *filter(None, [user.source]))))
            shares[user.owner] = Share(user.owner, sources, known.weak and weak)
    return Attribution(asked.name, asked.version, asked.library, asked.weak, tuple(shares.values()))


def _newest_first(found: Attribution) -> tuple[bool, tuple[int, ...], str, str, str]:
    number = found.glibc
    return number is None, tuple(-part for part in number or ()), found.library, found.version, found.name


def pulled(asked: Iterable[str], archive: Sequence[Object]) -> tuple[Object, ...]:
    """The files of a static library that a linker takes: those that define what is missing so far."""
    definers: dict[str, int] = {}
    for index, each in enumerate(archive):
        for name in each.defined:
            definers.setdefault(name, index)
    taken: dict[int, Object] = {}
    waiting = list(asked)
    while waiting:
        place = definers.get(waiting.pop(), -1)
        if place >= 0 and place not in taken:
            taken[place] = archive[place]
            waiting += archive[place].undefined
    return tuple(taken[place] for place in sorted(taken))
