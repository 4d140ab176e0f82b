"""Screens look as they did when somebody last looked at them."""

from __future__ import annotations

from tests.viewer.snapshots import FOLDER, files, kept


def test_screens_look_as_they_did() -> None:
    names = set()
    for name, found in files():
        names.add(name)
        known = kept(name)
        assert known.keys() == found.keys(), f"{name}: python -m tests.viewer.snapshots takes them anew"
        for head, text in found.items():
            told = f"{name}, {head}: python -m tests.viewer.snapshots takes them anew; look at the difference"
            assert text == known[head], told
    assert names == {path.name for path in FOLDER.iterdir()}
