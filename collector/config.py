"""The table ``[collector]``."""

from __future__ import annotations

from dataclasses import dataclass

from bus.config import setting


@dataclass(frozen=True)
class Collector:
    """How the door works."""

    drain_frames: int = setting(
        1000, minimum=1, maximum=100_000, help="At most this many frames are taken at once from one door."
    )
    drain_bytes: int = setting(
        4_194_304, minimum=65_536, unit="bytes", help="At most this many bytes are taken at once."
    )
    queue: int = setting(
        100_000,
        minimum=100,
        help="Bus frames a subscriber may lag behind before frames are dropped for it alone.",
    )
    report_seconds: float = setting(
        10.0, minimum=1, unit="s", help="Refused frames are told in the log once in this time."
    )
    known_as: str = setting(
        "",
        pattern=r"[A-Za-z0-9.:-]{0,253}",
        form="a host name or an address without a port",
        help="Where agents find this hub, for the lines that guardia enroll prints; empty: the address in [bus] door, "
        "or this machine's name.",
    )
