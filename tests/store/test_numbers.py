"""A series' number is read once, and one that has none is looked for again."""

from __future__ import annotations

from store.backends.numbers import Numbers, number_of
from store.backends.values import pack_series
from store.keys import series_key


def test_a_number_is_read_once_and_its_absence_each_time() -> None:
    numbers, asked = Numbers(2), []
    known: dict[bytes, int] = {}

    def read(key: bytes) -> int | None:
        asked.append(key)
        return known.get(key)

    assert numbers.of("sample", "web-1", read) is None
    known[series_key("sample", b"web-1")] = 7
    assert [numbers.of("sample", "web-1", read) for _ in range(3)] == [7, 7, 7]
    assert asked == [series_key("sample", b"web-1")] * 2
    assert numbers.of("nonsense", "web-1", read) is None

    for host in ("db-1", "db-2", "db-3"):
        known[series_key("sample", host.encode())] = 8
        assert numbers.of("sample", host, read) == 8
    assert numbers.of("sample", "web-1", read) == 7


def test_a_number_is_read_from_what_stands_there() -> None:
    key = series_key("sample", b"web-1")
    whole = pack_series(key, 7, 100)
    assert number_of(key, whole) == number_of(key, memoryview(whole)) == 7
    assert number_of(key, None) is None
    assert number_of(key, whole[:-1] + b"\xff") is None
    assert number_of(series_key("sample", b"web-3"), whole) is None
