"""A producer whose connections come to nothing rests between them, and comes back by itself."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.delivering import VAIN
from bus.messages import Facts
from tests.bus.test_delivering import NOON, Rig


class HangsUp:
    """Takes every connection, and ends it at once."""

    def __init__(self, path: Path) -> None:
        self.times: list[float] = []
        self._path = path
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(16)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                # Before its end is seen: nobody knows of more connections than stand here.
                self.times.append(time.monotonic())
                connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        self._path.unlink(missing_ok=True)


@pytest.fixture
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    made = Rig(tmp_path_factory.mktemp("r"))
    yield made
    made.context.destroy(linger=0)


def test_after_some_connections_in_vain_it_rests_longer_and_longer_and_then_goes_on(rig: Rig) -> None:
    rig.until(lambda: rig.deliverer.heard is not None, "it was heard")
    rig.shut()
    hangs_up, door = HangsUp(rig.folder / "receipts"), HangsUp(rig.folder / "door")
    rig.deliverer.tell(Facts(kernel="during"), at=NOON)
    rig.until(lambda: rig.deliverer._rest_timer is not None, "it rests")
    assert len(hangs_up.times) >= VAIN, "at first it hurries"
    rests = list[tuple[float, int]]()
    for count in range(VAIN + 1, VAIN + 5):
        rig.until(lambda count=count: len(hangs_up.times) >= count, "it rested once")  # type: ignore[misc]
        before = len(door.times)
        rig.until(lambda count=count: len(hangs_up.times) > count, "and once more")  # type: ignore[misc]
        rests.append((hangs_up.times[count] - hangs_up.times[count - 1], len(door.times) - before))
        # Until a busy machine sees that it was in vain once more, the door's road goes on: one rest of four tells.
        if rests[-1][1] <= 4:
            break
    assert rests[-1][1] <= 4, "the door's road rests as well"
    assert rests[-1][0] > 0.5
    hangs_up.close()
    door.close()
    rig.open()
    rig.until(lambda: "during" in rig.bodies() and not rig.unacknowledged, "it came back and said what it had kept")
    assert rig.deliverer._vain == 0


def test_a_new_way_is_tried_at_once_whatever_was_in_vain_before(rig: Rig) -> None:
    rig.until(lambda: rig.deliverer.heard is not None, "it was heard")
    rig.shut()
    hangs_up = HangsUp(rig.folder / "receipts")
    rig.until(lambda: rig.deliverer._rest_timer is not None, "it rests")
    hangs_up.close()
    rig.open()
    rig.deliverer.tell(Facts(kernel="after"), at=NOON)
    rig.deliverer.reconnect()
    assert rig.deliverer._rest_timer is None
    rig.until(lambda: "after" in rig.bodies() and not rig.unacknowledged, "it is back")
