"""``guardia collector``: the wiring."""

from __future__ import annotations

from collections.abc import Sequence

from bus.program import Program, run
from bus.sockets import Publish, Pull
from collector import guard
from collector.config import Collector
from collector.door import Door
from collector.intake import Intake
from collector.refusals import Refusals


def build(program: Program[Collector]) -> None:
    """Open the doors and the stair, and connect them."""
    guard.check(program.bus, program.settings.path)
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
    public, side = Pull(program.context), Pull(program.context)

    program.bind(stair, "stair")
    program.bind(public, "door")
    program.bind(side, "side_door")

    loop.on_readable(public.raw, door.opened(public, Intake(public=True), name="the door"))
    loop.on_readable(side.raw, door.opened(side, Intake(public=False), name="the side door"))
    loop.every(config.report_seconds, lambda: refusals.report_to(program.log.warning))
    program.vitals.source(refusals.readings)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the collector to its end; returns its exit code."""
    return run("collector", Collector, build, argv=argv)


if __name__ == "__main__":
    raise SystemExit(main())
