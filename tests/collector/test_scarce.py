"""A collector that may open no more files goes on, and can still end connections."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from pathlib import Path

import pytest

from bus.enrolled import Enrolled, admit, folder_of
from bus.keys import new
from bus.vitals import resident_bytes
from collector.callers import Callers
from collector.hangup import address_of, hang_up
from collector.scarce import NO_FILES, NO_ROOM, in_time
from tests.descriptors import no_more_files


def test_a_connection_is_ended_without_a_file_of_one_s_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as caller, door.accept()[0] as held:
            with no_more_files():
                assert address_of(held.fileno(), port) == "127.0.0.1"
                assert hang_up(held.fileno(), port)
            assert caller.recv(1) == b""
            assert held.fileno() >= 0, "it is still its holder's"


def test_memory_is_looked_at_without_a_new_file() -> None:
    first = resident_bytes()
    with no_more_files():
        assert resident_bytes() > first // 2


def test_nobody_is_put_out_because_the_list_cannot_be_read_now(tmp_path: Path) -> None:
    own = new()
    admit(tmp_path, "web-1", own.public, 1)
    listed = Enrolled(tmp_path)
    listed.refresh()
    admit(tmp_path, "web-2", new().public, 2)

    with no_more_files(), pytest.raises(OSError, match="open files") as raised:
        listed.refresh()

    assert raised.value.errno == errno.EMFILE
    assert listed.names[own.public] == "web-1"
    assert listed.refresh() == frozenset()
    assert sorted(listed.names.values()) == ["web-1", "web-2"]
    assert folder_of(tmp_path).is_dir()


def test_a_line_that_has_run_out_lets_nobody_in_while_no_file_can_be_read(tmp_path: Path) -> None:
    late, known = new(), new()
    admit(tmp_path, "web-1", late.public, 1, until=100)
    admit(tmp_path, "web-2", known.public, 1, until=100)
    assert Enrolled(tmp_path).comes(known.public, 50)
    listed = Enrolled(tmp_path)
    callers = Callers(listed, lambda: None, clock=lambda: 101)

    with no_more_files():
        assert [callers.admitted(key.public, "10.0.0.7") for key in (late, known)] == ["unread", "unread"]
    assert callers.agents == {}
    assert [callers.admitted(key.public, "10.0.0.7") for key in (late, known)] == ["late", None]


@pytest.mark.parametrize(
    ("number", "goes_on", "without_room"),
    [
        (errno.EMFILE, True, True),
        (errno.ENFILE, True, True),
        (errno.ENOSPC, False, True),
        (errno.EDQUOT, False, True),
        (errno.EIO, False, True),
        (errno.EACCES, False, False),
    ],
)
def test_what_wants_a_file_or_room_waits_and_other_faults_are_told(
    number: int, goes_on: bool, without_room: bool
) -> None:
    def wants() -> None:
        raise OSError(number, os.strerror(number))

    for waits, passing in ((goes_on, NO_FILES), (without_room, NO_ROOM)):
        with contextlib.nullcontext() if waits else pytest.raises(OSError, match=os.strerror(number)):
            in_time(wants, passing)()
