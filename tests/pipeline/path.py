"""A network path between two networks of the kernel that loses and delays packets, or carries none.

Each network has a TUN device; the path is the program that carries packets from one to the other. It needs no netem,
which many kernels lack. Making one needs the rights of root in the network that it is made in.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable

HERE, THERE = "10.77.0.1", "10.77.0.2"
MOST_WAITING = 5000
"""Packets on their way; what comes beyond is dropped, as a router does."""
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
_MTU = 1500


def device(address: str) -> int:
    """A TUN device in this process's network, up and with this address; returns what its packets are read from."""
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH14x", b"path0", _IFF_TUN | _IFF_NO_PI))
    for words in (("addr", "add", f"{address}/30", "dev", "path0"), ("link", "set", "path0", "up")):
        subprocess.run(["ip", *words], check=True)
    return file


class Path:
    """The path and the network at its far end; ``close`` ends both.

    ``loss`` is the share of packets that are dropped each way, ``delay`` how many seconds each takes, ``up`` whether
    there is a path at all; all may be set at any time.
    """

    def __init__(self, seed: int = 1) -> None:
        self.loss, self.delay, self.up = 0.0, 0.0, True
        self.carried = self.dropped = 0
        self._random = random.Random(seed)
        ours, theirs = socket.socketpair()
        self._far = subprocess.Popen(
            ["unshare", "--net", sys.executable, "-m", "tests.pipeline.path", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        with ours:
            ours.settimeout(20)
            _, files, _, _ = socket.recv_fds(ours, 1, 1)
        self._files = (device(HERE), files[0])
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    @property
    def within(self) -> list[str]:
        """The beginning of a command that runs at the far end."""
        return ["nsenter", f"--net=/proc/{self._far.pid}/ns/net"]

    def close(self) -> None:
        """End the path and the far network."""
        self._closing.set()
        self._thread.join(10)
        for file in self._files:
            os.close(file)
        self._far.kill()
        self._far.wait(10)

    def _carry(self) -> None:
        poll = select.poll()
        other = dict(zip(self._files, reversed(self._files), strict=True))
        for file in self._files:
            poll.register(file, select.POLLIN)
        waiting: list[tuple[float, int, int, bytes]] = []
        order = 0
        while not self._closing.is_set():
            wait = min(0.1, max(0.0, waiting[0][0] - time.monotonic())) if waiting else 0.1
            for file, _ in poll.poll(wait * 1000):
                for packet in _packets(file):
                    if not self.up or self._random.random() < self.loss or len(waiting) >= MOST_WAITING:
                        self.dropped += 1
                        continue
                    order += 1
                    heapq.heappush(waiting, (time.monotonic() + self.delay, order, other[file], packet))
            while waiting and waiting[0][0] <= time.monotonic():
                _, _, file, packet = heapq.heappop(waiting)
                self.carried += 1
                with contextlib.suppress(BlockingIOError):
                    os.write(file, packet)


def _packets(file: int, most: int = 64) -> list[bytes]:
    found: list[bytes] = []
    with contextlib.suppress(BlockingIOError):
        while len(found) < most:
            found.append(os.read(file, _MTU + 64))
    return found


def _far(file: int, wait: Callable[[], object]) -> None:
    """The far network: make its device, hand it over, and stay."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with socket.socket(fileno=file) as theirs:
        socket.send_fds(theirs, [b"."], [device(THERE)])
    wait()


if __name__ == "__main__":
    _far(int(sys.argv[1]), signal.pause)
