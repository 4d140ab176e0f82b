"""What a channel has against its settings, which would else be found out by the first alarm."""

from __future__ import annotations

import pytest

from alerter.channels.command import Command
from bus.config import Secret


@pytest.mark.parametrize(
    ("command", "environment", "keys"),
    [
        (("/usr/bin/logger", "-t", "a=b"), {"TEAM": Secret("a=b"), "with space": Secret("")}, []),
        ((), {}, ["command"]),
        (("logger",), {}, ["command"]),
        (("/usr/bin/logger", "a\0b"), {}, ["command"]),
        (("/usr/bin/log\0ger",), {}, ["command"]),
        (("/usr/bin/logger",), {"TEAM=ops": Secret("x")}, ["environment"]),
        (("/usr/bin/logger",), {"": Secret("x"), "TE\0AM": Secret("x")}, ["environment", "environment"]),
    ],
)
def test_a_command_is_one_that_can_be_started(
    command: tuple[str, ...], environment: dict[str, Secret], keys: list[str]
) -> None:
    assert [one.key for one in Command(command=command, environment=environment).objections()] == keys
