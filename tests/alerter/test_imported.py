"""Nobody is judged by what was imported."""

from __future__ import annotations

from alerter.handing import hand
from alerter.judge import Judge
from bus.messages import IMPORT, Check, Message, Sample
from bus.wire import record


def test_the_past_of_another_monitor_makes_no_alarm_and_no_subject() -> None:
    made = Judge([], now=0)
    messages: list[Message] = [Sample(1, (99.0,)), Check("down")]
    for number, message in enumerate(messages, 1):
        hand(made, record(message, source=IMPORT, subject="web-1", at=5, epoch=1, number=number, sent=9), 9)
    assert not made.subjects

    hand(made, record(messages[1], source="prober", subject="web-1", at=5, epoch=1, number=3, sent=9), 9)
    assert len(made.subjects) == 1
