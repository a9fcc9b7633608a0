"""Writes JUnit's XML, the form in which build servers read tests, a suite at a time.

The form: what Jenkins and GitLab read (testsuites, testsuite, testcase, failure, error, skipped).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from trimaran.errors import printable


class Result(StrEnum):
    """How a case ended; each but the first is an element of that name."""

    PASSED = "passed"
    FAILURE = "failure"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Test:
    """One case.

    Args:
        message: one line; empty for what passed without a remark.
        kind: a short name of what it failed by.
        detail: further lines.
    """

    name: str
    result: Result
    message: str = ""
    kind: str = ""
    detail: str = ""


HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="trimaran">\n'
TAIL = "</testsuites>\n"


def suite(name: str, cases: Iterable[Test]) -> str:
    """One suite, with the counts that readers add up."""
    rows = list(cases)
    counts = {result: sum(case.result is result for case in rows) for result in Result}
    head = _tag(
        "testsuite",
        name=name,
        tests=str(len(rows)),
        failures=str(counts[Result.FAILURE]),
        errors=str(counts[Result.ERROR]),
        skipped=str(counts[Result.SKIPPED]),
    )
    return f"{head}>\n{''.join(_case(name, case) for case in rows)}</testsuite>\n"


def _case(suite_name: str, case: Test) -> str:
    head = "  " + _tag("testcase", classname=suite_name, name=case.name)
    if case.result is Result.PASSED:
        return f"{head}/>\n"
    more = {"type": case.kind} if case.kind and case.result is not Result.SKIPPED else {}
    inner = _tag(case.result, message=case.message, **more)
    body = f">{_clean(case.detail)}</{case.result}>" if case.detail else "/>"
    return f"{head}>{inner}{body}</testcase>\n"


def _tag(element: str, **attributes: str) -> str:
    return f"<{element}" + "".join(f' {name}="{_clean(value)}"' for name, value in attributes.items())


_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\ufffe": "\ufffd", "\uffff": "\ufffd"}
)


def _clean(text: str) -> str:
    # XML 1.0 cannot hold control characters, surrogates and these two, not even escaped.
    clean = "\n".join(printable(line) for line in text.split("\n")).translate(_ESCAPES)
    # References are read in every encoding that a terminal or a build server may have.
    return clean.encode("ascii", "xmlcharrefreplace").decode("ascii")
