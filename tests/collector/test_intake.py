"""What each door lets in, and the word for whatever it does not."""

from __future__ import annotations

import struct
from zlib import crc32

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from bus.messages import Alert, Check, Heartbeat, Layout, Loss, Message, Sample
from bus.wire import MAX_FRAME, Malformed, Record, pack, record
from collector.entrance import Entrance, claimed
from collector.intake import Intake
from collector.limits import Allowance, Limits
from collector.usual import SAMPLES


def told(message: Message, source: str = "web-1", subject: str | None = None, number: int = 1) -> bytes:
    return pack(record(message, source=source, subject=subject, at=1, epoch=1, number=number))


SAMPLE = told(Sample(1, (1.0,)))
LOSS = Loss("web-2", 7, 1, 2, "damaged on disk")
LAYOUT = told(Layout(("cpu.percent",)))


def sealed(data: bytes | bytearray) -> bytes:
    """The record with its checksum made right again."""
    fixed = bytes(data[:36])
    return fixed + struct.pack(">I", crc32(bytes(data[64:]), crc32(fixed))) + bytes(data[40:])


def renamed(name: bytes) -> bytes:
    """A sample whose source is ``name``, which no producer of ours would pack."""
    made = bytearray(pack(Record("sample", "x" * len(name), "x" * len(name), 1, 1, 1, b"body")))
    made[64 : 64 + len(name)] = name
    return sealed(made)


def of_kind(code: int) -> bytes:
    made = bytearray(SAMPLE)
    made[2] = code
    return sealed(made)


def refused(frame: bytes, *, public: bool = True, sender: str | None = None) -> str:
    with pytest.raises(Malformed) as fault:
        Intake(public=public).admit(frame, sender)
    return fault.value.reason


def test_good_frames_are_admitted_with_the_name_of_their_kind() -> None:
    door = Intake(public=True)
    assert door.admit(SAMPLE) == "sample"
    assert door.admit(LAYOUT) == "layout"
    assert door.admit(SAMPLE * 5) == "sample"
    assert door.admit(told(Check("up"), source="prober", subject="shop")) == "check"


@pytest.mark.parametrize(
    ("reason", "frame"),
    [
        ("empty", b""),
        ("truncated", b"garbage"),
        ("truncated", SAMPLE[:-1]),
        ("magic", b"GET / HTTP/1.1\r\nHost: hub\r\nUser-Agent: somebody lost, with a long name\r\n\r\n"),
        ("oversize", SAMPLE * (MAX_FRAME // len(SAMPLE) + 1)),
        ("checksum", SAMPLE[:-1] + bytes((SAMPLE[-1] ^ 1,))),
        ("kind", of_kind(77)),
        ("kind", of_kind(0)),
        ("mixed", SAMPLE + LAYOUT),
        ("number", told(Sample(1, (1.0,)), number=0)),
        ("name", renamed(b"web 1")),
        ("name", renamed(b"w\xff\xfe")),
        ("name", renamed(b"../etc")),
        ("checksum", SAMPLE + SAMPLE[:-1] + bytes((SAMPLE[-1] ^ 1,)) + SAMPLE),
        ("subject", told(Sample(1, (1.0,)), subject="web-2")),
        ("subject", told(LOSS, subject="web-2")),
        ("forbidden", told(Sample(1, (1.0,)), source="guardia.store-writer")),
        ("forbidden", told(Alert("cpu", "firing"), source="web-1", subject="web-2")),
        ("forbidden", told(Heartbeat("up"), source="web-1", subject="backup")),
        ("forbidden", told(Check("up"), source="prober", subject="guardia.api-1")),
    ],
)
def test_each_fault_has_its_word(reason: str, frame: bytes) -> None:
    assert refused(frame) == reason


def test_of_many_samples_together_each_has_to_be_whole() -> None:
    door = Intake(public=True)
    door.admit(SAMPLE)  # from now on its source is known
    for place in range(3):
        bad = bytearray(SAMPLE * 3)
        bad[(place + 1) * len(SAMPLE) - 1] ^= 1
        assert not door.usual(bytes(bad), None, 0.0)
        with pytest.raises(Malformed, match="checksum"):
            door.admit(bytes(bad))


def test_the_hubs_own_door_lets_the_hub_in() -> None:
    door = Intake(public=False)
    assert door.admit(told(Sample(1, (1.0,)), source="guardia.api-1")) == "sample"
    assert door.admit(told(Alert("cpu", "firing"), source="guardia.alerter", subject="web-2")) == "alert"
    assert door.admit(told(LOSS, source="guardia.store-writer", subject="web-2")) == "loss"


def test_only_an_import_tells_what_other_hosts_measured_and_only_at_the_hubs_own_door() -> None:
    imported = told(Sample(1, (1.0,)), source="guardia.import", subject="web-2")
    assert Intake(public=False).admit(imported) == "sample"
    with pytest.raises(Malformed):
        Intake(public=True).admit(imported)
    with pytest.raises(Malformed, match="speaks for"):
        Intake(public=False).admit(told(Sample(1, (1.0,)), source="guardia.api-1", subject="web-2"))


def test_who_has_a_key_speaks_under_its_own_name_alone() -> None:
    door = Intake(public=True)
    assert door.admit(SAMPLE, "web-1") == "sample"
    assert refused(SAMPLE, sender="web-2") == "name"


def test_who_was_enrolled_as_a_host_tells_of_no_service() -> None:
    door = Intake(public=True, is_place=lambda name: name == "berlin")
    check = told(Check("down"), source="berlin", subject="shop")
    assert door.admit(check, "berlin") == "check"
    for subject in ("shop", "web-1"):
        with pytest.raises(Malformed, match="web-1 tells of services and was not enrolled with --place") as fault:
            door.admit(told(Check("down"), source="web-1", subject=subject), "web-1")
        assert fault.value.reason == "place"
    assert door.admit(told(Check("down"), source="web-1", subject="shop")) == "check", "without keys anybody may"


def test_one_bad_record_refuses_the_whole_frame() -> None:
    assert refused(SAMPLE * 3 + SAMPLE[:-1]) == "truncated"


@given(st.one_of(st.binary(max_size=400), st.binary(max_size=200).map(lambda tail: SAMPLE[:40] + tail)))
def test_whatever_bytes_come_the_door_admits_or_gives_a_word(frame: bytes) -> None:
    try:
        word = Intake(public=True).admit(frame)
    except Malformed as fault:
        word = fault.reason
    assert word.isalpha()


def word(door: Intake, frame: bytes, sender: str | None = None) -> str:
    try:
        return door.admit(frame, sender)
    except Malformed as fault:
        return f"{fault.reason}: {fault}"


BYTES = st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), max_size=2)


@given(BYTES, st.integers(0, len(SAMPLE)), st.booleans(), st.booleans(), st.sampled_from([None, "web-1", "web-2"]))
def test_a_source_that_is_known_is_told_the_same_as_one_that_is_not(
    changes: list[tuple[int, int]], size: int, whole: bool, right: bool, sender: str | None
) -> None:
    frame = bytearray(SAMPLE)
    for place, byte in changes:
        frame[place] = byte
    data = bytes(frame if whole else frame[:size])
    data = sealed(data) if right and len(data) >= 40 else data
    known = Intake(public=True)
    known.admit(SAMPLE)
    assert word(known, data, sender) == word(Intake(public=True), data, sender)


OTHERS = st.sampled_from(
    [
        SAMPLE,
        told(Sample(1, (1.0, 2.0)), number=2),
        told(Sample(1, (1.0,)), source="web-2"),
        told(Sample(1, (1.0,)), number=0),
        told(Sample(1, (1.0,)), subject="web-2"),
        LAYOUT,
        SAMPLE[:-3],
        sealed(SAMPLE[:20] + bytes(8) + SAMPLE[28:]),
    ]
)


@given(st.lists(OTHERS, min_size=1, max_size=5), BYTES, st.sampled_from([None, "web-1", "web-2"]))
def test_several_of_a_source_that_is_known_are_told_the_same_as_of_one_that_is_not(
    records: list[bytes], changes: list[tuple[int, int]], sender: str | None
) -> None:
    frame = bytearray(b"".join(records))
    for place, byte in changes:
        frame[place % len(frame)] = byte
    known = Intake(public=True)
    known.admit(SAMPLE)
    assert word(known, bytes(frame), sender) == word(Intake(public=True), bytes(frame), sender)


PAUSES = st.sampled_from([0.0, 0.05, 1.0])
# As many epochs as there are here: one too many costs a message too, which what comes together pays last.
SLOW = Allowance(messages=4.0, bytes=800.0, epochs=4)
FRAMES = st.one_of(
    st.builds(
        lambda source, epoch, count: b"".join(
            pack(record(Sample(1, (1.0,)), source=source, at=1, epoch=epoch, number=number + 1))
            for number in range(count)
        ),
        st.sampled_from(["web-1", "web-2"]),
        st.integers(1, 4),
        st.sampled_from([1, 1, 1, 2, 4]),
    ),
    st.lists(OTHERS, min_size=1, max_size=3).map(b"".join),
)
DRAINS = st.lists(st.tuples(st.lists(st.tuples(FRAMES, st.none() | st.integers(0, 900)), max_size=4), PAUSES))


class Came:
    """A socket at which these frames have come."""

    def __init__(self, frames: list[bytes]) -> None:
        self._frames = iter(frames)
        self.raw = self

    def recv(self, flag: int, *, copy: bool) -> zmq.Frame:
        for frame in self._frames:
            return zmq.Frame(frame)
        raise zmq.Again


def drained(door: Intake, limits: Limits, told: list[bytes], now: float) -> list[str]:
    """What becomes of frames that come together: those that are let in, and why the others are not."""
    words: list[str] = []
    entrance = Entrance(Came(told), door, "the door", None, limits)  # type: ignore[arg-type]
    found, count = entrance.taken(100, 10**6, now, lambda fault, sender, frame, keyed: words.append(str(fault)))
    assert count == len(told)
    return sorted(words) + [f"{kind} {frame.hex()}" for kind in sorted(found) for frame in found[kind]]


def one_by_one(door: Intake, limits: Limits, told: list[bytes], now: float) -> list[str]:
    """The same by ``admit`` alone, what is not a sample first."""
    words: list[str] = []
    found: dict[str, list[bytes]] = {}
    for frame in sorted(told, key=lambda frame: frame.startswith(SAMPLES)):
        quota = limits.of_claimed(claimed(frame), now)
        try:
            quota.frame(len(frame))
            found.setdefault(Intake.admit(door, frame, None, quota), []).append(frame)
        except Malformed as fault:
            words.append(str(fault))
            assert quota.hopeless in (True, False)
    return sorted(words) + [f"{kind} {frame.hex()}" for kind in sorted(found) for frame in found[kind]]


def left(limits: Limits) -> list[tuple[object, ...]]:
    return [
        (name, quota.messages.tokens, quota.volume.tokens, quota.patience.tokens, quota.now)
        for name, quota in sorted(limits.quotas.items())
    ]


@given(DRAINS)
def test_what_comes_together_is_judged_and_paid_for_as_it_is_one_by_one(
    drains: list[tuple[list[tuple[bytes, int | None]], float]],
) -> None:
    quick, thorough = (Intake(public=True), Limits(SLOW)), (Intake(public=True), Limits(SLOW))
    now = 0.0
    for frames, pause in drains:
        now += pause
        told = []
        for frame, broken in frames:
            place = broken % len(frame) if broken is not None else 0
            told.append(frame if broken is None else frame[:place] + bytes((frame[place] ^ 1,)) + frame[place + 1 :])
        assert drained(*quick, told, now) == one_by_one(*thorough, told, now)
        assert left(quick[1]) == left(thorough[1])


def test_what_is_usual_needs_no_purse_where_nobody_pays() -> None:
    door = Intake(public=False)
    assert not door.usual(SAMPLE, None, 0.0), "nobody was heard of yet"
    door.admit(SAMPLE)
    assert door.usual(SAMPLE, None, 0.0)
    assert door.usual(SAMPLE * 3, None, 0.0)
    assert not door.usual(SAMPLE * 3 + SAMPLE[:-1], None, 0.0)
    assert not door.usual(SAMPLE + told(Sample(1, (1.0, 2.0)), number=2), None, 0.0), "another layout: left to admit"


@pytest.mark.parametrize("known", [False, True])
def test_several_samples_in_a_frame_are_as_many_messages(known: bool) -> None:
    door, quota = Intake(public=True), Limits(Allowance(messages=100.0)).of("web-1", 0.0)
    if known:
        door.admit(SAMPLE)
    before = quota.messages.tokens
    for number in range(3):
        quota.frame(len(SAMPLE) * 4)
        door.admit(SAMPLE * 4, None, quota)
        assert quota.messages.tokens == before - 4 * (number + 1)


def test_a_sample_of_a_known_source_is_paid_for_like_any_other() -> None:
    door, limits = Intake(public=True), Limits(Allowance(epochs=2))
    quota = limits.of("web-1", 0.0)
    for epoch in (1, 2, 2, 1):
        door.admit(pack(record(Sample(1, (1.0,)), source="web-1", at=1, epoch=epoch, number=1)), None, quota)
    with pytest.raises(Malformed, match="epochs"):
        door.admit(pack(record(Sample(1, (1.0,)), source="web-1", at=1, epoch=3, number=1)), None, quota)


def test_names_that_pass_by_do_not_fill_the_memory() -> None:
    door = Intake(public=True)
    for number in range(100_500):
        door._learn(b"host-%d" % number)
    assert len(door._names) <= 100_000
