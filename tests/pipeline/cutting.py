"""A network that is cut without a word, and then a bad one: ``unshare --net python -m tests.pipeline.cutting``.

The hub runs in one network, the host in another, and this program carries the packets between them. Words: the seconds
of the cut, the seconds of the bad path, messages a second. Prints what was told, stored, doubled and lost, how much of
it got through while the path was bad, and how long it took, once the path was good again, until all had arrived.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from tests.pipeline.joined import Joined
from tests.pipeline.path import HERE, Path
from tests.pipeline.programs import Programs, until

LOSS, DELAY = 0.2, 0.2
"""Of the bad path: the share of packets lost and the seconds that each takes, both ways."""
NAME = "web-1"


def main(cut: float, bad: float, rate: float) -> None:
    """Cut, heal badly, heal, account."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    path = Path()
    hub = Programs("keys = true\n", HERE)
    host = Joined(hub, NAME, rate, path.within)
    try:
        hub.start("collector")
        hub.start("store-writer")
        host.enrol()
        host.start()

        def stored() -> int:
            return sum(stream.stored for stream in hub.streams(NAME))

        def goes_on(seconds: float, what: str) -> None:
            goal = hub.count_told() + rate * seconds
            until(lambda: hub.count_told() > goal, 3 * seconds + 20, what, hub)

        until(lambda: stored() > rate / 2, 40, "load", hub)
        path.up = False
        goes_on(cut, "told during the cut")
        after_cut, told_by_then = stored(), hub.count_told()
        path.up, path.loss, path.delay = True, LOSS, DELAY
        goes_on(bad, "told over the bad path")
        after_bad = stored()
        path.loss, path.delay = 0.0, 0.0
        healed = time.monotonic()
        told = hub.told(NAME)
        until(lambda: hub.has_all(NAME, told), 80, "everything has arrived", hub)
        found = hub.stored(NAME)
        print(
            json.dumps(
                {
                    "told": len(told),
                    "missed_in_the_cut": told_by_then - after_cut,
                    "stored_over_the_bad_path": after_bad - after_cut,
                    "packets_dropped": path.dropped,
                    "missing": sum(one.value not in found for one in told),
                    "doubled": sum(times > 1 for times in found.values()),
                    "ledger": len(hub.lost(NAME)),
                    "seconds": time.monotonic() - healed,
                }
            )
        )
    finally:
        host.stop()
        hub.close()
        path.close()


if __name__ == "__main__":
    main(*map(float, sys.argv[1:4]))
