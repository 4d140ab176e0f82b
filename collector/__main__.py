"""``guardia collector``: the wiring."""

from __future__ import annotations

from collections.abc import Sequence

from bus.program import Program, run
from bus.sockets import Post, Publish, Pull
from collector.config import Collector
from collector.door import Door
from collector.intake import Intake
from collector.public import Public
from collector.receipts import Receipts
from collector.refusals import Refusals
from collector.report import Report


def build(program: Program[Collector]) -> None:
    """Open the doors and the stair, and connect them."""
    config, loop = program.config, program.loop

    refusals = Refusals()
    stair = Publish(program.context, queue=config.queue)
    door = Door(
        stair,
        refusals,
        program.vitals,
        drain_frames=config.drain_frames,
        drain_bytes=config.drain_bytes,
    )
    side, settle = Pull(program.context), Pull(program.context)
    side_post = Post(program.context)
    receipts = Receipts(stair, settle, refusals, program.vitals)
    public = Public(program, door, receipts, refusals)

    program.bind(stair, "stair")
    public.open()
    program.bind(side, "side_door")
    program.bind(side_post, "side_receipts")
    program.bind(settle, "settle")

    loop.on_readable(side.raw, door.opened(side, Intake(public=False), name="the side door"))
    loop.on_readable(side_post.raw, receipts.opened(side_post, name="the receipts' side door", public=False))
    loop.on_readable(settle.raw, receipts.settle)
    report = Report(refusals, program.log.warning, program.run_dir)
    loop.every(config.report_seconds, report.tell)
    program.vitals.source(refusals.readings)
    program.vitals.source(receipts.readings)
    program.vitals.source(public.readings)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the collector to its end; returns its exit code."""
    return run("collector", Collector, build, argv=argv)


if __name__ == "__main__":
    raise SystemExit(main())
