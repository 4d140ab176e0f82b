"""The alerter as it is, with a clock behind each sample that it judged: ``python -m benchmarks.judged FILE``.

At its end it writes to FILE how many samples were judged, how long each took from being received by the collector to
having been judged by all rules, and how long from being sent; in ms.
"""

from __future__ import annotations

import json
import sys
import time
from array import array
from pathlib import Path

from alerter import __main__ as alerter
from alerter import handing, listening
from alerter.judge import Judge
from bus.messages import HUB
from bus.wire import Record


def main(result: Path) -> int:
    """Run the alerter to its end; returns its exit code."""
    lags, ways = array("d"), array("d")
    clock = time.time_ns
    plain = handing.hand

    def judged(judge: Judge, record: Record, received: int) -> None:
        plain(judge, record, received)
        if record.kind == "sample" and not record.subject.startswith(HUB):
            now = clock()
            lags.append((now - received) / 1e6)
            ways.append((now - record.sent) / 1e6)

    listening.hand = judged  # type: ignore[attr-defined]
    code = alerter.main([])
    result.write_text(json.dumps({"samples": len(lags), "lags_ms": list(lags), "ways_ms": list(ways)}))
    return code


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
