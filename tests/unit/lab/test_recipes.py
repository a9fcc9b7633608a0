import re
from pathlib import Path

import pytest

from trimaran import lab
from trimaran.lab import recipes

MODULES = Path(lab.__file__).parent / "modules"


def test_every_part_has_a_module_with_its_sums_and_fixed_versions() -> None:
    for part in recipes().parts:
        folder = MODULES / part.name
        text = (folder / "go.mod").read_text("utf-8")
        assert (folder / "go.sum").stat().st_size > 0
        assert "latest" not in text
        for program in part.programs:
            if program.package.startswith("./"):
                assert list((folder / program.package).glob("*.go"))


def test_what_is_taken_from_modules_has_a_version_and_a_sum() -> None:
    for extract in (*recipes().definitions, recipes().stages):
        assert re.fullmatch(r"[^@]+@v\d[^@]+", extract.module)
        assert re.fullmatch(r"h1:[A-Za-z0-9+/]{43}=", extract.sum)
        assert extract.files


def test_the_versions_are_those_of_the_modules() -> None:
    for module, name in {
        "k8s.io/kubernetes": "kube-apiserver",
        "go.etcd.io/etcd/server/v3": "etcd",
        "sigs.k8s.io/kwok": "kwok",
        "github.com/vmware/govmomi": "vcsim",
    }.items():
        part, program = recipes().program(name)
        assert f"{module} v{program.version}\n" in (MODULES / part.name / "go.mod").read_text("utf-8")


def test_an_entry_without_a_source_does_not_load() -> None:
    from trimaran.lab.recipes import parse, text

    whole = text().decode()
    with pytest.raises(ValueError, match="kubernetes needs `source`"):
        parse(re.sub(r"(?m)^source = .*$", 'source = ""', whole, count=1))
    with pytest.raises(KeyError):
        recipes().program("nothing")
