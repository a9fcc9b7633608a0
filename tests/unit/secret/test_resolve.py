import os
import subprocess
import sys
from pathlib import Path

import pytest

from trimaran.errors import TrimaranError
from trimaran.secret import Redactor, SecretRef, load_key, resolve, resolve_all


def secret_file(path: Path, content: bytes, mode: int = 0o600) -> str:
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


def value_of(ref: SecretRef) -> str:
    return resolve(ref, "S", Redactor()).reveal()


def test_a_secret_comes_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2\n")
    assert value_of(SecretRef("env", "DB_PASSWORD")) == "hunter2\n"


def test_a_secret_comes_from_a_file_less_one_newline(tmp_path: Path) -> None:
    assert value_of(SecretRef("file", secret_file(tmp_path / "s", b"hunter2\n\n"))) == "hunter2\n"


def test_a_secret_comes_from_a_key_in_a_file(tmp_path: Path) -> None:
    path = secret_file(tmp_path / "s", b'{"user": "alice", "password": "hunter2"}')
    assert value_of(SecretRef("file", path, "password")) == "hunter2"


@pytest.mark.parametrize(
    ("content", "key", "code"),
    [
        (b"\xff\xfe", "", "TRM0804"),
        (b"plain", "password", "TRM0804"),
        (b'{"password": 5}', "password", "TRM0804"),
        (b'{"user": "x"}', "password", "TRM0804"),
        (b"[1]", "password", "TRM0804"),
        (b"[" * 100_000, "password", "TRM0804"),
        (b"x" * (1 << 20) + b"x", "", "TRM0803"),
    ],
)
def test_a_file_without_the_secret_is_one_error(tmp_path: Path, content: bytes, key: str, code: str) -> None:
    with pytest.raises(TrimaranError, match=code):
        value_of(SecretRef("file", secret_file(tmp_path / "s", content), key))


def test_a_file_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrimaranError, match="TRM0805"):
        value_of(SecretRef("file", secret_file(tmp_path / "s", b"hunter2", 0o644)))


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "missing", "nul\0l"):
        with pytest.raises(TrimaranError, match="TRM0803"):
            value_of(SecretRef("file", str(path)))


def test_all_that_cannot_be_had_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOD", "hunter2")
    monkeypatch.delenv("BAD", raising=False)
    refs = {"A": SecretRef("env", "GOOD"), "B": SecretRef("env", "BAD"), "C": SecretRef("vault", "kv/x", "y")}
    with pytest.raises(TrimaranError) as caught:
        resolve_all(refs.items(), Redactor())
    assert [problem.code for problem in caught.value.problems] == ["TRM0801", "TRM0802"]
    assert all(problem.fix for problem in caught.value.problems)
    del refs["B"], refs["C"]
    assert resolve_all(refs.items(), Redactor())["A"].reveal() == "hunter2"


def test_a_resolved_secret_is_known_to_the_redactor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    redactor = Redactor()
    resolve(SecretRef("env", "DB_PASSWORD"), "PW", redactor)
    assert redactor.redact("password=hunter2") == "password=[secret PW]"
    assert redactor.leaks(["hunter2"]) == "PW"


def test_a_key_is_made_once_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "key"
    key = load_key(path)
    assert (len(key), load_key(path)) == (32, key)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["key"]


def test_processes_that_make_a_key_at_once_get_the_same(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from trimaran.secret import load_key\n"
    code += "print(load_key(Path(sys.argv[1])).hex())"
    argv = [sys.executable, "-c", code, str(tmp_path / "key")]
    children = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({child.communicate(timeout=60)[0] for child in children}) == 1


@pytest.mark.parametrize(("content", "mode"), [(b"k" * 32, 0o640), (b"k" * 31, 0o600), (b"", 0o600)])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, content: bytes, mode: int) -> None:
    with pytest.raises(TrimaranError, match="TRM0806"):
        load_key(Path(secret_file(tmp_path / "key", content, mode)))
