"""What is often said about linking Go programs, tried. docs/beliefs.md tells the same in words."""

import re
from pathlib import Path

import pytest
from tests.peers.beliefs import ACCOUNT, DNS, INTERPRETER, PUREGO, SQLITE, built, dynamic, go, inside, run

from trimaran.binary import Outcome, Rule, inspect_file, verdict
from trimaran.facts import distributions

pytestmark = pytest.mark.peer

EXTERNAL = "-linkmode=external -extldflags=-static"
ENTERPRISE = "passwd: compat\ngroup: compat\nhosts: files dns\n"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cgo program that asks the C library for a host."""
    return built(tmp_path_factory.mktemp("names") / "dns", DNS, "-tags=netcgo")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cgo program that asks the C library for a user."""
    return built(tmp_path_factory.mktemp("account") / "account", ACCOUNT)


@pytest.fixture
def enterprise(tmp_path: Path) -> Path:
    file = tmp_path / "nsswitch.conf"
    file.write_text(ENTERPRISE, "utf-8")
    return file


def test_name_services_are_not_in_the_file_they_are_opened_while_it_runs(
    account: Path, enterprise: Path
) -> None:
    assert re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic(account)) == ["libc.so.6"]
    assert "libnss" not in run(["ldd", account]).stdout
    seen = inside("debian-12", account, binds={"/etc/nsswitch.conf": enterprise}, LD_DEBUG="libs")
    assert "find library=libnss_compat.so.2" in seen.stderr


def test_alpine_misses_the_interpreter_and_a_shell_calls_the_file_not_found(names: Path) -> None:
    seen = inside("alpine-3.23", names, "/bin/sh", "-c", "ls /tmp/program; /tmp/program")
    assert seen.stdout == "/tmp/program\n"
    assert "/tmp/program: not found" in seen.stderr
    assert seen.returncode == 127
    assert "libnss" not in seen.stderr
    found = verdict(inspect_file(names), distributions()["alpine-3.23"])
    assert (found.outcome, found.rule) == (Outcome.FAILS, Rule.INTERPRETER)


def test_a_link_to_musl_at_the_interpreters_place_carries_small_programs_only(
    names: Path, tmp_path: Path
) -> None:
    link = {INTERPRETER: "/lib/ld-musl-x86_64.so.1"}
    assert inside("alpine-3.23", names, links=link).returncode == 0
    database = inside("alpine-3.23", built(tmp_path / "sqlite", SQLITE), links=link)
    assert database.returncode == 127
    assert "fcntl64: symbol not found" in database.stderr


def test_old_glibc_names_the_version_that_it_lacks(names: Path) -> None:
    seen = inside("debian-11", names)
    assert seen.returncode == 1
    assert "version `GLIBC_2.34' not found (required by /tmp/program)" in seen.stderr
    wanted = re.findall(r"U (\w+)@GLIBC_2\.34", run(["nm", "-D", names]).stdout)
    assert {"pthread_create", "res_search"} & set(wanted)
    moved = re.findall(
        r"(\w+)@@GLIBC_2\.34",
        run(["nm", "-D", run(["gcc", "-print-file-name=libc.so.6"]).stdout.strip()]).stdout,
    )
    assert {"pthread_create", "dlopen", "res_search", "__libc_start_main"} <= set(moved)


def test_rebuilding_all_and_netgo_add_nothing_to_a_build_without_cgo(tmp_path: Path) -> None:
    plain = inspect_file(built(tmp_path / "plain", DNS, cgo=False))
    more = inspect_file(built(tmp_path / "more", DNS, "-a", "-tags=netgo", cgo=False))
    assert plain.interpreter is more.interpreter is None
    assert plain.needed == more.needed == ()
    assert abs(plain.size_bytes - more.size_bytes) < 4096


def test_a_pie_without_cgo_still_names_glibcs_interpreter(tmp_path: Path) -> None:
    program = built(tmp_path / "pie", DNS, "-buildmode=pie", cgo=False)
    assert f"Requesting program interpreter: {INTERPRETER}" in dynamic(program)
    assert "(NEEDED)" not in dynamic(program)
    assert inside("debian-11", program).returncode == 0
    assert "No such file or directory" in inside("alpine-3.23", program).stderr


def test_sqlite_without_cgo_compiles_to_a_stub_that_fails_at_its_first_query(tmp_path: Path) -> None:
    program = built(tmp_path / "stub", SQLITE, cgo=False)
    assert inspect_file(program).interpreter is None
    seen = inside("debian-12", program)
    assert seen.returncode == 1
    assert "requires cgo to work. This is a stub" in seen.stderr + seen.stdout


def test_a_library_without_cgo_may_ask_for_glibcs_interpreter_all_the_same(tmp_path: Path) -> None:
    program = built(tmp_path / "purego", PUREGO, cgo=False)
    assert f"Requesting program interpreter: {INTERPRETER}" in dynamic(program)
    assert inside("debian-11", program).stdout == "7\n"
    assert "No such file or directory" in inside("alpine-3.23", program).stderr


def test_some_modules_do_not_compile_without_cgo(tmp_path: Path) -> None:
    old = "github.com/mattn/go-sqlite3"  # before it had a stub
    (tmp_path / "go.mod").write_text(f"module trimaran.dev/old\n\ngo 1.21\n\nrequire {old} v1.6.0\n", "utf-8")
    (tmp_path / "main.go").write_text(f'package main\n\nimport _ "{old}"\n\nfunc main() {{}}\n', "utf-8")
    done = go(["build", "-mod=mod", "-o", str(tmp_path / "old"), "."], tmp_path, CGO_ENABLED="0")
    assert done.returncode == 1
    assert "undefined: SQLiteStmt" in done.stderr
    assert not (tmp_path / "old").exists()
    # Because the file that has it is left out, as all are that import C.
    for cgo, left_out in (("0", True), ("1", False)):
        files = go(["list", "-mod=mod", "-f", "{{.IgnoredGoFiles}}", old], tmp_path, CGO_ENABLED=cgo).stdout
        assert ("sqlite3.go" in files.strip("[]\n").split()) is left_out


def test_without_cgo_names_and_users_are_found_all_the_same(tmp_path: Path) -> None:
    for distribution in ("debian-11", "alpine-3.23"):
        host = inside(distribution, built(tmp_path / "dns", DNS, cgo=False))
        assert "127.0.0.1" in host.stdout, host.stderr
        user = inside(distribution, built(tmp_path / "account", ACCOUNT, cgo=False))
        assert user.stdout == "root\n", user.stderr


def test_static_flags_for_the_outer_linker_do_nothing_where_go_links_itself(tmp_path: Path) -> None:
    said = built(tmp_path / "said", DNS, "-ldflags=-extldflags=-static", CC="musl-gcc")
    assert "Requesting program interpreter" in dynamic(said)
    meant = built(tmp_path / "meant", DNS, f"-ldflags={EXTERNAL}", CC="musl-gcc")
    assert "Requesting program interpreter" not in dynamic(meant)
    assert "127.0.0.1" in inside("alpine-3.23", meant).stdout


def test_glibc_links_statically_with_a_warning_and_still_opens_name_services(
    tmp_path: Path, enterprise: Path
) -> None:
    program = tmp_path / "static"
    done = go(["build", f"-ldflags={EXTERNAL}", "-o", str(program), "."], ACCOUNT, CGO_ENABLED="1")
    assert done.returncode == 0
    assert "requires at runtime the shared libraries from the glibc version" in done.stderr
    assert inside("debian-12", program).stdout == "root\n"
    other = inside("debian-11", program, binds={"/etc/nsswitch.conf": enterprise})
    assert "SIGABRT: abort" in other.stderr


@pytest.mark.parametrize("hosts", ["files dns", "files dns myhostname"])
def test_gos_own_resolver_is_preferred_where_the_configuration_is_plain(hosts: str, tmp_path: Path) -> None:
    program = built(tmp_path / "dns", DNS)  # as `go build` gives it, with cgo
    switch, resolver = tmp_path / "nsswitch.conf", tmp_path / "resolv.conf"
    switch.write_text(f"passwd: files\nhosts: {hosts}\n", "utf-8")
    resolver.write_text("nameserver 127.0.0.1\n", "utf-8")
    seen = inside(
        "debian-12", program,
        binds={"/etc/nsswitch.conf": switch, "/etc/resolv.conf": resolver}, GODEBUG="netdns=2",
    )  # fmt: skip
    said = re.findall(r"hostLookupOrder\(localhost\) = (\w+)", seen.stderr + seen.stdout)
    assert said, seen.stderr
    assert said[0] == ("files" if hosts == "files dns" else "cgo")


def test_starting_other_programs_does_not_make_a_program_dynamic(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module trimaran.dev/starter\n\ngo 1.21\n", "utf-8")
    (tmp_path / "main.go").write_text(
        'package main\n\nimport "os/exec"\n\n'
        'func main() { println(exec.Command("/bin/true").Run() == nil) }\n',
        "utf-8",
    )
    program = built(tmp_path / "starter", tmp_path)
    assert inspect_file(program).interpreter is None
    # What it starts has needs of its own.
    assert inside("alpine-3.23", program).stderr == "true\n"
