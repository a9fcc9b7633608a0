"""Every platform: killed at each step, recovered by another process, done once, nothing told."""

import base64
import gzip
import json
import os
import signal
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.crash.child import STEPS
from tests.crash.forks import Run
from tests.crash.platforms import CANARY, PLATFORMS, SECRET_VARIABLE, TARGET, PlatformUnderTest, platform
from trimaran.ledger import Verification, open_existing, verify
from trimaran.ledger.heads import HeadFile

Truth = Callable[["Bench", str], Any]
VERBS = ("create", "update", "delete")
_NUMBERS = count()


@dataclass
class Bench:
    """One platform, its target's home, and runs of Trimaran against it."""

    name: str
    home: Path
    platform: PlatformUnderTest

    def start(self, *args: str) -> Run:
        runs = self.home / "runs"
        runs.mkdir(exist_ok=True)
        environment = {**os.environ, SECRET_VARIABLE: CANARY}
        return Run((self.name, str(self.home), *args), environment, runs / str(next(_NUMBERS)))

    def run(self, *args: str) -> list[dict[str, Any]]:
        status, out, err = self.start(*args).end()
        assert status == 0, err.decode()
        assert no_canary(out + err)
        found: list[dict[str, Any]] = json.loads(out)
        return found

    def killed(self, *args: str) -> None:
        status, out, err = self.start(*args).end()
        assert status == -signal.SIGKILL, err.decode()
        assert no_canary(out + err)

    def prepare(self, verb: str) -> int:
        """What `verb` starts from; how many effects that took."""
        if verb != "create":
            assert self.states("perform", "create") == ["done"]
        return self.platform.effects(self.home)

    def states(self, *args: str) -> list[str]:
        return [outcome["state"] for outcome in self.run(*args)]

    @property
    def ledger(self) -> Path:
        return self.home / "state" / "ledger.db"

    def audit(self) -> tuple[Verification, Counter[tuple[str, str]]]:
        """Whether the chain holds, and how often each key has had each event."""
        with open_existing(self.ledger) as ledger:
            found = verify(ledger.records(), HeadFile(self.ledger).read())
            bodies = [json.loads(record.body) for record in ledger.records()]
        return found, Counter((body.get("key", ""), body["event"]) for body in bodies)

    def owned(self) -> list[str]:
        with open_existing(self.ledger) as ledger:
            return [str(each.ref) for each in ledger.inventory(TARGET)]


@pytest.fixture(params=PLATFORMS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    found = Bench(request.param, tmp_path, platform(request.param))
    yield found
    found.platform.clean_up(tmp_path)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """The target's true state after a run that nothing disturbs, elsewhere."""

    @cache
    def truth(name: str, verb: str) -> Any:
        home = tmp_path_factory.mktemp("undisturbed")
        other = Bench(name, home, platform(name))
        other.prepare(verb)
        assert other.states("perform", verb) == ["done"]
        found = other.platform.truth(home)
        other.platform.clean_up(home)
        return found

    return lambda bench, verb: truth(bench.name, verb)


def no_canary(content: bytes) -> bool:
    """Neither plain nor in base64 or hexadecimal, nor inside anything compressed."""
    plain = CANARY.encode()
    forms = [plain, plain.hex().encode(), base64.b64encode(plain)[:-4], base64.b64encode(b"x" + plain)[2:-4]]
    forms += [base64.b64encode(b"xx" + plain)[3:-4], plain.decode().encode("utf-16-le")]
    if any(form in content for form in forms):
        return False
    return all(no_canary(inner) for inner in _unpacked(content))


def _unpacked(content: bytes) -> Iterator[bytes]:
    for magic, window in ((b"\x1f\x8b", 31), (b"\x78\x9c", 15), (b"\x78\xda", 15)):
        place = content.find(magic)
        while place >= 0:
            with suppress(zlib.error):
                yield zlib.decompressobj(window).decompress(content[place:], 1 << 20)
            place = content.find(magic, place + 1)


def test_the_search_for_the_canary_finds_it_in_every_form() -> None:
    plain = CANARY.encode()
    forms = [plain, plain.hex().encode(), gzip.compress(plain), zlib.compress(plain)]
    forms += [base64.b64encode(b"y" * shift + plain + b"tail") for shift in range(3)]
    assert [no_canary(b"head" + form + b"tail") for form in forms] == [False] * len(forms)
    assert no_canary(b"nothing here")


def assert_done_once(bench: Bench, verb: str, effects_before: int, truth: Any) -> None:
    assert bench.platform.truth(bench.home) == truth
    assert bench.platform.effects(bench.home) == effects_before + 1
    found, events = bench.audit()
    assert found.intact
    assert (events[verb, "intent"], events[verb, "outcome"]) == (1, 1)
    assert len(bench.owned()) == (0 if verb == "delete" else 1)
    files = [path for path in (bench.home / "state").rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if not no_canary(path.read_bytes())] == []


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_any_step_it_is_done_once(bench: Bench, undisturbed: Truth, verb: str, step: str) -> None:
    before = bench.prepare(verb)
    bench.killed("perform", verb, step)
    assert bench.run("recover") is not None
    assert bench.states("perform", verb) == ["done"]
    assert_done_once(bench, verb, before, undisturbed(bench, verb))


@pytest.mark.parametrize("verb", VERBS)
def test_killed_inside_an_apply_it_is_done_once(bench: Bench, undisturbed: Truth, verb: str) -> None:
    before = bench.prepare(verb)
    for place in bench.platform.dying(bench.home, lambda: None):
        bench.killed("perform", verb, place)
    assert bench.states("perform", verb) == ["done"]
    assert_done_once(bench, verb, before, undisturbed(bench, verb))


def test_a_recovery_that_is_killed_again_and_again_still_ends_well(bench: Bench, undisturbed: Truth) -> None:
    bench.killed("perform", "create", "intent and head written")
    for step in ("intent not committed", "before the effect", "after the effect", "intent not committed"):
        bench.killed("recover", "create", step)
    assert bench.states("recover") == ["done"]
    assert bench.states("recover") == []
    assert_done_once(bench, "create", 0, undisturbed(bench, "create"))


@pytest.mark.parametrize(("step", "effects"), [("before the effect", 0), ("after the effect", 1)])
def test_what_looking_cannot_tell_is_left_alone_until_it_can(
    bench: Bench, undisturbed: Truth, step: str, effects: int
) -> None:
    bench.killed("perform", "create", step)
    bench.platform.blind(bench.home, True)
    assert bench.states("recover") == ["unknown"]
    assert bench.states("perform", "create") == ["unknown"]
    assert bench.platform.effects(bench.home) == effects
    bench.platform.blind(bench.home, False)
    assert bench.states("recover") == ["done"]
    assert_done_once(bench, "create", 0, undisturbed(bench, "create"))


@pytest.mark.parametrize("verb", VERBS)
def test_two_processes_that_perform_one_action_at_once_do_it_once(
    bench: Bench, undisturbed: Truth, verb: str
) -> None:
    before = bench.prepare(verb)
    children = [bench.start("perform", verb) for _ in range(2)]
    ended = [child.end() for child in children]
    assert [status for status, _, _ in ended] == [0, 0], ended
    outcomes = [json.loads(out)[0] for _, out, _ in ended]
    assert [outcome["state"] for outcome in outcomes] == ["done", "done"]
    assert sorted(outcome["repeated"] for outcome in outcomes) == [False, True]
    assert_done_once(bench, verb, before, undisturbed(bench, verb))


@pytest.mark.parametrize("verb", VERBS)
def test_what_was_done_and_recovered_can_be_undone(bench: Bench, verb: str) -> None:
    bench.prepare(verb)
    truth = bench.platform.truth(bench.home)
    bench.killed("perform", verb, "after the effect")
    assert bench.states("recover") == ["done"]
    assert bench.platform.truth(bench.home) != truth
    assert bench.states("undo", verb) == ["done"]
    assert bench.platform.truth(bench.home) == truth
    assert bench.states("perform", verb) == ["undone"]
    assert len(bench.owned()) == (0 if verb == "create" else 1)
