"""What is wrong with the settings of an archive is told before anything starts."""

from __future__ import annotations

from importlib import util
from pathlib import Path

import pytest

from store.config import Store

DAY = 86_400.0


def test_without_pyarrow_the_configuration_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(Store(archive="old").objections()) == []
    find_spec = util.find_spec
    monkeypatch.setattr("store.config.find_spec", lambda name: None if name == "pyarrow" else find_spec(name))
    (found,) = Store(archive="old").objections()
    assert found.key == "archive"
    assert "pyarrow" in found.found
    assert found.remedy == "pip install 'guardia[parquet]'"
    assert list(Store().objections()) == []


@pytest.mark.parametrize(
    ("store", "key"),
    [
        (Store(archive="old", archive_after_seconds=7 * DAY), "archive_after_seconds"),
        (Store(archive="old", keep_records_seconds=2 * DAY), "archive_after_seconds"),
        (Store(archive="old", keep_archive_seconds=5 * DAY), "keep_archive_seconds"),
        (Store(archive="old", backend="memory"), "archive"),
    ],
)
def test_times_have_to_fit_and_the_backend_to_be_one_with_blocks(store: Store, key: str) -> None:
    assert [one.key for one in store.objections()] == [key]


def test_a_relative_folder_is_in_the_home() -> None:
    home = Path("/srv/guardia")
    assert Store(archive="old").archive_in(home) == home / "old"
    assert Store(archive="/mnt/old").archive_in(home) == Path("/mnt/old")
    assert Store().archive_in(home) is None
