"""How long PostgreSQL is waited for, and that what ends one wait ends nothing else."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from store.backends import StoreBroken, postgres_server


def test_what_ends_a_statement_just_as_it_is_done_never_ends_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    over, done, cancelled = threading.Event(), threading.Event(), list[bool]()

    class Late(threading.Timer):
        """Its time is over, but its thread gets no turn until somebody cancels it."""

        def run(self) -> None:
            self.finished.wait(self.interval)
            over.set()
            self.finished.wait()
            done.wait(0.2)
            self.function()

    class Server:
        def cancel_safe(self, timeout: float) -> None:
            cancelled.append(done.is_set())

    def one() -> None:
        try:
            with postgres_server._bounded(server):
                assert over.wait(60)
        finally:
            done.set()

    server: Any = Server()
    monkeypatch.setattr(postgres_server, "TRANSACTION_SECONDS", 0.01)
    monkeypatch.setattr(threading, "Timer", Late)
    with pytest.raises(StoreBroken, match="not done within"):
        one()
    assert cancelled == [False], "while the statement was the last one"
