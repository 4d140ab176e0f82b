"""Hands records to the judge, each by what it is of. Pure."""

from __future__ import annotations

from alerter.judge import Judge
from bus.messages import HUB, IMPORT, KINDS, split_sample
from bus.wire import Record


def hand(judge: Judge, record: Record, received: int) -> None:
    """Hand one record to the judge; a body that is none of ours is left out, and so is what was imported."""
    if record.source == IMPORT:
        return
    if record.kind == "sample":
        judge.sample(record, received)
        return
    try:
        message = KINDS[record.kind].decode(record.body)
    except ValueError:
        return
    if record.kind == "check":
        judge.check(record, message, received)
    elif record.kind == "layout":
        judge.layout(message.id, message.names, record.source)
    elif record.kind == "facts":
        judge.facts(record, message, received)
    elif record.kind == "loss" and record.source.startswith(HUB):
        # What a producer says of its own disk the store tells again, as a loss of that producer's.
        judge.loss(message, received)


def layout_of(record: Record) -> int:
    """The layout of a sample; 0 when its body is none of ours."""
    try:
        return split_sample(record.body)[0]
    except ValueError:
        return 0
