"""What one attempt of a check costs this side in CPU, beside ``requests.get`` and bare ``http.client``.

    python -m benchmarks.attempts

The server is a process of its own, whose CPU does not count. Every attempt is a connection of its own, over HTTPS with
a whole handshake.
"""

from __future__ import annotations

import http.client
import multiprocessing
import ssl
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import requests

from bus.deadline import Guard
from prober.checks.http import Http
from prober.names import Names
from prober.probe import Probe
from prober.reach import Reach
from tests.prober import certs
from tests.prober.site import Site
from tests.prober.targets import listening

RUNS, ATTEMPTS = 5, 400
GUARD = Guard()
REACH = Reach(("127.0.0.0/8",), Names())


def serve(pipe: Connection, folder: Path) -> None:
    """Serve until the other end of the pipe closes."""
    with listening(Site()) as plain, certs.listening_tls(certs.good(), Site()) as secure:
        certs.authority_file(folder)
        pipe.send((plain, secure))
        pipe.poll(None)


def attempt(check: Http) -> None:
    """As the prober makes one."""
    deadline = GUARD.deadline(check.timeout)
    try:
        found = check.run(Probe(deadline, REACH))
        assert found.good, found.reason
    finally:
        deadline.close()


def with_requests(url: str, authority: str) -> None:
    """As a script would do it."""
    assert "ok" in requests.get(url, timeout=10, verify=authority).text


def bare(port: int, context: ssl.SSLContext | None) -> None:
    """The least that Python's own library needs, judging nothing."""
    connection = (
        http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
        if context
        else http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    )
    connection.request("GET", "/health", headers={"Connection": "close"})
    connection.getresponse().read()
    connection.close()


def microseconds(call: Callable[[], None]) -> float:
    """CPU of one call, the median of several runs."""
    for _ in range(20):
        call()
    found = []
    for _ in range(RUNS):
        begun = time.process_time()
        for _ in range(ATTEMPTS):
            call()
        found.append((time.process_time() - begun) / ATTEMPTS * 1e6)
    return statistics.median(found)


def main() -> None:
    """Print a line for each."""
    ours, theirs = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, Path(folder)), daemon=True)
        server.start()
        plain, secure = ours.recv()
        authority = str(Path(folder) / "authority.pem")
        trusted = ssl.create_default_context(cafile=authority)
        for scheme, port, context in (("http", plain, None), ("https", secure, trusted)):
            url = f"{scheme}://127.0.0.1:{port}/health"
            check = Http(name="shop", url=url, tls_authority=authority, body_pattern="ok", interval=10.0)
            calls: dict[str, Callable[[], None]] = {
                "a check": partial(attempt, check),
                "requests.get": partial(with_requests, url, authority),
                "http.client": partial(bare, port, context),
            }
            for name, call in calls.items():
                print(f"{scheme:5} {name:12} {microseconds(call):6.0f} us CPU")
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
