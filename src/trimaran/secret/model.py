"""Secrets and references to them. Pure."""

import hmac
from dataclasses import dataclass
from typing import NoReturn, Self, SupportsIndex


@dataclass(frozen=True, slots=True, order=True)
class SecretRef:
    """Where a secret's value is to be had; safe to store and to show.

    Args:
        source: `env`, `file`, `vault`: who is asked.
        path: in the source's own words: a variable's name, a file's path, a path in a vault.
        key: which of several values there; empty when there is one.
    """

    source: str
    path: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.source}:{self.path}" + (f"#{self.key}" if self.key else "")


class Secret:
    """A value that does not print, format, copy out, serialise or hash; `reveal` is the only way to it."""

    __slots__ = ("__value", "name")

    def __init__(self, name: str, value: str) -> None:
        """Take a value into keeping.

        Args:
            name: what may be shown in its place, as `DB_PASSWORD`.
        """
        self.name = name
        self.__value = value

    def reveal(self) -> str:
        """The value, for the one place that must have it. Never store or log what this returns."""
        return self.__value

    def __repr__(self) -> str:
        return f"[secret {self.name}]"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # In a time that does not tell how much of it is equal.
        return hmac.compare_digest(self.__value.encode(), other.reveal().encode())

    # A hash could be compared with the hashes of guesses.
    __hash__ = None  # type: ignore[assignment]  # the documented way to forbid hashing

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(f"{self!r} cannot be serialised")
