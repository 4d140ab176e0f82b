"""What is said of a configuration that was read again."""

from __future__ import annotations

from pathlib import Path

from bus.reloading import said
from bus.tables import Bus, Watchdog

PATH = Path("guardia.toml")


def test_what_only_a_start_takes_up_is_named_when_it_changed_and_only_then() -> None:
    first = {"bus": Bus(), "watchdog": Watchdog()}
    other = {"bus": Bus(door="tcp://127.0.0.1:5570"), "watchdog": Watchdog(abort_seconds=9.0)}
    later = ("bus", "watchdog.abort_seconds")
    assert said(PATH, first, first, later) == "read guardia.toml again"
    harmless = {**first, "watchdog": Watchdog(silent_seconds=9.0)}
    assert said(PATH, first, harmless, later) == "read guardia.toml again"
    assert said(PATH, first, other, later) == (
        "read guardia.toml again; what changed in [bus], [watchdog] abort_seconds is used from the next start on"
    )
