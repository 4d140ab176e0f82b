"""What of a life by the hour is let pass, and that nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.spans import name_of
from tests.faults.hourly import checked
from tests.powercut import hourly
from tests.powercut.sealing import START
from tests.store.given import HOUR

NOW = START + 5 * HOUR


def missed(*hours: int, rows: int = 3) -> str:
    names = (name_of(START + hour * HOUR, "1h") for hour in hours)
    files = "; ".join(f"blocks/sample/raw/{name}: is not there: {rows} rows" for name in names)
    return f"{files}; {rows * len(hours)} sample are missing"


@pytest.mark.parametrize(
    ("why", "passes"),
    [
        ("", True),
        (missed(0), True),
        (missed(0, 1), True),
        (missed(2), False),
        (missed(0, 2), False),
        (missed(0) + "; 1 check are missing", False),
        (missed(0).partition("; ")[2], False),
        ("blocks/sample/raw/x: the checksum does not hold; " + missed(0), False),
        ("of web-1 there are [1], told were [1, 2]", False),
    ],
)
def test_what_was_too_old_alone_may_be_missed(why: str, passes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hourly, "checked", lambda folder, said: why)
    assert checked(Path(), [f"until {START}", f"until {NOW}"]) == ("" if passes else why)


def test_what_is_missed_before_its_time_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hourly, "checked", lambda folder, said: missed(0))
    assert checked(Path(), [f"until {NOW - 2 * HOUR}"]) == missed(0)
