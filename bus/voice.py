"""A program's voice whose words are kept on disk until the store has them: its spool, its roads and its keys.

What only counts while it is new is told by ``Program.producer`` instead, which keeps nothing and carries no LMDB.
"""

from __future__ import annotations

import time
from typing import Any

import zmq

from bus import standing
from bus.delivering import Deliverer
from bus.keys import KeysFault
from bus.messages import HUB
from bus.program import Program, TryAgain
from bus.sockets import Hear, Push
from bus.spool import Spool, SpoolLimits, fault_teller
from bus.spool.doubt import BAD
from bus.ways import Ways

KEYS_SECONDS = 4.9
"""So often an agent looks, in a pass that there is anyway, whether it has other keys."""
SPOOL_SECONDS = 9.7
"""So often it is looked whether a spool was found damaged since."""

AGENT = "agent"
"""The program whose name is its host's, and changes with it."""
UNHEARD_SECONDS = 3600.0
"""A hub that was heard within this time is where it was; after it, its name may lead there by another address."""
LEFT = (
    "%d messages of %s wait in %s: nobody sends them now; an agent of that name would, and if they are not wanted, "
    "remove the folder"
)


def deliverer(
    program: Program[Any],
    source: str | None = None,
    *,
    public: bool = False,
    gather_seconds: float = 0.0,
    patient: bool = False,
) -> Deliverer:
    """What ``source`` speaks with, None: the room itself, until the program ends; raises ``TryAgain``.

    ``public``: over the network's roads, as an agent; otherwise over the hub's own. What is told within
    ``gather_seconds``, and not flushed before, shares one commit. A ``patient`` one is woken for no receipt that
    nothing waits for.
    """
    source = source or HUB + program.name
    side = program.address("side_door"), program.address("side_receipts")
    ways = _ways(program, source, side) if public else None
    spool = _spool(program, source)

    def elsewhere() -> bool:
        assert ways is not None
        heard = voice.heard is not None and time.monotonic() - voice.heard < UNHEARD_SECONDS
        return ways.elsewhere(heard=heard)

    push = Push(program.context)
    push.raw.setsockopt(zmq.LINGER, 200)
    voice = Deliverer(
        program.loop,
        push,
        Hear(program.context),
        spool,
        source,
        door=side[0],
        receipts=side[1],
        log=program.log,
        way=ways,
        elsewhere=elsewhere if ways else None,
        gather_seconds=gather_seconds,
        patient=patient,
    )
    voice.start()
    if ways is not None:
        if program.name == AGENT:  # of several who share a home each leaves the others' to them
            _tell_of_former_names(program, source)
        program.loop.in_passing(KEYS_SECONDS, lambda: look_at_keys(program, ways, voice))
        note = standing.Note(program.run_dir, program.name, voice)
        program.loop.in_passing(standing.LOOK_SECONDS, note.look)
        program.loop.on_stop(note.forget)
    return voice


def _spool(program: Program[Any], source: str) -> Spool:
    path = program.home / "spool" / source
    try:
        spool = Spool(path, _limits(program), source=source, now=time.monotonic(), wall=time.time_ns())
    except BlockingIOError:
        raise TryAgain(f"{path} is in use by another process") from None
    except OSError as error:
        raise TryAgain(f"cannot open {path}: {(error.strerror or str(error)).lower()}") from None
    tell_faults = fault_teller(spool.faults, program.log)
    tell_faults()
    program.loop.in_passing(SPOOL_SECONDS, tell_faults)
    return spool


def _tell_of_former_names(program: Program[Any], source: str) -> None:
    """Say of what this host spooled under other names that it waits for nobody."""
    folder, limits = program.home / "spool", _limits(program)
    for path in sorted(folder.glob("*/data.mdb")):
        name = path.parent.name
        if name == source or name.startswith(HUB) or BAD in name:
            continue
        try:
            spool = Spool(path.parent, limits, source=name, now=time.monotonic(), wall=time.time_ns())
        except OSError:  # another process sends them, or nobody can read them
            continue
        waiting = sum(max(0, one.last - max(one.acked, one.base - 1)) for one in spool.kept())
        spool.close(time.monotonic(), time.time_ns())
        if waiting:
            program.log.warning(LEFT, waiting, name, path.parent)


def _limits(program: Program[Any]) -> SpoolLimits:
    return SpoolLimits(bytes=program.bus.spool_bytes, seconds=program.bus.spool_seconds)


def _ways(program: Program[Any], source: str, side: tuple[str, str]) -> Ways:
    try:
        ways = Ways(program.home, program.bus, side, source)
    except KeysFault as fault:
        raise TryAgain(str(fault)) from None
    if ways.member is not None and ways.member.name != source:
        raise TryAgain(f"this host was enrolled as {ways.member.name} and calls itself {source}")
    return ways


def look_at_keys(program: Program[Any], ways: Ways, voice: Deliverer) -> None:
    """Go on with other keys where there are any; raises ``TryAgain`` where they are for another name."""
    try:
        changed = ways.changed()
    except KeysFault as fault:
        program.log.error("the keys are not used: %s", fault)
        return
    if changed:
        if ways.member is not None and ways.member.name != voice.source:
            if waiting := voice.courier.sender.unacknowledged:
                left = program.home / "spool" / voice.source
                program.log.warning(LEFT, waiting, voice.source, left)
            raise TryAgain(f"this host was enrolled as {ways.member.name}")
        program.log.info("the keys changed: connecting to the hub anew")
        voice.reconnect()
