"""What Debian's builds of musl export, beside what the product's table says of musl."""

import re
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.facts import debian
from tools.facts.debian import Suite


def rows(suites: Mapping[str, Suite], facts: Path) -> Iterator[tuple[str, ...]]:
    """A row a release: its name, the version that it is told against, names that it has more and lacks."""
    known = tomllib.loads((facts / "musl_symbols.toml").read_text("utf-8"))
    like = "1.2.5"
    shared = set(known[like]["names"].split())
    for suite in suites.values():
        (package,) = suite.download("musl:amd64")
        names = _exports(package)
        version = suite.version("musl:amd64").partition("-")[0]
        changes = [f"+{name}" for name in names - shared] + [f"-{name}" for name in shared - names]
        yield f"{version}-debian", like, *sorted(changes)


def _exports(package: Path) -> set[str]:
    """What the loader of a package exports; from 1.2.4 on, names ending in 64 that it resolves itself too."""
    listing = "\n".join(debian.files(package))
    place = re.search(
        r" \./(\S*lib/(?:x86_64-linux-musl|ld-musl-x86_64\.so\.1|\S+)/?libc\.so)$", listing, re.M
    )
    if place is None:
        raise debian.SourceMissingError(f"{package.name} has no libc.so where it is looked for")
    image = debian.member(package, place[1])
    with tempfile.NamedTemporaryFile(suffix=".so") as file:
        file.write(image)
        file.flush()
        argv = ["nm", "-D", "--defined-only", file.name]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
    found = {line.split()[-1] for line in done.stdout.splitlines()}
    if "open64" not in found:
        # The loader looks for these by the name without the ending: ldso/dynlink.c, lfs64_list.
        listed = re.search(rb"\0(aio_cancel\0aio_error\0[a-z0-9_\0]+?)\0\0", image)
        aliases = listed[1].decode().split("\0") if listed else []
        found |= {f"{name}64" for name in aliases}
        found |= {"readdir64_r"} if b"\0readdir64_r\0" in image else set()
    return found
