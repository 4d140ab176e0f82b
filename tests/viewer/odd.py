"""Hosts, alarms and services that fit nowhere: long names, wide characters, many cores and filesystems.

``python -m tests.viewer.odd --port 8080`` runs a hub that knows them, to look at them by hand.
"""

from __future__ import annotations

import argparse
import threading
import time
from dataclasses import dataclass
from typing import Any

from tests.viewer import burning
from tests.viewer.fleet import GIB, InventedHost
from tests.viewer.hub import Hub

LONG = "production-frankfurt-rack-17-blade-03.internal.example.org"
WIDE = "東京データベース主系サーバー"
REASON = (
    "disk[/srv/volumes/customers/archive-2025].percent is 97.31, above 95 for 4 h 12 min; it grows by 1.4 GiB an hour "
    "and will be full in 38 min; 日本語の理由も読める; the last write failed with: no space left on device"
)


@dataclass(slots=True)
class OddHost(InventedHost):
    """A host with 30 filesystems, some of them with long names, and as many sensors as a big machine has."""

    def value(self, metric: str, at: float) -> float | None:
        mount, _, what = metric.removeprefix("disk[").partition("].")
        if mount in MOUNTS:
            place = MOUNTS.index(mount)
            total, full = (place + 1) * 37 * GIB, 0.31 + 0.022 * place
            return {"total": total, "used": total * full, "free": total * (1 - full), "percent": 100 * full}[what]
        if metric == "load.1m":
            return 1234.5
        return InventedHost.value(self, metric, at)

    def metrics(self) -> list[str]:
        found = InventedHost.metrics(self)
        found += [f"disk[{mount}].{what}" for mount in MOUNTS for what in ("total", "used", "free", "percent")]
        return found + [f"temperature[coretemp/Core {core}].celsius" for core in range(self.cores)]


MOUNTS = ("/srv/データ", *(f"/srv/volumes/customers/archive-{2000 + n}" for n in range(26)))


def hosts(now: float) -> dict[str, InventedHost]:
    """One that is large and one that is far away, one with a wide name, one that fell silent, one never seen."""
    found = (
        OddHost("big-1", cores=64),
        InventedHost(LONG, cores=2),
        InventedHost("db-9", display=WIDE),
        InventedHost("old-1", state="stale", silent_since=now - 3e7),
        InventedHost("new-1", state="unknown"),
    )
    return {host.name: host for host in found}


def alarms(now: float) -> list[dict[str, Any]]:
    """A reason that goes on and on, on the large host and on those with long and wide names."""
    found = []
    for place, name in enumerate(("big-1", LONG, "db-9")):
        one = burning.alarms({name: InventedHost(name)}, now)[0]
        more = {"reason": REASON, "rule": "filesystem-fills-within-the-hour", "instance": MOUNTS[-1 - place]}
        known = {"owner": "王小明", "at": one["since"], "note": f"ordered a larger one. {REASON}"}
        hold = {"cause": "silence", "detail": f"silenced by 王小明 until 18:00: {REASON}", "until": None}
        more |= {"display": WIDE if name == "db-9" else name, "severity": ("critical", "warning", "info")[place]}
        found.append({**one, **more, "acknowledged": known if place else None, "holds": [hold] if place == 2 else []})
    return found


class OddHub(Hub):
    """A hub that knows all of these."""

    def _own(self, word: str, query: dict[str, list[str]], now: float) -> tuple[int, dict[str, Any]]:
        if word == "alerts":
            return 200, {"alerts": alarms(now)}
        return super()._own(word, query, now)


def main() -> None:
    """Run such a hub by hand."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    hub = OddHub(hosts(time.time()), port=parser.parse_args().port, rate=5)
    hub.services = {LONG: "up", WIDE: "down", "shop": "degraded"}
    print(hub.url, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
