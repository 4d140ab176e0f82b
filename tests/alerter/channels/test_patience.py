"""What an answer means, and how long a receiver asks to be left alone, as a number or as a date."""

from __future__ import annotations

import time

import pytest

from alerter.channels.apprise import Apprise
from alerter.channels.common import Answer, hidden, judged, retry_after, scrubbed
from alerter.letters import Letter
from alerter.outbox import Delivered, Later, Never
from alerter.posting import Carrier
from bus.config import Secret
from tests.alerter.receiver import Receiver, Reply, unending
from tests.alerter.shapes import burning, item

DATE = "Mon, 05 Jan 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("7", 7.0),
        ("-5", 0.0),
        ("nan", 0.0),
        ("0.001", 0.0),
        ("0.99", 0.0),
        ("1", 1.0),
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


@pytest.mark.parametrize(
    ("status", "meant", "elsewhere"),
    [
        (200, Delivered, False),
        (299, Delivered, False),
        (300, Never, True),
        (399, Never, True),
        (400, Never, False),
        (408, Later, False),
        (429, Later, False),
        (499, Never, False),
        (500, Later, False),
    ],
)
def test_the_status_says_what_became_of_it(status: int, meant: type, elsewhere: bool) -> None:
    found = judged(Answer(status, {}))
    assert type(found) is meant
    assert ("leads elsewhere" in str(found)) is elsewhere


def test_a_secret_is_seen_in_none_of_the_forms_that_addresses_have() -> None:
    assert scrubbed("p@ss word, p%40ss%20word and p%40ss+word", hidden(["p@ss word"])) == "***, *** and ***"


def test_a_library_that_waits_for_its_receiver_keeps_the_channel_no_longer_than_its_timeout_and_once() -> None:
    one = item(burning())
    with Receiver() as receiver:
        channel = Apprise(url=Secret(f"json://127.0.0.1:{receiver.port}/hook?rto=30"), timeout=0.5)
        receiver.usual = Reply(act=unending)
        began = time.monotonic()
        outcomes = [channel.send(Letter(one.key, (one,)), Carrier()) for _ in range(3)]
        assert time.monotonic() - began < 20
        why = "the library was not done within 0.5 s"
        assert outcomes == [Later(None, why, maybe=True), Later(None, why), Later(None, why)]
        assert len(receiver.requests) == 1
