"""Services under the real supervisord: checked over a kill of the prober, and by a file that is read again."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.served import Served
from tests.system.supervised import Hub, until

pytestmark = pytest.mark.system
SETTINGS = """
[prober]
private_networks = ["127.0.0.1"]
[[services]]
name = "shop"
url = "{url}"
interval = "1s"
retries = 0
grace = 3
"""


def service(hub: Hub, name: str) -> dict[str, Any]:
    """The service as the API tells it; empty while it does not."""
    rows = (hub.ask("services") or {"services": []})["services"]
    return next((row for row in rows if row["name"] == name), {})


def test_a_prober_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    served = Served()
    hub = Hub(tmp_path, SETTINGS.format(url=served.url))
    try:
        hub.start()
        until(lambda: service(hub, "shop").get("state") == "up", 60, f"the service is up: {hub.log.read_text()}")
        served.status = 500
        until(lambda: service(hub, "shop").get("state") == "down", 60, "the service is down after three checks")

        pid = hub.pids()["prober"]
        os.kill(pid, signal.SIGKILL)
        until(lambda: hub.pids().get("prober") not in (None, pid), 60, "the prober is started again")
        count = served.count
        until(lambda: served.count > count + 1, 60, "the service is checked again")
        found = until(lambda: service(hub, "shop"), 60, "the service is told")
        assert found["state"] == "down", "what was counted is not forgotten"
        assert "500" in found["reason"]

        served.status = 200
        until(lambda: service(hub, "shop").get("state") == "up", 60, "the service is up again")

        def stored() -> set[str]:
            return {row["status"] for row in (hub.ask("services/shop/checks") or {"checks": []})["checks"]}

        until(lambda: {"up", "down"} <= stored(), 60, "both are in its history")

        # A further service is checked once the file is read again, without a restart.
        pid = hub.pids()["prober"]
        text = hub.config.read_text()
        hub.config.write_text(f'{text}[[services]]\nname = "second"\nurl = "{served.url}2"\ninterval = "1s"\n')
        os.kill(pid, signal.SIGHUP)
        until(lambda: service(hub, "second").get("state") == "up", 60, "the second service is up")
        assert hub.pids()["prober"] == pid
        status = hub.guardia("service", "test", "shop", "second")
        assert status.returncode == 0, status.stderr + status.stdout
    finally:
        hub.stop()
        served.stop()
