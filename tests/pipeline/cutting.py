"""A network cut without a word, in a network of its own: ``unshare --net python -m tests.pipeline.cutting SECONDS``.

Everything runs over the loopback device of a network namespace. Taking that device down drops every packet, and
nobody is told. Prints how many messages were told, stored, doubled, lost, and how long it took after the cut until
everything had arrived.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from tests.pipeline.programs import Programs, until

RATE = 1000.0


def _device(state: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


def main(seconds: float) -> None:
    """Cut, heal, account."""
    _device("up")
    programs = Programs()
    try:
        programs.start("collector")
        programs.start("store-writer")
        programs.producer("web-1", RATE)
        until(lambda: len(programs.stored("web-1")) > 500 if programs.streams("web-1") else False, 20, "load", programs)
        _device("down")
        before = programs.count_told()
        until(lambda: programs.count_told() > before + RATE * seconds, 3 * seconds, "told during the cut", programs)
        during = sum(stream.stored for stream in programs.streams("web-1"))
        _device("up")
        healed = time.monotonic()
        told = programs.told("web-1")
        until(lambda: programs.has_all("web-1", told), 60, "everything has arrived", programs)
        stored = programs.stored("web-1")
        print(
            json.dumps(
                {
                    "told": len(told),
                    "stored_at_the_end_of_the_cut": during,
                    "missing": sum(one.value not in stored for one in told),
                    "doubled": sum(times > 1 for times in stored.values()),
                    "ledger": len(programs.lost("web-1")),
                    "seconds": time.monotonic() - healed,
                }
            )
        )
    finally:
        programs.close()


if __name__ == "__main__":
    main(float(sys.argv[1]))
