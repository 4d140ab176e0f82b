"""The speaker as the settings describe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from alerter.channels.common import Channel, hidden
from alerter.heartbeat import Heartbeat
from alerter.memory import Memory
from alerter.outbox import Policy
from alerter.posting import Carrier
from alerter.routes import Notify, routes
from alerter.speaker import Means, Speaker
from bus.mending import mend
from bus.messages import Notice
from bus.producer import Voice
from bus.program import Program
from bus.records import lacking
from bus.workers import Workers

SPARE = 2
"""Threads beside one for each channel: for the heartbeat and for drills."""
FIRST_BEAT_SECONDS = 3.0
"""After the start, when the past is caught up with."""


def means(notify: Notify, channels: Mapping[str, Channel]) -> Means:
    """By what people are told."""
    policy = Policy(notify.group_seconds, notify.storm_count, notify.failover_seconds, notify.expire_seconds)
    return Means(channels, routes(notify, channels), policy, carrier(notify), notify.link)


def carrier(notify: Notify) -> Carrier:
    """What carries requests, and where to."""
    return Carrier(notify.private_networks, notify.proxy.reveal() if notify.proxy else "", notify.authority)


def threads(program: Program[Any]) -> Workers:
    """What runs attempts off the loop: a thread for each channel and some more, also of those that are added."""

    def enough() -> int:
        return len(program.settings["channels"]) + SPARE

    workers = Workers(program.loop, enough(), "notice")
    program.loop.on_stop(workers.close)
    program.on_reload.append(lambda _: workers.at_least(enough()))
    return workers


def beating(program: Program[Any], workers: Workers, why_not: Callable[[], str]) -> None:
    """Let the outbound heartbeat go out, where there is an address for it, while ``why_not`` gives nothing."""
    program.at_start = ("notify.heartbeat_url", "notify.heartbeat_seconds")
    notify: Notify = program.settings["notify"]
    if notify.heartbeat_url is None:
        return
    url = notify.heartbeat_url.reveal()
    heartbeat = Heartbeat(url, carrier(notify), workers, why_not, program.log, hidden((url,)))
    program.loop.every(notify.heartbeat_seconds, heartbeat.beat)
    program.loop.after(FIRST_BEAT_SECONDS, heartbeat.beat)
    program.vitals.source(heartbeat.vitals)
    program.on_reload.append(lambda _: heartbeat.use(carrier(program.settings["notify"])))


def speaking(program: Program[Any], memory: Memory, voice: Voice, workers: Workers) -> Speaker:
    """The speaker of this room; its counters are among the room's own."""

    def tell(notice: Notice, subject: str, at: int) -> None:
        voice.tell(notice, at=at, subject=subject)

    ways = means(program.settings["notify"], program.settings["channels"])
    speaker = Speaker(memory, ways, loop=program.loop, workers=workers, log=program.log, tell=tell)
    program.vitals.source(speaker.vitals)
    program.vitals.source(lambda: broken(program.settings["channels"]))
    name_broken(program)
    mend(program, "channels")
    program.on_reload.append(lambda _: speak_anew(program, speaker))
    return speaker


def name_broken(program: Program[Any]) -> None:
    """Tell the log which channels lack a secret."""
    for name, channel in program.settings["channels"].items():
        if why := lacking(channel):
            program.log.error("the channel %s can tell nobody: %s", name, why)


def speak_anew(program: Program[Any], speaker: Speaker) -> None:
    """Tell people by the settings that were read again."""
    speaker.use(means(program.settings["notify"], program.settings["channels"]))
    name_broken(program)


def broken(channels: Mapping[str, Channel]) -> dict[str, float | None]:
    """Which channels can tell nobody because a secret is lacking, as readings."""
    found = {name: float(bool(lacking(channel))) for name, channel in channels.items()}
    return {"channels.broken": sum(found.values()), **{f"channels[{name}].broken": n for name, n in found.items()}}
