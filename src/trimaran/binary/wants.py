"""What a program asks of its system while it runs, which no ELF header says. Pure: evidence in, wants out.

A want is never certain to be met or missed by a verdict: it tells what to look for in a small image. Each
carries the evidence that it was concluded from, and how much that evidence is worth.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from trimaran.binary.model import File


class Asks(StrEnum):
    """What is asked for."""

    PROGRAM = "program"
    CERTIFICATES = "certificates"
    TIME_ZONES = "time-zones"
    NAME_SERVICE = "name-service"
    LIBRARY = "library"


class Confidence(StrEnum):
    """How much the evidence is worth.

    `certain`: the file itself names what it will ask for. `likely`: code that does nothing else is linked
    in. `possible`: code that may do it, or a text that names it, is there.
    """

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Want(NamedTuple):
    """One thing that a program may ask for.

    Args:
        evidence: what was seen in the file, at least one.
        names: programs or libraries by name, where the file tells them.
        note: what softens it, one line; empty for most.
    """

    asks: Asks
    confidence: Confidence
    evidence: tuple[str, ...]
    names: tuple[str, ...] = ()
    note: str = ""


class Seen(NamedTuple):
    """What was found in a file.

    Args:
        functions: functions of Go that are linked in, of those that were looked for.
        symbols: symbols that its libraries must bring, of those that were looked for.
        texts: of the texts that were looked for.
        programs: names of programs that it starts, from the places that start them.
        libraries: names of libraries among its constants.
    """

    functions: frozenset[str] = frozenset()
    symbols: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    programs: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


_STARTS = ("os/exec.Command", "os/exec.CommandContext", "os/exec.(*Cmd).Start", "os.StartProcess")
_REPLACES = ("syscall.Exec", "golang.org/x/sys/unix.Exec")
_ROOTS = ("crypto/x509.loadSystemRoots", "crypto/x509.initSystemRoots")
_CLIENTS = (
    "net/http.(*Client).do",
    "crypto/tls.Dial",
    "crypto/tls.DialWithDialer",
    "crypto/tls.(*Dialer).DialContext",
)
_ZONES = ("time.LoadLocation",)
_OWN_ZONES = ("time/tzdata.loadFromEmbeddedTZData",)
_HOSTS = ("net._C2func_getaddrinfo", "net._C_getaddrinfo", "net._Cfunc_getaddrinfo")
_USERS = (
    "os/user._C_getpwnam_r",
    "os/user._C_getpwuid_r",
    "os/user._Cfunc_mygetpwnam_r",
    "os/user._Cfunc_mygetpwuid_r",
    "os/user._C2func_mygetpwnam_r",
    "os/user._C2func_mygetpwuid_r",
)
_PLUGINS = ("plugin.Open", "plugin.open", "github.com/ebitengine/purego.Dlopen")
_FALLBACK = "crypto/x509.SetFallbackRoots"
FUNCTIONS = frozenset(
    name.encode()
    for group in (_STARTS, _REPLACES, _ROOTS, _CLIENTS, _ZONES, _OWN_ZONES, _HOSTS, _USERS, _PLUGINS)
    for name in group
) | {_FALLBACK.encode()}

# Symbols of C libraries → what calling them asks for. POSIX and the GNU C library's manual name them.
_PROGRAM_SYMBOLS = (
    "execve",
    "execv",
    "execvp",
    "execvpe",
    "execl",
    "execlp",
    "execle",
    "posix_spawn",
    "posix_spawnp",
    "system",
    "popen",
    "fexecve",
    "wordexp",
)
_HOST_SYMBOLS = (
    "getaddrinfo",
    "gethostbyname",
    "gethostbyname_r",
    "gethostbyaddr",
    "getnameinfo",
    "getservbyname",
)
_USER_SYMBOLS = (
    "getpwnam",
    "getpwnam_r",
    "getpwuid",
    "getpwuid_r",
    "getgrnam",
    "getgrnam_r",
    "getgrgid",
    "getgrgid_r",
    "getgrouplist",
    "initgroups",
    "getspnam",
)
_ZONE_SYMBOLS = ("localtime", "localtime_r", "tzset", "mktime")
_LOAD_SYMBOLS = ("dlopen", "dlmopen")
_CERTIFICATE_SYMBOLS = (
    "SSL_CTX_set_default_verify_paths",
    "X509_STORE_set_default_paths",
    "gnutls_certificate_set_x509_system_trust",
    "gnutls_x509_trust_list_add_system_trust",
)
SYMBOLS = frozenset(
    (*_PROGRAM_SYMBOLS, *_HOST_SYMBOLS, *_USER_SYMBOLS, *_ZONE_SYMBOLS, *_LOAD_SYMBOLS, *_CERTIFICATE_SYMBOLS)
)

_NSS_TEXTS = ("libnss_", "/etc/nsswitch.conf")
_CERTIFICATE_TEXTS = ("/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/ssl/cert.pem")
_ZONE_TEXTS = ("/usr/share/zoneinfo",)
_SHELL_TEXTS = ("/bin/sh",)
TEXTS = frozenset((*_NSS_TEXTS, *_CERTIFICATE_TEXTS, *_ZONE_TEXTS, *_SHELL_TEXTS))

_OWN_GLIBC = "glibc is linked in, and loads modules of its own release"
_GO_FIRST = "Go's own resolver is asked first where resolv.conf and nsswitch.conf are plain"


def go_wants(file: File, seen: Seen) -> tuple[Want, ...]:
    """What a Go program may ask for, by the functions that are linked in."""
    found = [_go_programs(seen), _go_certificates(seen), _go_zones(seen), *_go_names(file, seen)]
    if loads := _of(_PLUGINS, seen.functions):
        found.append(Want(Asks.LIBRARY, Confidence.LIKELY, _linked(loads), seen.libraries))
    elif "dlopen" in seen.symbols:
        found.append(Want(Asks.LIBRARY, Confidence.POSSIBLE, ("C code calls dlopen",), seen.libraries))
    return tuple(want for want in found if want is not None)


def _go_programs(seen: Seen) -> Want | None:
    starts = _of(_STARTS, seen.functions)[:1] + _of(_REPLACES, seen.functions)[:1]
    if seen.programs:
        return Want(Asks.PROGRAM, Confidence.CERTAIN, _linked(starts), seen.programs)
    if starts:
        return Want(Asks.PROGRAM, Confidence.LIKELY, _linked(starts))
    called = _of(_PROGRAM_SYMBOLS, seen.symbols)
    return Want(Asks.PROGRAM, Confidence.POSSIBLE, _called(called)) if called else None


def _go_certificates(seen: Seen) -> Want | None:
    roots, clients = _of(_ROOTS, seen.functions), _of(_CLIENTS, seen.functions)
    if not roots:
        return None
    if _FALLBACK in seen.functions:
        note = "roots of its own are used where the system has none"
        return Want(Asks.CERTIFICATES, Confidence.POSSIBLE, _linked(roots[:1]), note=note)
    if clients:
        return Want(Asks.CERTIFICATES, Confidence.LIKELY, _linked((roots[0], clients[0])))
    note = "no TLS client of the standard library is linked"
    return Want(Asks.CERTIFICATES, Confidence.POSSIBLE, _linked(roots[:1]), note=note)


def _go_zones(seen: Seen) -> Want | None:
    zones = _of(_ZONES, seen.functions)
    if not zones or _of(_OWN_ZONES, seen.functions):
        return None
    return Want(Asks.TIME_ZONES, Confidence.LIKELY, (f"{zones[0]} is linked, time/tzdata is not",))


def _go_names(file: File, seen: Seen) -> list[Want | None]:
    hosts, users = _of(_HOSTS, seen.functions), _of(_USERS, seen.functions)
    called = _of((*_HOST_SYMBOLS, *_USER_SYMBOLS), seen.symbols)
    own = _OWN_GLIBC if file.interpreter is None and "libnss_" in seen.texts else ""
    if users:
        return [Want(Asks.NAME_SERVICE, Confidence.LIKELY, _linked((*hosts[:1], users[0])), note=own)]
    if hosts:
        return [Want(Asks.NAME_SERVICE, Confidence.LIKELY, _linked(hosts[:1]), note=own or _GO_FIRST)]
    return [_c_names(file, called, seen)]


def c_wants(file: File, seen: Seen) -> tuple[Want, ...]:
    """What another program may ask for, by the symbols that it needs and the texts in it."""
    names = _c_names(file, _of((*_HOST_SYMBOLS, *_USER_SYMBOLS), seen.symbols), seen)
    found = [_c_programs(seen), _c_certificates(file, seen), _c_zones(seen), names, _c_libraries(seen)]
    return tuple(want for want in found if want is not None)


def _c_programs(seen: Seen) -> Want | None:
    called = _of(_PROGRAM_SYMBOLS, seen.symbols)
    if not called:
        return None
    # system and popen start the shell, whatever else they start.
    shell = ("/bin/sh",) if {"system", "popen"} & set(called) or "/bin/sh" in seen.texts else ()
    return Want(Asks.PROGRAM, Confidence.LIKELY, _called(called), shell)


def _c_certificates(file: File, seen: Seen) -> Want | None:
    called, texts = _of(_CERTIFICATE_SYMBOLS, seen.symbols), _of(_CERTIFICATE_TEXTS, seen.texts)
    if called:
        return Want(Asks.CERTIFICATES, Confidence.LIKELY, _called(called))
    if texts:
        return Want(Asks.CERTIFICATES, Confidence.POSSIBLE, _named(texts))
    through = [name for name in file.needed if name.startswith("libcurl")]
    return Want(Asks.CERTIFICATES, Confidence.POSSIBLE, (f"needs {through[0]}",)) if through else None


def _c_zones(seen: Seen) -> Want | None:
    called, texts = _of(_ZONE_SYMBOLS, seen.symbols), _of(_ZONE_TEXTS, seen.texts)
    if not called and not texts:
        return None
    return Want(Asks.TIME_ZONES, Confidence.POSSIBLE, (*_called(called), *_named(texts)))


def _c_names(file: File, called: tuple[str, ...], seen: Seen) -> Want | None:
    if called:
        return Want(Asks.NAME_SERVICE, Confidence.LIKELY, _called(called))
    if file.interpreter is None and "libnss_" in seen.texts:
        texts = _named(_of(_NSS_TEXTS, seen.texts))
        return Want(Asks.NAME_SERVICE, Confidence.LIKELY, texts, note=_OWN_GLIBC)
    return None


def _c_libraries(seen: Seen) -> Want | None:
    called = _of(_LOAD_SYMBOLS, seen.symbols)
    return Want(Asks.LIBRARY, Confidence.LIKELY, _called(called), seen.libraries) if called else None


def _of(wanted: Iterable[str], found: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in wanted if name in found)


def _linked(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{name} is linked" for name in names)


def _called(names: tuple[str, ...]) -> tuple[str, ...]:
    return (f"calls {', '.join(names[:3])}",) if names else ()


def _named(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"names {text}" for text in texts)


WORDS: Mapping[Asks, str] = {
    Asks.PROGRAM: "programs",
    Asks.CERTIFICATES: "certificates",
    Asks.TIME_ZONES: "time zones",
    Asks.NAME_SERVICE: "names",
    Asks.LIBRARY: "libraries",
}
