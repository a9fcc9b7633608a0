"""vCenter's tasks: waiting for one, and what runs now."""

import time
from collections.abc import Callable
from typing import Any

from pyVmomi import vim, vmodl

from trimaran.errors import fail
from trimaran.platform.vsphere.client import Client, filter_spec, object_spec, remaining, step, words

FIRST_S = 0.05
LONGEST_S = 2.0
"""Seconds between two looks at a task: soon at first, since most take a second; a copy takes minutes."""

INFO = ("info.state", "info.error", "info.result", "info.descriptionId", "info.entity", "info.startTime")
_RUNNING = ("queued", "running")


def wait(client: Client, task: Any, what: str, deadline: float) -> Any:
    """The result of a task that was started.

    Raises TRM0746 when it fails, TRM0747 when it has not ended at the deadline: it goes on then.
    """
    pause = FIRST_S
    while True:
        found = client.properties(task, INFO)
        state = str(found.get("info.state"))
        if state == "success":
            return found.get("info.result")
        if state == "error":
            why = words(found["info.error"]) if found.get("info.error") else "vCenter does not say why"
            raise fail("TRM0746", f"{what}: {why}", "mend what vCenter names, and run it again")
        left = remaining(deadline)
        if left <= 0:
            name = task._moId  # noqa: SLF001
            text = f"{what}: vCenter's {name} is still {state}, and no time is left"
            raise fail("TRM0747", text, "look at the task in vCenter; run it again once it has ended")
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_S)


def running(client: Client, thing: Any, property_: str = "recentTask") -> list[dict[str, Any]]:
    """The tasks of an object that are queued or running now."""
    return [task for task in recent(client, thing, property_) if str(task.get("info.state")) in _RUNNING]


def recent(client: Client, thing: Any, property_: str = "recentTask") -> list[dict[str, Any]]:
    """What vCenter remembers of an object's tasks (about ten minutes), oldest first."""
    start = object_spec(thing, step(type(thing), property_))
    found = [values for _, values in client.retrieve([filter_spec([(vim.Task, INFO)], [start])])]
    return sorted(found, key=lambda each: str(each.get("info.startTime", "")))


def started(client: Client, start: Callable[[], Any], what: str, deadline: float) -> Any:
    """Start a task and wait for it; a fault that refuses the start counts as its failure."""
    try:
        task = start()
    except (vim.fault.NotAuthenticated, vim.fault.NoPermission, vim.fault.InvalidLogin):
        raise
    except vmodl.MethodFault as fault:
        raise fail(
            "TRM0746", f"{what}: {words(fault)}", "mend what vCenter names, and run it again"
        ) from None
    return wait(client, task, what, deadline)
