"""What the agent takes at one sample a second, beside prometheus-node-exporter asked once a second."""

from __future__ import annotations

import shutil
import subprocess
import time

import requests

from benchmarks.hub import Hub, hub
from tests.ports import free_port

SECONDS = 120
SETTLED = 20.0
"""By then the agent has let go of what its start needed."""
EXPORTERS = ("prometheus-node-exporter", "node_exporter")
OURS, THEIRS = "agent", "node-exporter"


def measure(seconds: float) -> None:
    """Print memory and CPU of both, over two minutes whatever ``seconds`` says."""
    with hub('[agent]\nname = "bench-1"\n') as made:
        made.start("collector", "bus.command", "collector")
        # With a store its messages are acknowledged, as in life: receipts cost the agent something too.
        made.start("store-writer", "bus.command", "store", "writer")
        made.start(OURS, "bus.command", "agent")
        address = _exporter(made)
        names = [OURS, THEIRS] if address else [OURS]
        time.sleep(SETTLED)
        before = {name: made.cpu_seconds(name) for name in names}
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            if address:
                requests.get(address, timeout=5).raise_for_status()
            time.sleep(1)
        used = {name: (made.cpu_seconds(name) - before[name]) / SECONDS for name in names}
        for name in names:
            print(f"{name}: {100 * used[name]:.3f} % of a core, {made.resident_bytes(name) / 1e6:.1f} MB resident")
        if address:
            print(f"ratio of CPU: {used[OURS] / used[THEIRS]:.3f}")
        else:
            print("node-exporter: not installed here, not measured")


def _exporter(made: Hub) -> str | None:
    """Where the exporter answers, which ends with the hub; None where there is none."""
    program = next((found for name in EXPORTERS if (found := shutil.which(name))), None)
    if program is None:
        return None
    listen = f"127.0.0.1:{free_port()}"
    made.programs[THEIRS] = subprocess.Popen(
        [program, f"--web.listen-address={listen}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return f"http://{listen}/metrics"
