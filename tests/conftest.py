"""Every run is held to the time budget of `budget.toml`."""

import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

from tests.lab import lab

__all__ = ["lab"]  # a fixture for every folder of tests

_HERE = Path(__file__).parent
# A cold machine downloads and compiles what a warm one has: the Makefile says so by this.
_COLD_FACTOR = 3

_spent: defaultdict[str, float] = defaultdict(float)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cold", action="store_true", help="triple the time budget: nothing is cached yet")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what each suite spends."""
    parts = Path(report.nodeid.split("::")[0]).parts
    if len(parts) > 2:
        _spent[parts[1]] += report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when a suite is over its budget."""
    factor = _COLD_FACTOR if session.config.getoption("--cold") else 1
    budget = tomllib.loads((_HERE / "budget.toml").read_text("utf-8"))["suites"]
    over = [name for name, seconds in _spent.items() if seconds > budget.get(name, 0) * factor]
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    for name in over:
        bound = budget.get(name, 0) * factor
        if reporter is not None:
            reporter.write_line(f"over budget: tests/{name} took {_spent[name]:.0f} s of {bound} s")
    if over and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
