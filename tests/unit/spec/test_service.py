"""Services as declared: what is taken, and every problem of a file together with its place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.spec.conftest import HEAD, Reader, refusal, said, shown

from trimaran.spec import load
from trimaran.spec.service import Cgo

METERED = "  metrics: {port: http}\n  ports: {http: 80}\n"
IMAGE = "image: registry.example.com/web@sha256:00"

WRONG = """\
apiVersion: trimaran.dev/v1alpha1
kind: PlatformAgnosticSpec
metadata: {name: Web_1, labels: {team: "two words"}}
spec:
  image: a/b
  prots: {http: 8080}
  workload: {type: servce, replicas: -1}
  ports:
    http: 70000
    admin: "80"
  env:
    DB_PASSWORD: hunter2
    LOG: [a]
  resources:
    limits: {memory: 64MB, cpu: fast}
  runsOn: [alpine-3.23, ubuntu-22.40]
  env: {A: b}
"""


def test_all_problems_of_a_file_come_together_in_the_order_of_their_places(read: Reader) -> None:
    error = read.refused(WRONG)
    assert said(error) == [
        ("TRM0112", "3:12", "metadata.name"),
        ("TRM0112", "3:34", "metadata.labels.team"),
        ("TRM0110", "6:3", "spec.prots"),
        ("TRM0112", "7:14", "spec.workload.type"),
        ("TRM0112", "7:28", "spec.workload.replicas"),
        ("TRM0112", "9:5", "spec.ports.http"),
        ("TRM0112", "10:5", "spec.ports.admin"),
        ("TRM0112", "15:14", "spec.resources.limits.memory"),
        ("TRM0112", "15:28", "spec.resources.limits.cpu"),
        ("TRM0117", "16:25", "spec.runsOn[1]"),
        ("TRM0107", "17:3", "spec.env"),
    ]
    assert all(each.fix for each in error.problems)
    fixes = {each.where.path: each.fix for each in error.problems if each.where}
    assert fixes["spec.prots"] == "did you mean ports?"
    assert fixes["spec.runsOn[1]"] == "did you mean ubuntu-22.04?"
    assert error.problems[4].what == "replicas is -1"
    assert error.status == 2


@pytest.mark.parametrize(
    ("lines", "code", "place"),
    [
        ("  ports: {http: 0}", "TRM0112", "6:11"),
        ("  ports: {http: 65536}", "TRM0112", "6:11"),
        ("  ports: {http: true}", "TRM0112", "6:11"),
        ("  ports: {http: 80.5}", "TRM0112", "6:11"),
        ("  ports: {HTTP: 80}", "TRM0112", "6:11"),
        ("  ports: {http: 80, web: 80}", "TRM0115", "6:21"),
        ("  workload: {replicas: true}", "TRM0112", "6:14"),
        ("  workload: {replicas: '3'}", "TRM0112", "6:14"),
        ("  workload: {replicas: 3.0}", "TRM0112", "6:14"),
        ("  workload: {type: cron}", "TRM0115", "6:3"),
        ("  workload: {cron: {schedule: '0 3 * * *'}}", "TRM0115", "6:3"),
        ("  workload: {type: cron, cron: {schedule: daily}}", "TRM0112", "6:33"),
        ("  security: {runAsNonRoot: no}", "TRM0112", "6:14"),
        ("  security: {readOnlyRoot: 1}", "TRM0112", "6:14"),
        ("  resources: {limits: {memory: 64}, requests: {memory: 1Gi}}", "TRM0115", "6:48"),
        ("  resources: {limits: {memory: 64 Mi}}", "TRM0112", "6:24"),
        ("  resources: {limits: {cpu: -1}}", "TRM0112", "6:24"),
        ("  probes: {ready: {http: readyz}}", "TRM0112", "6:20"),
        ("  probes: {ready: {http: /}}", "TRM0115", "6:12"),
        ("  probes: {ready: {http: /, every: 5}}\n  ports: {http: 80}", "TRM0112", "6:29"),
        ("  routes: {a: {host: a.example.com, port: web}}\n  ports: {http: 80}", "TRM0115", "6:37"),
        ("  routes: {a: {host: A.example.com, port: http}}\n  ports: {http: 80}", "TRM0112", "6:16"),
        ("  metrics: {port: web}", "TRM0115", "6:13"),
        ("  scaling: {min: 1, max: 2, cpu: 70%}", "TRM0115", "6:29"),
        ("  scaling: {min: 1, max: 2, cpu: 0.7}", "TRM0112", "6:29"),
        ("  scaling: {min: 3, max: 2, cpu: 70%}\n  resources: {requests: {cpu: 1}}", "TRM0115", "6:13"),
        ("  files: {/etc/../x: {content: a}}", "TRM0112", "6:11"),
        ("  files: {etc/x: {content: a}}", "TRM0112", "6:11"),
        ("  files: {//x: {content: a}}", "TRM0112", "6:11"),
        ("  volumes: {v: {mount: //x/y, size: 1Gi}}", "TRM0112", "6:17"),
        ('  files: {"/etc/a\\nb": {content: a}}', "TRM0112", "6:11"),
        ("  files: {'/etc/a:b': {content: a}}", "TRM0112", "6:11"),
        ("  files: {/etc/x: {content: a, source: b}}", "TRM0115", "6:11"),
        ("  files: {/etc/x: {content: a, mode: '999'}}", "TRM0112", "6:32"),
        ("  files: {/data/x: {content: a}}\n  volumes: {v: {mount: /data, size: 1Gi}}", "TRM0115", "6:11"),
        ("  volumes: {v: {mount: /data, size: 1GB}}", "TRM0112", "6:31"),
        ("  volumes: {v: {mount: /d, size: 1G}, w: {mount: /d, size: 1G}}", "TRM0115", "6:39"),
        ('  env: {A: "a\\0b"}', "TRM0112", "6:9"),
        ("  env: {A: }", "TRM0112", "6:9"),
        ("  env: {A-B: c}", "TRM0112", "6:9"),
        ("  env: {<<: {A: b}}", "TRM0109", "6:9"),
        ("  env: {A: b}\n  secrets: {A: {from: env, path: A}}", "TRM0115", "7:13"),
        ("  secrets: {A: {from: env, path: A, as: file}}", "TRM0115", "6:13"),
        ("  objectives: {a: {good: x, total: y, target: 99%}}", "TRM0115", "6:3"),
        (METERED + "  objectives: {a: {good: x, target: 99%}}", "TRM0115", "8:16"),
        (METERED + "  objectives: {a: {good: x, total: y}}", "TRM0111", "8:16"),
        (METERED + "  objectives: {a: {good: x, total: y, target: 100%}}", "TRM0112", "8:39"),
        ("  files: {/a: {content: x}, /a/b: {content: y}}", "TRM0115", "6:29"),
        (
            "  files: {/a: {content: x}}\n  secrets: {K: {from: env, path: K, as: file, mount: /a}}",
            "TRM0115",
            "7:13",
        ),
        ("  files: {/a: {content: x}}\n  volumes: {v: {mount: /a/b, size: 1G}}", "TRM0115", "7:13"),
        ("  ports: {a--b: 80}", "TRM0112", "6:11"),
        ("  scaling: {min: 1, max: 2, cpu: 0%}\n  resources: {requests: {cpu: 1}}", "TRM0112", "6:29"),
        ("  binary: b", "TRM0115", "4:1"),
        ("  overrides: {aws: {}}", "TRM0112", "6:15"),
        ("1: x", "TRM0110", "6:1"),
    ],
)
def test_one_mistake_gives_one_problem_at_its_place(read: Reader, lines: str, code: str, place: str) -> None:
    error = read.refused_spec(lines)
    assert [(code, place)] == [each[:2] for each in said(error)]
    assert error.problems[0].fix


@pytest.mark.parametrize(
    ("text", "code", "path"),
    [
        ("[]", "TRM0108", ""),
        ("word", "TRM0108", ""),
        (HEAD.replace("PlatformAgnosticSpec", "[a]"), "TRM0113", "kind"),
        (HEAD.replace("PlatformAgnosticSpec", "{a: b}"), "TRM0113", "kind"),
        (HEAD.replace("PlatformAgnosticSpec", "Fleet"), "TRM0113", "kind"),
        (HEAD.replace("PlatformAgnosticSpec", "Deployment"), "TRM0113", "kind"),
        (HEAD.replace("v1alpha1", "v2"), "TRM0113", "apiVersion"),
        (
            HEAD.replace("{name: web}", "{name: w, labels: {app.kubernetes.io/name: x}}"),
            "TRM0115",
            "metadata.labels.app.kubernetes.io/name",
        ),
        (
            HEAD.replace("web}", "w" * 53 + "}") + "  workload: {type: cron, cron: {schedule: '0 3 * * *'}}",
            "TRM0115",
            "metadata.name",
        ),
        (HEAD.replace(IMAGE, "{}"), "TRM0115", "spec"),
        (HEAD.replace(IMAGE, "build: {path: ., module: a}"), "TRM0115", "spec.build"),
        (HEAD.replace(IMAGE, "build: {module: a}"), "TRM0115", "spec.build.module"),
        (HEAD.replace(IMAGE, "build: {module: a, version: latest}"), "TRM0115", "spec.build.version"),
        (HEAD.replace(IMAGE, "build: {path: ../other}"), "TRM0112", "spec.build.path"),
        (HEAD.replace(IMAGE, "build: {path: ., cgo: of}"), "TRM0112", "spec.build.cgo"),
    ],
)
def test_what_is_no_service_is_told_why(read: Reader, text: str, code: str, path: str) -> None:
    error = read.refused(text)
    assert [(each[0], each[2]) for each in said(error)] == [(code, path)]


def test_text_keeps_what_was_written(read: Reader) -> None:
    spec = read.spec("  env: {A: off, B: no, C: 010, D: 1.20, E: true, F: 1e3, G: 0x1F, H: 12:30}\n").spec
    assert spec.env == dict(
        zip("ABCDEFGH", ["off", "no", "010", "1.20", "true", "1e3", "0x1F", "12:30"], strict=True)
    )
    built = read.service(HEAD.replace(IMAGE, "build: {path: ., go: 1.20, cgo: off}"))
    assert built.spec.build is not None
    assert (built.spec.build.go, built.spec.build.cgo) == ("1.20", Cgo.OFF)


@pytest.mark.parametrize(
    "lines",
    [
        "  secrets: CANARY",
        "  secrets: [CANARY]",
        "  secrets: {DB: CANARY}",
        "  secrets: {DB: [CANARY]}",
        "  secrets: {DB: {value: CANARY}}",
        "  secrets: {DB: {from: CANARY, path: x}}",
        "  secrets: {DB: {from: env, path: X, as: CANARY}}",
        "  secrets: {DB: {from: env, path: X, password: CANARY}}",
        "  env: {DB_PASSWORD: CANARY}",
        "  env: {api_key: CANARY}",
        "  env: {githubToken_TOKEN: CANARY}",
        "  env: {DB: 'postgres://user:CANARY@db/x'}",
        "  env: {DB: {password: CANARY}}",
        "  env: DB_PASSWORD=CANARY",
        '  env: {KEY: "-----BEGIN RSA PRIVATE KEY-----\\nCANARY"}',
        "  env: {KEY: ghp_CANARYaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}",
        "  command: {args: ['--db=postgres://user:CANARY@db/x']}",
        "  command: {args: [--db-password=CANARY]}",
        "  command: {args: '--db-password=CANARY'}",
        "  command: --db-password=CANARY",
        '  files: {/etc/key: {content: "-----BEGIN PRIVATE KEY-----\\nCANARY"}}',
        "  files: {/etc/key: CANARY}",
        "  image: {password: CANARY}",
        "  workload: 'postgres://user:CANARY@db/x'",
        "  overrides: {host: {env: {DB_PASSWORD: CANARY}}}",
        "  overrides: {host: {command: {args: [--token=CANARY]}}}",
        "  overrides: {host: {secrets: {DB: CANARY}}}",
    ],
)
def test_a_secret_given_as_a_value_is_refused_and_never_repeated(read: Reader, lines: str) -> None:
    error = read.refused_spec(lines)
    assert "CANARY" not in shown(error)


@pytest.mark.parametrize(
    "lines",
    [
        "  secrets: hunter2",
        "  secrets: {DB: hunter2}",
        "  secrets: {DB: {value: hunter2}}",
        "  env: {DB_PASSWORD: hunter2}",
        "  command: {args: [--db-password=hunter2]}",
        "  overrides: {host: {env: {DB_PASSWORD: hunter2}}}",
    ],
)
def test_a_secret_given_as_a_value_is_called_one(read: Reader, lines: str) -> None:
    assert "TRM0114" in {each[0] for each in said(read.refused_spec(lines))}


@pytest.mark.parametrize(
    "lines", ["  env: {TOKEN_FILE: /run/token, PASSWORD: ''}", "  command: {args: [--token-file=/x]}"]
)
def test_what_only_sounds_like_a_secret_is_taken(read: Reader, lines: str) -> None:
    assert read.spec(lines).name == "web"


def test_a_file_is_read_from_beside_the_declaration(read: Reader) -> None:
    read.path.with_name("app.conf").write_text("x = é\n", "utf-8")
    spec = read.spec("  files: {/etc/app.conf: {source: app.conf, mode: '0400'}}").spec
    assert spec.files["/etc/app.conf"].content == "x = é\n"
    assert spec.files["/etc/app.conf"].mode == "0400"


def test_sources_that_cannot_be_read_are_told_together(read: Reader, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("hunter2")
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    (folder / "linked").symlink_to(tmp_path)
    (folder / "binary").write_bytes(b"\xff\xfe")
    (folder / "big").write_bytes(b"x" * (1 << 20) + b"x")
    os.mkfifo(folder / "fifo")
    (folder / "loop").symlink_to("loop")
    names = ["link", "linked/outside", "binary", "big", "fifo", "loop", "missing", "."]
    files = "".join(f"    /etc/{number}: {{source: {name}}}\n" for number, name in enumerate(names))
    (folder / "s.yaml").write_text(HEAD + "  files:\n" + files)
    error = refusal(lambda: load.service(str(folder / "s.yaml")))
    assert [each[:2] for each in said(error)] == [
        (code, f"{line}:{column}")
        for line, (code, column) in enumerate(
            zip(
                ["TRM0101", "TRM0101", "TRM0103", "TRM0102", "TRM0101", "TRM0101", "TRM0101", "TRM0101"],
                [14] * 8,
                strict=True,
            ),
            start=7,
        )
    ]
    assert "hunter2" not in shown(error)
    assert "TRM0112" in {
        each[0] for each in said(read.refused_spec("  files: {/etc/x: {source: ../outside}}"))
    }


@pytest.mark.parametrize(
    "name", ["", "/dev/zero", "/dev/null", "fifo", ".", "missing", "a\0b", "x" * 5000, "loop", "missing/x"]
)
def test_what_is_no_file_is_told_at_once(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    error = refusal(lambda: load.service(str(tmp_path / name) if name else ""))
    assert [each[0] for each in said(error)] == ["TRM0101"]


def test_standard_input_is_read_and_bounded(tmp_path: Path) -> None:
    code = "from trimaran.spec import load\nprint(load.service('-').service.name)"
    done = subprocess.run(
        [sys.executable, "-c", code], input=HEAD, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "web\n"
    code = """
from trimaran.errors import TrimaranError
from trimaran.spec import load
try:
    load.service("-")
except TrimaranError as error:
    print(error)
"""
    with Path("/dev/zero").open("rb") as zero:
        done = subprocess.run(
            [sys.executable, "-c", code], stdin=zero, capture_output=True, text=True, check=True, timeout=60
        )
    assert done.stdout.startswith("TRM0102")
