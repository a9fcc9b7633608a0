import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.fakes import FakeClock

from trimaran.errors import TrimaranError
from trimaran.ledger import Holder, is_dead, open_ledger, this_holder
from trimaran.ledger.proc import started

TTL = timedelta(seconds=60)
ELSEWHERE = Holder("h1", "another-boot pid:[1]", 1, 1, "bob@elsewhere")


def test_a_target_has_one_holder_at_a_time(tmp_path: Path) -> None:
    clock = FakeClock()
    with open_ledger(tmp_path / "ledger.db") as ledger:
        ledger.acquire("east", ELSEWHERE, clock(), is_dead, TTL)
        with pytest.raises(
            TrimaranError, match=r"TRM0410: east is being changed by bob@elsewhere \(process 1\)"
        ):
            ledger.acquire("east", this_holder(), clock(), is_dead, TTL)
        assert ledger.acquire("west", this_holder(), clock(), is_dead, TTL).fence == 1


def test_a_released_lease_is_free_at_once_and_its_fence_grows(tmp_path: Path) -> None:
    clock = FakeClock()
    with open_ledger(tmp_path / "ledger.db") as ledger:
        fences = []
        for _ in range(3):
            lease = ledger.acquire("east", ELSEWHERE, clock(), is_dead, TTL)
            fences.append(lease.fence)
            ledger.release(lease)
        assert fences == [1, 2, 3]


def test_an_expired_lease_is_taken_over_and_that_is_recorded(tmp_path: Path) -> None:
    clock = FakeClock()
    with open_ledger(tmp_path / "ledger.db") as ledger:
        old = ledger.acquire("east", ELSEWHERE, clock(), is_dead, TTL)
        clock.now += TTL
        new = ledger.acquire("east", this_holder("alice"), clock(), is_dead, TTL)
        assert new.fence == old.fence + 1
        assert "lease taken over" in next(ledger.records()).body
        with pytest.raises(TrimaranError, match="TRM0411"):
            ledger.renew(old, clock())
        ledger.release(old)  # is no longer its own to give
        with pytest.raises(TrimaranError, match="TRM0410"):
            ledger.acquire("east", ELSEWHERE, clock(), is_dead, TTL)


def test_an_earlier_lease_of_the_same_holder_is_no_longer_good(tmp_path: Path) -> None:
    clock = FakeClock()
    with open_ledger(tmp_path / "ledger.db") as ledger:
        old = ledger.acquire("east", ELSEWHERE, clock(), is_dead, TTL)
        clock.now += TTL
        ledger.acquire("east", ELSEWHERE, clock(), is_dead, TTL)
        with pytest.raises(TrimaranError, match="TRM0411"):
            ledger.renew(old, clock())


def test_a_renewed_lease_lasts_longer(tmp_path: Path) -> None:
    clock = FakeClock()
    with open_ledger(tmp_path / "ledger.db") as ledger:
        lease = ledger.acquire("east", ELSEWHERE, clock(), is_dead, TTL)
        clock.now += TTL / 2
        assert ledger.renew(lease, clock()).expires_at == clock() + TTL
        clock.now += TTL / 2
        with pytest.raises(TrimaranError, match="TRM0410"):
            ledger.acquire("east", this_holder(), clock(), is_dead, TTL)


def test_a_lease_that_expired_unnoticed_is_still_good_for_its_holder(tmp_path: Path) -> None:
    clock = FakeClock()
    with open_ledger(tmp_path / "ledger.db") as ledger:
        lease = ledger.acquire("east", ELSEWHERE, clock(), is_dead, TTL)
        clock.now += 2 * TTL
        assert ledger.renew(lease, clock()).fence == lease.fence


def test_a_clock_that_goes_backwards_frees_nothing_and_shortens_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    with open_ledger(tmp_path / "ledger.db") as ledger:
        lease = ledger.acquire("east", ELSEWHERE, clock(), is_dead, TTL)
        until = lease.expires_at
        clock.now -= timedelta(days=1)
        assert ledger.renew(lease, clock()).expires_at == until
        with pytest.raises(TrimaranError, match="TRM0410"):
            ledger.acquire("east", this_holder(), clock(), is_dead, TTL)


def test_a_holder_of_this_machine_that_died_is_taken_over_at_once(tmp_path: Path) -> None:
    clock = FakeClock()
    with subprocess.Popen(["sleep", "60"]) as child:
        ticks = started(child.pid)
        assert ticks is not None
        held = replace(this_holder("child"), pid=child.pid, started=ticks)
        with open_ledger(tmp_path / "ledger.db") as ledger:
            ledger.acquire("east", held, clock(), is_dead, TTL)
            with pytest.raises(TrimaranError, match="TRM0410"):
                ledger.acquire("east", this_holder(), clock(), is_dead, TTL)
            child.kill()
            while started(child.pid) is not None:
                pass
            assert ledger.acquire("east", this_holder(), clock(), is_dead, TTL).fence == 2


def test_a_process_id_that_was_given_to_another_process_is_not_the_holder() -> None:
    me = this_holder()
    assert not is_dead(me)
    assert is_dead(replace(me, started=me.started - 1))
    assert not is_dead(replace(me, started=me.started - 1, host="somewhere else"))
    assert not is_dead(replace(me, started=me.started - 1, host=""))


CONTENDER = """
import sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from trimaran.errors import TrimaranError
from trimaran.ledger import is_dead, open_ledger, this_holder

ledger_path, log_path, rounds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
with open_ledger(ledger_path) as ledger, log_path.open("a", buffering=1) as log:
    while rounds:
        try:
            lease = ledger.acquire("east", this_holder(), datetime.now(UTC), is_dead)
        except TrimaranError as error:
            assert error.problems[0].code == "TRM0410", error
            time.sleep(0.001)
            continue
        log.write(f"in {lease.fence}\\n")
        time.sleep(0.002)
        log.write(f"out {lease.fence}\\n")
        ledger.release(lease)
        rounds -= 1
"""


def test_processes_that_contend_never_hold_together(tmp_path: Path) -> None:
    log, rounds, count = tmp_path / "log", 10, 3
    argv = [sys.executable, "-c", CONTENDER, str(tmp_path / "state" / "ledger.db"), str(log), str(rounds)]
    children = [subprocess.Popen(argv) for _ in range(count)]
    assert [child.wait(timeout=60) for child in children] == [0] * count
    lines = log.read_text().splitlines()
    fences = [int(line.split()[1]) for line in lines[::2]]
    assert lines == [f"{word} {fence}" for fence in fences for word in ("in", "out")]
    assert fences == list(range(1, rounds * count + 1))
