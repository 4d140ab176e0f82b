"""What the agent takes at one sample a second, beside prometheus-node-exporter asked once a second."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import requests

from benchmarks.hub import free_ports, hub

SECONDS = 120
EXPORTERS = ("prometheus-node-exporter", "node_exporter")


def measure(seconds: float) -> None:
    """Print memory and CPU of both, over two minutes whatever ``seconds`` says."""
    exporter = next((found for name in EXPORTERS if (found := shutil.which(name))), None)
    with hub('[agent]\nname = "bench-1"\n') as made:
        made.start("collector", "bus.command", "collector")
        # With a store its messages are acknowledged, as in life: receipts cost the agent something too.
        made.start("store-writer", "bus.command", "store", "writer")
        made.start("agent", "bus.command", "agent")
        port = free_ports(1)[0]
        peer = (
            subprocess.Popen(
                [exporter, f"--web.listen-address=127.0.0.1:{port}"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            if exporter
            else None
        )
        try:
            time.sleep(5)
            ours, theirs = made.cpu_seconds("agent"), _cpu(peer.pid) if peer else 0.0
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                if peer:
                    requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).raise_for_status()
                time.sleep(1)
            _print("agent", made.cpu_seconds("agent") - ours, made.resident_bytes("agent"))
            if peer:
                _print("node-exporter", _cpu(peer.pid) - theirs, _resident(peer.pid))
            else:
                print("node-exporter: not installed here, not measured")
        finally:
            if peer:
                peer.terminate()
                peer.wait()


def _print(name: str, cpu: float, resident: int) -> None:
    print(f"{name}: {100 * cpu / SECONDS:.2f} % of a core, {resident / 1e6:.1f} MB resident")


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
