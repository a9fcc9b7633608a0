"""The GOPROXY and GOSUMDB settings, and the addresses of the module proxy protocol. Pure.

https://go.dev/ref/mod#goproxy-protocol
"""

import re
from dataclasses import dataclass

TOOLCHAIN = "golang.org/toolchain"


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of GOPROXY.

    Args:
        url: without a slash at the end; may hold a name and password.
        yields: True when the next entry is asked after any fault (`|`), False when only after an answer
            that it is not there (`,`).
    """

    url: str
    yields: bool = False


@dataclass(frozen=True, slots=True)
class Proxies:
    """GOPROXY as far as we use it.

    Args:
        sources: in the order to ask.
        passed_over: `direct` or `off`, where the list ended for us; empty when it did not.
    """

    sources: tuple[Source, ...]
    passed_over: str = ""


def parse_goproxy(text: str) -> Proxies:
    """From the setting. What is no http, https or file address raises ValueError."""
    sources: list[Source] = []
    for entry, separator in re.findall(r"([^,|]+)([,|]?)", text):
        url = entry.strip().rstrip("/")
        if not url:
            continue
        if url in {"direct", "off"}:
            # Toolchains come from proxies only, and after `off` nothing may be asked.
            return Proxies(tuple(sources), url)
        if not re.match(r"(?:https?|file)://", url):
            raise ValueError(f"{without_secret(url)!r} is not an http, https or file address")
        sources.append(Source(url, separator == "|"))
    return Proxies(tuple(sources))


def without_secret(url: str) -> str:
    """An address as it may be shown, without name and password."""
    return re.sub(r"//[^/@]*@", "//", url)


def escape(path: str) -> str:
    """A module path or version as it stands in addresses: capital letters as `!` and the small one."""
    return re.sub(r"[A-Z]", lambda match: "!" + match[0].lower(), path)


def module_file(module: str, name: str) -> str:
    """The address of a file of a module below the proxy's: `list`, `v1.2.3.info`, `v1.2.3.zip`."""
    return f"{escape(module)}/@v/{escape(name)}"


def parse_list(text: str) -> tuple[str, ...]:
    """The versions that `@v/list` names, in its order."""
    return tuple(line.split()[0] for line in text.splitlines() if line.strip())


def database_address(setting: str, name: str) -> str | None:
    """Where GOSUMDB says the database is.

    Returns an address, empty for "by its name"; None when checking is switched off.
    """
    words = setting.split()
    if words == ["off"]:
        return None
    same = len(words) == 2 and words[0].partition("+")[0] == name
    return words[1].rstrip("/") if same else ""
