"""What is kept is bounded in bytes, and the longest unused goes first."""

from __future__ import annotations

from store.blocks.kept import EACH, Kept


def test_what_was_put_is_there_until_there_is_no_room() -> None:
    kept = Kept(8 * (100 + EACH))
    for number in range(8):
        kept.put(number, f"column {number}", 100)
    assert kept.get(0) == "column 0"

    kept.put(8, "column 8", 100)

    assert kept.get(1) is None, "0 was used since"
    assert [kept.get(number) for number in (0, 2, 8)] == ["column 0", "column 2", "column 8"]
    assert kept.bytes <= 8 * (100 + EACH)


def test_what_is_too_large_is_not_kept_and_drives_nothing_out() -> None:
    kept = Kept(8000)
    kept.put("small", 1, 100)
    kept.put("large", 2, 1001)
    assert (kept.get("small"), kept.get("large")) == (1, None)


def test_nothing_is_counted_twice() -> None:
    kept = Kept(8000)
    kept.put("one", 1, 100)
    kept.put("one", 1, 100)
    assert kept.bytes == 100 + EACH
    kept.clear()
    assert (kept.bytes, kept.get("one")) == (0, None)
