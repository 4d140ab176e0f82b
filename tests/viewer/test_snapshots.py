"""Screens look as they did when somebody last looked at them."""

from __future__ import annotations

from tests.viewer.snapshots import kept, pictures


def test_screens_look_as_they_did() -> None:
    known, now = kept(), pictures()
    assert known.keys() == now.keys()
    for head, text in now.items():
        assert text == known[head], f"{head}: python -m tests.viewer.snapshots takes them anew; look at the difference"
