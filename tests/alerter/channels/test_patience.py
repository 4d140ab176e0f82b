"""How long a receiver asks to be left alone, as a number or as a date."""

from __future__ import annotations

import pytest

from alerter.channels.common import Answer, retry_after

DATE = "Mon, 05 Jan 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("7", 7.0),
        ("-5", 0.0),
        ("nan", 0.0),
        ("Mon, 05 Jan 2026 12:00:30 GMT", 30.0),
        ("Mon, 05 Jan 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("Mon, 05 Jan 99999999999999999999 12:00:00 GMT", None),
        ("Mon, 05 Jan 2026 12:00:00 +9999999999", None),
    ],
)
def test_patience_is_asked_for_in_seconds_or_until_a_date_and_what_is_neither_is_not_heeded(
    asked: str, seconds: float | None
) -> None:
    assert retry_after(Answer(429, {"retry-after": asked, "date": DATE})) == seconds
