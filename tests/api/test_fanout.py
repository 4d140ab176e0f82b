"""Who gets which event."""

from __future__ import annotations

import json
from typing import Any

from api.fanout import Fanout, Wish, text_frame
from api.live import Live
from api.views.events import USUAL, WORDS, parse_place
from bus.messages import Alert, Check, Layout, Message, Process, Processes
from tests.api import contract
from tests.api.given import FACTS, NOON, SECOND, UP, Collector, a_record, reading

EVERYTHING = Wish(WORDS)


class Listener:
    """A client that keeps what it was sent."""

    def __init__(self) -> None:
        self.data = b""
        self.waiting = 0
        self.dropped: tuple[int, str] | None = None

    def write(self, frames: bytes) -> None:
        self.data += frames

    def unread(self) -> int:
        return self.waiting

    def drop(self, code: int, reason: str) -> None:
        self.dropped = (code, reason)

    def events(self) -> list[Any]:
        """What came, each checked against the contract."""
        found, data = [], self.data
        while data:
            size, start = data[1] & 127, 2
            if size == 126:
                size, start = int.from_bytes(data[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(data[2:10], "big"), 10
            assert data[0] == 0x81
            found.append(json.loads(data[start : start + size]))
            contract.event(found[-1])
            data = data[start + size :]
        return found


class House:
    """A fan-out with a collector before it."""

    def __init__(self, **options: Any) -> None:
        self.live = Live()
        self.fanout = Fanout(self.live, lambda name: name.title(), now=NOON - SECOND, **options)
        self.collector = Collector()
        self.now = NOON

    def tell(self, *messages: Message, subject: str = "web-1") -> None:
        for message in messages:
            self.now += SECOND
            record = a_record(message, subject=subject, at=self.now)
            self.fanout.take(self.collector.frame([record], self.now))
        self.fanout.flush()

    def listen(self, wish: Wish = EVERYTHING, after: str | None = None) -> Listener:
        listener = Listener()
        if place := parse_place(after or ""):
            listener.data = b"".join(iter(self.fanout.missed(wish, place, self.now).__next__, None))
        self.fanout.join(wish, listener)
        return listener


def types(listener: Listener) -> list[str]:
    return [event["type"] for event in listener.events()]


def test_a_sample_becomes_one_metric_event() -> None:
    house = House()
    listener = house.listen()
    house.tell(*reading())

    (event,) = listener.events()
    assert event["type"] == "metric"
    assert event["server_id"] == "web-1"
    assert event["display_name"] == "Web-1"
    assert event["timestamp"] == "2026-01-31T12:00:02.000Z"
    assert event["metrics"]["cpus"]["average_usage"] == 12.5
    assert "values" not in event


def test_with_values_the_event_also_carries_every_number() -> None:
    house = House()
    plain, flat = house.listen(), house.listen(Wish(WORDS, values=True))
    house.tell(*reading())

    assert flat.events()[0]["values"]["temperature[nvme/Composite].celsius"] is None
    assert flat.events()[0]["values"]["memory.used"] == 2_000_000_000
    assert "values" not in plain.events()[0]


def test_every_kind_has_its_event() -> None:
    house = House()
    listener = house.listen()
    house.tell(FACTS, Processes((Process(1, "init", "root", 0.1, 1000),)), Alert("cpu", "firing", started_at=NOON))
    house.tell(UP, subject="shop")
    assert types(listener) == ["facts", "processes", "alert", "service_check"]


def test_a_service_check_has_whole_milliseconds() -> None:
    house = House()
    listener = house.listen()
    house.tell(UP, subject="shop")
    (event,) = listener.events()
    assert event["response_time_ms"] == 125
    assert event["ssl_expiry_days"] == 60


def test_a_check_that_could_not_be_made_is_not_told() -> None:
    house = House()
    listener = house.listen()
    house.tell(Check("unknown"), subject="shop")
    assert listener.events() == []


def test_without_a_wish_only_what_old_clients_know_comes() -> None:
    house = House()
    listener = house.listen(Wish(USUAL))
    house.tell(*reading(), FACTS, Processes(()))
    assert types(listener) == ["metric"]


def test_subjects_are_filtered() -> None:
    house = House()
    listener = house.listen(Wish(WORDS, ("db-*",)))
    house.tell(*reading())
    house.tell(*reading(), subject="db-1")
    assert [event["server_id"] for event in listener.events()] == ["db-1"]


def test_rooms_of_the_hub_are_not_told() -> None:
    house = House()
    listener = house.listen()
    house.tell(*reading(), subject="guardia.collector")
    assert listener.events() == []


def test_a_host_that_is_listed_no_more_does_not_come_back_by_the_stream() -> None:
    house = House(gone=lambda name: name == "old-1")
    listener = house.listen()
    house.tell(*reading(), FACTS, subject="old-1")
    house.tell(UP, subject="old-1")
    house.tell(*reading())
    assert types(listener) == ["service_check", "metric"], "a service may be called as a host is"
    assert types(house.listen(after="1.1.0")) == ["gap", "service_check", "metric"]


def test_a_first_sample_without_rates_is_not_told() -> None:
    house = House()
    listener = house.listen(Wish(WORDS, values=True))
    house.tell(*reading({"cpu.percent": None}))
    assert listener.events() == []


def test_a_sample_waits_for_its_layout() -> None:
    house = House()
    listener = house.listen()
    layout, sample = reading()
    house.tell(sample)
    assert listener.events() == []
    assert house.fanout.unknown_layouts() == {layout.id}
    house.tell(layout)
    assert types(listener) == ["metric"]
    assert not house.fanout.waiting


def test_another_layout_does_not_let_it_go() -> None:
    house = House()
    listener = house.listen()
    house.tell(reading()[1], Layout(("cpu.percent",)))
    assert listener.events() == []
    assert house.fanout.waiting


def test_nothing_is_decoded_while_nobody_listens() -> None:
    house = House()
    house.tell(reading()[1])
    assert not house.fanout.waiting


def test_all_clients_of_one_wish_get_the_same_bytes() -> None:
    house = House()
    listeners = [house.listen() for _ in range(3)]
    house.tell(*reading())
    assert listeners[0].data
    assert len({listener.data for listener in listeners}) == 1


def test_a_client_that_does_not_read_is_dropped_alone_and_told_why() -> None:
    house = House(unread_bytes=1000)
    slow, quick = house.listen(), house.listen()
    slow.waiting = 1001
    house.tell(*reading())

    assert slow.dropped == (4408, "too slow: 1001 bytes unread")
    assert quick.dropped is None
    assert types(quick) == ["metric"]
    assert house.fanout.clients == 1


def test_a_client_that_left_hears_nothing_more() -> None:
    house = House()
    listener = house.listen()
    house.fanout.leave(listener)
    house.tell(*reading())
    assert listener.data == b""
    assert house.fanout.clients == 0


def test_frames_that_the_bus_lost_are_told_as_a_gap() -> None:
    house = House()
    listener, facts_only = house.listen(), house.listen(Wish(frozenset({"facts", "gap"})))
    house.tell(*reading())
    house.collector.frame([a_record(reading()[1])])  # never arrives
    house.tell(reading()[1])

    assert types(listener) == ["metric", "gap", "metric"]
    assert listener.events()[1]["missed"] == 1
    assert types(facts_only) == []
    assert house.fanout.lost == 1


def test_a_new_collector_is_no_gap_unless_its_first_frames_are_missing() -> None:
    house = House()
    listener = house.listen()
    house.tell(*reading())
    house.collector = Collector(incarnation=8)
    house.tell(reading()[1])
    assert types(listener) == ["metric", "metric"]


def test_what_nobody_tells_again_soon_is_lacking_where_frames_of_it_are_missed() -> None:
    house = House()

    def lacking() -> set[str]:
        found, house.fanout.lacking = house.fanout.lacking, set()
        return found

    house.tell(*reading())
    assert lacking() == {"facts", "check"}, "it may have been told before the worker listened"
    house.tell(UP, FACTS)
    assert lacking() == set()
    for missed in (reading()[1], UP, FACTS):
        house.collector.frame([a_record(missed)])  # never arrives
    house.tell(reading()[1])
    assert lacking() == set(), "samples come again soon"
    house.tell(UP)
    assert lacking() == {"check"}
    house.collector = Collector(incarnation=8)
    house.tell(reading()[1])
    assert lacking() == {"facts", "check"}, "as it may have been before the worker listened to this collector"


def test_a_client_that_returns_gets_exactly_what_it_missed() -> None:
    house = House()
    first = house.listen()
    house.tell(*reading())
    last = first.events()[-1]["id"]
    house.fanout.leave(first)
    house.tell(reading()[1], FACTS)

    again = house.listen(after=last)
    house.tell(UP, subject="shop")

    assert types(again) == ["metric", "facts", "service_check"]
    ids = [event["id"] for event in again.events()]
    assert ids == sorted(ids, key=lambda one: parse_place(one) or ())
    assert last not in ids


def test_a_client_that_returns_is_told_what_this_worker_missed_itself() -> None:
    house = House()
    first = house.listen()
    house.tell(*reading())
    last = first.events()[-1]["id"]
    house.collector.frame([a_record(reading()[1])])  # never arrives
    house.tell(reading()[1])
    assert types(house.listen(after=last)) == ["gap", "metric"]
    assert types(house.listen(Wish(frozenset({"alert", "gap"})), after=last)) == []
    newest = first.events()[-1]["id"]
    assert types(house.listen(after=newest)) == []


def test_of_one_millisecond_each_event_has_an_id_and_a_client_gets_what_it_missed() -> None:
    house = House()
    frames = [house.collector.frame([a_record(reading()[0])], NOON)]
    for moment in range(NOON, NOON + 5_000, 1000):
        frames += [house.collector.frame([a_record(message)], moment) for message in (reading()[1], FACTS)]
    every = house.listen()
    for frame in frames:
        house.fanout.take(frame)
    house.fanout.flush()
    ids = [event["id"] for event in every.events()]

    assert len(set(ids)) == 10
    for place, last in enumerate(ids):
        again = house.listen(after=last)
        assert [event["id"] for event in again.events() if "id" in event] == ids[place + 1 :]


def test_ids_are_the_same_in_every_worker() -> None:
    one, other = House(), House()
    first, second = one.listen(), other.listen()
    layout, sample = reading()
    for message in (layout, sample):
        frame = one.collector.frame([a_record(message)], NOON)
        for house in (one, other):
            house.fanout.take(frame)
            house.fanout.flush()
    assert first.data == second.data


def test_a_client_that_returns_too_late_is_told_of_the_gap() -> None:
    house = House(replay_bytes=2000)
    first = house.listen()
    house.tell(*reading())
    last = first.events()[-1]["id"]
    house.tell(*[reading()[1]] * 20)

    again = house.listen(after=last)
    assert types(again)[0] == "gap"
    assert again.events()[0]["missed"] is None
    assert types(again)[1:] == ["metric"] * (len(types(again)) - 1)


def test_a_client_of_before_the_clock_was_set_back_is_told_of_the_gap() -> None:
    house = House()
    first = house.listen()
    house.tell(*reading())
    last = first.events()[-1]["id"]
    house.now -= 3600 * SECOND
    house.tell(reading()[1])
    returned = house.listen(after=last)
    assert types(returned) == ["gap"]
    house.tell(reading()[1])
    assert types(returned) == ["gap", "metric"]


def test_what_comes_while_a_client_is_told_what_it_missed_is_told_too() -> None:
    house = House()
    first = house.listen()
    house.tell(*reading())
    place = parse_place(first.events()[-1]["id"])
    assert place is not None
    house.tell(reading()[1], FACTS)

    again, missed = Listener(), house.fanout.missed(EVERYTHING, place, house.now)
    for found in missed:
        again.data += found or b""
        if found:
            house.tell(UP, subject="shop")
            break
    while (found := next(missed)) is not None:
        again.data += found
    assert types(again) == ["metric", "facts", "service_check"]
    house.tell(UP, subject="shop")
    while (found := next(missed)) is not None:
        again.data += found
    assert types(again) == ["metric", "facts", "service_check", "service_check"]


def test_what_is_forgotten_while_a_client_is_told_what_it_missed_is_a_gap() -> None:
    house = House(replay_bytes=2000)
    first = house.listen()
    house.tell(*reading())
    place = parse_place(first.events()[-1]["id"])
    assert place is not None
    house.tell(reading()[1])

    again, missed = Listener(), house.fanout.missed(EVERYTHING, place, house.now)
    while not again.data:
        again.data += next(missed) or b""
    house.tell(*[FACTS] * 20)
    while (found := next(missed)) is not None:
        again.data += found
    told = types(again)
    assert told[:2] == ["metric", "gap"]
    assert set(told[2:]) == {"facts"}


def test_long_texts_are_framed_with_their_length() -> None:
    assert text_frame(b"a" * 125)[:2] == b"\x81\x7d"
    assert text_frame(b"a" * 126)[:4] == b"\x81\x7e\x00\x7e"
    assert text_frame(b"a" * 65_536)[:10] == b"\x81\x7f" + (65_536).to_bytes(8, "big")
