"""``guardia audit gaps`` against a running hub whose producer had to drop something."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.pipeline.programs import HUB, Programs, until


@pytest.fixture
def programs() -> Iterator[Programs]:
    made = Programs("spool_bytes = 1048576\n")
    yield made
    made.close()


def audit(programs: Programs, *words: str) -> tuple[int, str, str]:
    ran = subprocess.run(
        [sys.executable, "-m", "bus.command", "audit", "gaps", *words],
        env={**os.environ, "GUARDIA_CONFIG": str(programs.config)},
        capture_output=True,
        text=True,
        timeout=90,
    )
    return ran.returncode, ran.stdout, ran.stderr


def test_what_a_full_spool_dropped_is_in_the_account_and_in_the_exit_code(programs: Programs) -> None:
    programs.producer("web-1", 4000)
    until(lambda: programs.count_told() > 12_000, 30, "more is told than the spool holds", programs)
    programs.start_all(*HUB)
    told = programs.told("web-1")
    until(lambda: programs.has_all("web-1", told), 60, "all of it is stored or declared lost", programs)
    programs.kill("web-1", signal.SIGTERM)

    code, out, err = audit(programs, "--json", "--host", "web-*", "--expect", "0")
    (account,) = json.loads(out)["producers"]
    assert (code, err) == (1, "")
    assert account["lost"] == sum(stream.lost for stream in programs.streams("web-1")) > 1000
    assert account["reasons"] == {"dropped": account["lost"]}
    assert account["sent"] == account["stored"] + account["lost"] + account["waiting"]

    assert audit(programs, "--expect", str(account["lost"]))[0] == 0
    assert "1 producer sent" in audit(programs, "--last", "1h")[1]
    code, out, err = audit(programs, "--host", "wbe-1")
    assert (code, out, err) == (100, "", "guardia audit: no producer wbe-1 was ever heard; did you mean web-1?\n")
