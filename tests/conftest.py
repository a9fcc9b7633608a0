"""Every run is held to the time budget of `budget.toml`."""

import signal
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.lab import lab

__all__ = ["lab"]  # a fixture for every folder of tests

_HERE = Path(__file__).parent
# A cold machine downloads and compiles what a warm one has: the Makefile says so by this.
_COLD_FACTOR = 3

_spent: defaultdict[str, float] = defaultdict(float)


# How long an example takes says how busy the machine is; speed is the benchmarks' matter.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")


def pytest_configure() -> None:
    # What runs in a script's background has it ignored, and its children too; tests interrupt their own.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cold", action="store_true", help="triple the time budget: nothing is cached yet")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what each suite spends."""
    parts = Path(report.nodeid.split("::")[0]).parts
    if len(parts) > 2:
        _spent[parts[1]] += report.duration


def _budget(config: pytest.Config) -> dict[str, int]:
    """Seconds that each suite may spend."""
    factor = _COLD_FACTOR if config.getoption("--cold") else 1
    suites = tomllib.loads((_HERE / "budget.toml").read_text("utf-8"))["suites"]
    return {name: suites.get(name, 0) * factor for name in sorted(_spent)}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when a suite is over its budget."""
    over = [name for name, bound in _budget(session.config).items() if _spent[name] > bound]
    if over and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what each suite spent of its budget; that of `make check` is no news."""
    for name, bound in _budget(config).items():
        if len(_spent) > 1 or _spent[name] > bound:
            over = "over its budget: " if _spent[name] > bound else ""
            terminalreporter.write_line(f"{over}tests/{name} took {_spent[name]:.0f} s of {bound} s")
