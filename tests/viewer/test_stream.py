"""The stream of events, against a hub that is there and says nothing any more."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Iterator

import pytest
from websockets.http11 import Request
from websockets.server import ServerProtocol

from viewer.events import Event, LinkTold
from viewer.stream import Stream


@contextlib.contextmanager
def stopped() -> Iterator[str]:
    """The address of a hub that lets one client in and does nothing from then on, as after a SIGSTOP."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_let_in, args=(listener, held))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            thread.join(10)
            for client in held:
                client.close()


def _let_in(listener: socket.socket, held: list[socket.socket]) -> None:
    client, _ = listener.accept()
    held.append(client)
    server = ServerProtocol()
    while not (asked := [one for one in server.events_received() if isinstance(one, Request)]):
        server.receive_data(client.recv(65_536))
    server.send_response(server.accept(asked[0]))
    client.sendall(b"".join(server.data_to_send()))


def test_a_hub_that_stands_still_is_told_by_an_event_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    heard: queue.Queue[Event] = queue.Queue()
    before = threading.enumerate()
    with stopped() as url:
        stream = Stream(url, None, heard.put, broke=lambda error: None, patience=0.1)
        stream.start()
        assert heard.get(timeout=20) == LinkTold("live")
        lost = heard.get(timeout=20)
        stream.close()
        for thread in threading.enumerate():
            if thread not in before:  # those of the library are among them
                thread.join(20)
    assert isinstance(lost, LinkTold)
    assert (lost.state, lost.reason) == ("reconnecting", f"the connection to {url.removeprefix('http://')} broke")
    # What nobody has said where to write goes to the standard error: across the picture.
    assert not caplog.records
