"""``guardia collector``: the wiring."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bus.process import keep_heap
from bus.program import Program, run
from bus.sockets import Post, Publish, Pull
from collector import guard
from collector.config import Collector
from collector.door import Door
from collector.intake import Intake
from collector.public import Public
from collector.receipts import Receipts
from collector.refusals import Refusals, Report
from collector.scarce import NO_ROOM, in_time

HEAP_BYTES = 4_194_304
"""What comes is given back to the heap soon, and asked of it again: some times what is taken at once, and a frame."""
HELP = "guardia collector 2 runs the second one of this hub, for the second address in [bus] door."


def build(program: Program[Collector], place: int = 1) -> None:
    """Open the doors and the stair, and connect them; ``place``: which collector of the hub this is."""
    config, loop = program.config, program.loop
    guard.expected(program.bus, program.settings.path, place)

    keep_heap(HEAP_BYTES)
    refusals = Refusals()
    stair = Publish(program.context, queue=config.queue)
    door = Door(
        stair,
        refusals,
        program.vitals,
        drain_frames=config.drain_frames,
        drain_bytes=config.drain_bytes,
        place=place,
    )
    side, settle = Pull(program.context), Pull(program.context)
    side_post = Post(program.context)
    receipts = Receipts(stair, settle, refusals, program.vitals)
    public = Public(program, door, receipts, refusals, place)

    program.bind(stair, "stair", place)
    public.open()
    program.bind(side, "side_door", place)
    program.bind(side_post, "side_receipts", place)
    program.bind(settle, "settle", place)

    loop.on_readable(side.raw, door.opened(side, Intake(public=False), name="the side door"))
    loop.on_readable(side_post.raw, receipts.opened(side_post, name="the receipts' side door", public=False))
    loop.on_readable(settle.raw, receipts.settle)
    report = Report(refusals, program.log.warning, program.run_dir, program.name)
    loop.every(config.report_seconds, in_time(report.tell, NO_ROOM))
    program.vitals.source(refusals.readings)
    program.vitals.source(receipts.readings)
    program.vitals.source(public.readings)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the collector, or with a number the second, third ... of this hub; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    place = int(words.pop(0)) if words and words[0].isdecimal() and len(words[0]) < 4 else 1
    part = str(place) if place != 1 else ""
    return run("collector", Collector, lambda program: build(program, place), part=part, argv=words, more=HELP)


if __name__ == "__main__":
    raise SystemExit(main())
