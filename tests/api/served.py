"""A worker's application on a real socket, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import uvicorn

from api.app import create_app
from api.connections import Http
from api.frames import Frames
from api.leaving import App
from tests.api.house import House

T = TypeVar("T")
PATIENCE = 30.0


class Served:
    """Where it listens, and its loop."""

    def __init__(self, house: House, app: App, **options: Any) -> None:
        self.house = house
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        limits = {"most": options.pop("most", 1000), "read_seconds": options.pop("read_seconds", 10.0)}
        limits["unread_seconds"] = options.pop("unread_seconds", 60.0)
        limits["unread_bytes"] = options.pop("unread_bytes", 2**28)
        http = Http.limits(**limits)
        self.waiting = http.waiting
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="uvloop",
                http=http,
                ws=Frames,
                ws_per_message_deflate=False,
                log_config=None,
                lifespan="on",
                timeout_graceful_shutdown=1,
                **options,
            )
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(PATIENCE)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
            self._loop = runner.get_loop()
            runner.run(self._serve())

    async def _serve(self) -> None:
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started and not serving.done():
            await asyncio.sleep(0.005)
        self._ready.set()
        await serving

    def on_loop(self, call: Callable[[], T]) -> T:
        """Call on the server's loop and return what it returned."""
        assert self._loop is not None

        async def called() -> T:
            return call()

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(PATIENCE)

    def until(self, true: Callable[[], bool]) -> None:
        """Wait on the server's loop until something holds."""
        assert self._loop is not None

        async def waiting() -> None:
            async with asyncio.timeout(PATIENCE):
                while not true():
                    await asyncio.sleep(0.005)

        asyncio.run_coroutine_threadsafe(waiting(), self._loop).result(PATIENCE + 1)

    @property
    def connections(self) -> set[Any]:
        """The open connections."""
        return set(self._server.server_state.connections)

    def url(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.port}{path}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


@contextlib.contextmanager
def serving(
    house: House,
    *,
    auth_seconds: float = 5.0,
    again_seconds: float = 30.0,
    lifespan: object | None = None,
    **options: Any,
) -> Iterator[Served]:
    """Serve the house's application until the end of the block."""
    served = Served(
        house,
        create_app(house.hub, auth_seconds=auth_seconds, again_seconds=again_seconds, lifespan=lifespan),
        **options,
    )
    try:
        yield served
    finally:
        served.stop()


@contextlib.contextmanager
def dialled(served: Served) -> Iterator[socket.socket]:
    client = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
    with client:
        yield client


def rest(client: socket.socket) -> bytes:
    """Everything until the server closes."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := client.recv(65_536):
            data += chunk
    return data
