"""An environment that cannot be opened now can be opened by the same process later."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from store.backends import StoreBroken
from store.backends.environments import environment


def test_what_was_opened_in_vain_is_closed_whoever_still_holds_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LMDB opens no file twice in a process, and an error holds all that its frames hold."""

    def failing(folder: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(folder))

    with monkeypatch.context() as patched:
        patched.setattr("bus.mapped.sync_folder", failing)
        with pytest.raises(StoreBroken, match="Input/output error") as kept:
            environment(tmp_path, write=True)

    opened = environment(tmp_path, write=True)

    with opened.begin(write=True) as txn:
        txn.put(b"key", b"value")
    opened.close()
    assert kept.traceback, "whoever holds the error holds what it came from"
