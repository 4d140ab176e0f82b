"""Layouts that nothing refers to are forgotten, of one source only so many are kept, and every row keeps its names."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bus.delivery.fence import Fence
from bus.delivery.receiver import Receiver
from bus.messages import Layout, Sample, layout_id
from bus.questions import Series
from bus.timing import DAY, HOUR, MINUTE, SECOND
from bus.wire import Record, pack, read, stamped, unstamped
from store.account import MANY_NAMES, Account
from store.answers import answer
from store.backends import Backend
from store.backends.lmdb import LmdbBackend
from store.batch import Batch
from store.layouts import EACH, FORGET_AFTER, HEARD_EVERY, Ledger, forgotten_before
from store.rows import Row
from store.sealer import Pace, Sealer
from tests.store.given import LAYOUT, NOON, batch, layout, sample, told

KEEP = {"sample": 7 * DAY}
MOST = 200_000


def of(name: str, number: int, *, host: str = "web-1", at: int) -> list[Record]:
    """A sample of one metric of its own, after its layout."""
    names = Layout((f"{name}.value",))
    return [told(names, number, host=host, at=at), told(Sample(names.id, (1.5,)), number + 1, host=host, at=at)]


class Store:
    """A store with its sealer, on a clock that is set."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.backend = LmdbBackend(path, write=True)
        self._open_sealer()

    def _open_sealer(self) -> None:
        pace = Pace(quiet=-(2**62), keep={"1m": 400 * DAY})
        self.sealer = Sealer(
            self.path, self.backend.partitions, self.backend.layouts, pace, logging.getLogger("guardia")
        )

    def tell(self, *records: Record, now: int) -> None:
        self.backend.commit(batch(records, now), now)

    def seal(self, now: int) -> None:
        """Seal what is due, and let the writer remove it."""
        while self.sealer.turn(now):
            pass
        while self.backend._past.sealed.unlink(2**62, self.backend._note_sealed):
            pass

    def known(self) -> set[int]:
        return set(self.backend._layouts.ids)

    def close(self) -> None:
        self.sealer.close()
        self.backend.close()

    def reopened(self, now: int | None = None) -> None:
        self.close()
        self.backend = LmdbBackend(self.path, write=True)
        if now is not None:
            self.backend._layouts._began = now
        self._open_sealer()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "store")
    yield made
    made.close()


def values(backend: Backend, metric: str, at: int, host: str = "web-1") -> list[float | None]:
    """What is answered of the minute."""
    found = answer(backend, Series(host, (metric,), at, at + MINUTE - 1, step=MINUTE))
    return [value for column in found.columns for value in column.last]


def test_of_one_source_so_many_bytes_are_kept_and_others_have_their_own() -> None:
    ledger = Ledger()
    assert [ledger.learn(n, "bad", 100, NOON, 3 * (100 + EACH)) for n in range(5)] == [True, True, True, False, False]
    assert ledger.learn(2, "bad", 100, NOON, 0), "one that is known is no new one"
    assert ledger.learn(4, "web-1", 100, NOON, 3 * (100 + EACH))
    ledger.forget(0)
    assert ledger.learn(5, "bad", 100, NOON, 3 * (100 + EACH))


def test_what_is_heard_again_is_written_once_an_hour() -> None:
    ledger = Ledger()
    ledger.load(1, "web-1", 10, NOON)
    ledger.hear(1, NOON + HEARD_EVERY - 1)
    assert not ledger.changed
    ledger.hear(1, NOON + HEARD_EVERY)
    assert ledger.changed == {1}
    assert ledger[1].heard == NOON + HEARD_EVERY
    ledger.hear(1, NOON)
    assert ledger[1].heard == NOON, "the clock was put back"
    assert ledger.stale(NOON) == []
    assert ledger.stale(NOON + 1) == [1]


def test_rows_that_wait_hold_the_layouts_of_their_time() -> None:
    assert forgotten_before(NOON, []) == NOON - FORGET_AFTER
    assert forgotten_before(NOON, [NOON - HOUR, NOON - 9 * DAY]) == NOON - 9 * DAY - 2 * HEARD_EVERY


def test_a_layout_is_forgotten_when_its_rows_are_in_blocks_and_still_read(store: Store) -> None:
    store.tell(*of("old", 1, at=NOON), *of("new", 2, at=NOON + SECOND), now=NOON)
    old, new = layout_id(("old.value",)), layout_id(("new.value",))
    later = NOON + FORGET_AFTER + HOUR
    store.backend.retain(KEEP, later)
    assert store.known() == {old, new}, "its rows are in no block yet"
    store.seal(NOON + 2 * DAY)
    store.backend._layouts.hear([old, new], NOON)  # the seal was made by the clock of this machine
    store.backend.retain(KEEP, later)
    assert store.known() == {new}, "the newest sample of the host is of the other one"
    store.reopened()
    assert store.known() == {new}
    assert values(store.backend, "old.value", NOON) == [1.5]
    rows: list[Row] = store.backend.rows("sample", "web-1", NOON, NOON + DAY)
    ids = tuple(read(row[2])[0].message().layout for row in rows)
    assert set(ids) == {old, new}
    assert store.backend.layouts(ids) == {old: ("old.value",), new: ("new.value",)}
    assert store.backend.layouts((old, 5)) == {old: ("old.value",)}


def test_what_is_sealed_late_has_its_names_and_comes_back_when_it_is_told_again(store: Store) -> None:
    store.tell(*of("old", 1, at=NOON), now=NOON)
    store.seal(NOON + 2 * DAY)
    store.tell(layout(), sample(1, at=NOON + 5 * DAY), now=NOON + 5 * DAY)
    store.backend._layouts.hear([layout_id(("old.value",))], NOON)
    store.seal(NOON + 9 * DAY)
    store.backend.retain(KEEP, NOON + 9 * DAY)
    assert store.known() == {LAYOUT.id}
    store.tell(*of("old", 2, at=NOON + 9 * DAY), *of("old", 3, at=NOON + MINUTE), now=NOON + 9 * DAY)
    assert store.known() == {LAYOUT.id, layout_id(("old.value",))}
    assert values(store.backend, "old.value", NOON + 9 * DAY) == [1.5]
    store.seal(NOON + 11 * DAY)
    assert values(store.backend, "old.value", NOON) == [1.5]
    assert values(store.backend, "old.value", NOON + MINUTE) == [1.5]


@pytest.mark.parametrize("again", [False, True])
def test_rows_of_times_to_come_keep_their_names(store: Store, again: bool) -> None:
    keep = {"sample": 500 * DAY}  # they are kept for as long as all else from when they were told
    store.tell(*of("clock", 1, at=NOON + 400 * DAY), layout(), sample(1), now=NOON)
    store.tell(*of("none", 2, host="zz", at=NOON), layout("zz"), sample(2, host="zz"), now=NOON)
    store.tell(layout(), sample(3, at=NOON + 401 * DAY), now=NOON)
    store.seal(NOON + 2 * DAY)
    store.backend._layouts.hear([LAYOUT.id, layout_id(("clock.value",)), layout_id(("none.value",))], NOON)
    store.backend.retain(keep, NOON + 5 * DAY)
    assert store.known() == {LAYOUT.id, layout_id(("clock.value",))}
    assert values(store.backend, "clock.value", NOON + 400 * DAY) == [1.5]
    if again:
        store.reopened(NOON + 400 * DAY + MINUTE)
    # their hour has come, and is not sealed yet
    store.backend.retain(keep, NOON + 400 * DAY + 2 * MINUTE)
    assert values(store.backend, "clock.value", NOON + 400 * DAY) == [1.5]
    store.seal(NOON + 402 * DAY)
    assert values(store.backend, "clock.value", NOON + 400 * DAY) == [1.5]


def test_a_store_of_an_earlier_version_has_heard_of_all_its_layouts_just_now(store: Store) -> None:
    store.tell(*of("old", 1, at=NOON), layout(), sample(1), now=NOON)
    with store.backend._state.begin(write=True) as txn:
        txn.drop(store.backend._layouts._heard)
    store.reopened()
    ledger = store.backend._layouts._ledger
    assert {ledger[one].source for one in store.known()} == {""}
    assert all(ledger[one].heard > NOON for one in store.known())


def accounted(backend: Backend) -> tuple[Account, Callable[[list[Record], int], Batch]]:
    account = Account(
        Receiver(backend.generation, 1),
        Fence(b""),
        may_learn=lambda source, names, now: backend.may_learn(source, names, now, MOST),
    )

    def take(records: list[Record], now: int) -> Batch:
        made = Batch()
        for one in records:
            frame = stamped(one.kind, 1, 1, now, [pack(one)])
            stamp, start = unstamped(frame)
            account.take(made, stamp.kind, frame, start, stamp.received)
        account.write_down(made, now)
        return made

    return account, take


def test_who_invents_names_with_each_sample_fills_its_own_share_and_no_more(backend: Backend) -> None:
    account, take = accounted(backend)
    known = 0
    for minute in range(20):
        now = NOON + minute * MINUTE
        records = []
        for n in range(100):
            records += of(f"m{minute}.{n}", 2 + 2 * (minute * 100 + n), host="bad", at=now + n)
        honest = Layout((f"mine{minute}.value",))
        values_of = [told(honest, 2 * minute + 2, at=now), told(Sample(honest.id, (2.0,)), 2 * minute + 3, at=now)]
        backend.commit(take([*records, *values_of], now), now)
        account.committed()
        known = len(backend.layouts(tuple(layout_id((f"m{m}.{n}.value",)) for m in range(20) for n in range(100))))
    assert 0 < known <= MOST // EACH
    assert account.counts["rejected"] == 2000 - known
    mine = tuple(layout_id((f"mine{minute}.value",)) for minute in range(20))
    assert len(backend.layouts(mine)) == 20, "an honest source has its own share"
    said: list[str] = []
    account.report_to(said.append)
    assert said == [f"bad: {2000 - known} messages rejected, {MANY_NAMES}"]
    assert len(backend.rows("sample", "bad", NOON, NOON + HOUR)) == 2000, "the samples themselves are there"


def test_the_share_holds_after_a_new_start_and_is_free_again_when_names_are_forgotten(store: Store) -> None:
    def learn(name: str, now: int) -> bool:
        return store.backend.may_learn("bad", (f"{name}.value",), now, 3 * EACH)

    account, take = accounted(store.backend)
    for number, name in enumerate(("a", "b")):
        store.backend.commit(take(of(name, 2 + 2 * number, host="bad", at=NOON), NOON), NOON)
        account.committed()
    assert not learn("c", NOON)
    store.reopened()
    assert not learn("c", NOON)
    assert learn("a", NOON)
    store.seal(NOON + 2 * DAY)
    store.backend._layouts.hear([layout_id(("a.value",)), layout_id(("b.value",))], NOON)
    store.backend.retain(KEEP, NOON + 4 * DAY)
    assert learn("c", NOON + 4 * DAY)


def test_what_was_announced_and_not_stored_leaves_its_sources_account(store: Store) -> None:
    names = ("queue[1].length",)
    assert store.backend.may_learn("web-1", names, NOON, 500)
    assert not store.backend.may_learn("web-1", ("queue[2].length",), NOON, 500)

    store.backend.retain(KEEP, NOON + FORGET_AFTER + HOUR)

    assert layout_id(names) not in store.backend._layouts._ledger
    assert store.backend.may_learn("web-1", ("queue[2].length",), NOON + FORGET_AFTER + HOUR, 500)
