"""Layouts that readers remember."""

from __future__ import annotations

from store.backends.names import MOST_LAYOUTS, remembered


def test_what_was_found_is_not_asked_for_again_and_what_is_missing_is() -> None:
    stored: dict[int, tuple[str, ...]] = {1: ("cpu.percent",)}
    asked: list[tuple[int, ...]] = []

    def layouts(ids: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
        asked.append(ids)
        return {one: stored[one] for one in ids if one in stored}

    found = remembered(layouts)
    assert found((1, 2)) == {1: ("cpu.percent",)}
    stored[2] = ("memory.used",)

    assert found((1, 2)) == found((1, 2)) == {1: ("cpu.percent",), 2: ("memory.used",)}
    assert asked == [(1, 2), (2,)]


def test_no_more_are_remembered_than_there_is_room_for() -> None:
    asked: list[tuple[int, ...]] = []

    def layouts(ids: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
        asked.append(ids)
        return {one: (f"m{one}",) for one in ids}

    found = remembered(layouts)
    many = tuple(range(MOST_LAYOUTS + 1))
    for _ in range(2):
        assert found(many) == {one: (f"m{one}",) for one in many}
    for one in many:
        assert found((one,)) == {one: (f"m{one}",)}

    assert found((0,)) == {0: ("m0",)}
    assert asked == [many, many, *((one,) for one in many), (0,)]
