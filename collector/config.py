"""The table ``[collector]``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bus.addresses import is_host
from bus.config import Objection, setting
from collector.limits import Allowance

HOST_FORM = "a host name or an address without a port"


@dataclass(frozen=True)
class Collector:
    """How the door works."""

    # 250 wide samples are 150 kB: they stay in the processor's cache, and their memory is used again; of 1000 at once
    # each page is asked of the kernel anew. Of frames that hold many samples the bytes are what counts.
    drain_frames: int = setting(
        250, minimum=1, maximum=100_000, help="At most this many frames are taken at once from one door."
    )
    drain_bytes: int = setting(
        262_144,
        minimum=65_536,
        unit="bytes",
        help="At most this many bytes are taken at once.",
    )
    queue: int = setting(
        100_000,
        minimum=100,
        help="Bus frames a subscriber may lag behind before frames are dropped for it alone.",
    )
    report_seconds: float = setting(
        10.0, minimum=1, unit="s", help="Refused frames are told in the log once in this time."
    )
    messages_per_second: float = setting(
        20_000.0,
        minimum=1,
        help="What one agent may say; whatever is more is refused and counted, and the agent sends it again, slower.",
    )
    bytes_per_second: float = setting(
        16_777_216.0, minimum=1_048_576, unit="bytes", help="The same in bytes; twice as much at once."
    )
    hellos_per_second: float = setting(2.0, minimum=0.1, help="How often one agent may ask for its receipts.")
    layout_bytes_per_second: float = setting(
        65_536.0, minimum=1024, unit="bytes", help="New layouts, which may be new series, that one agent may announce."
    )
    epochs: int = setting(
        128,
        minimum=1,
        maximum=100_000,
        help="Epochs of one agent that are let in within a minute; the store keeps to 64.",
    )
    metrics: int = setting(
        10_000,
        minimum=1,
        maximum=1_000_000,
        help="New names of metrics that one agent may tell within a day, where a new layout counts as one more for each"
        " hundred names. Layouts beyond that are refused, and samples of them kept without names.",
    )
    subjects: int = setting(
        10_000,
        minimum=1,
        maximum=1_000_000,
        help="New services that one place may speak about within a day; what it says of others is refused.",
    )
    connections: int = setting(
        25_000,
        minimum=10,
        maximum=1_000_000,
        help="Connections in all, of which each agent has two; fewer where the system lets a process open fewer files.",
    )
    connections_per_address: int = setting(
        4096, minimum=1, maximum=1_000_000, help="Connections of one address that is not this machine's."
    )
    handshake_seconds: float = setting(
        5.0, minimum=0.1, maximum=60, unit="s", help="Who has not shown a key within this time is hung up on."
    )
    peer_queue: int = setting(
        1000, minimum=10, maximum=100_000, help="Frames of one connection that wait here; then the network waits."
    )
    memory_bytes: int = setting(
        2_147_483_648,
        minimum=67_108_864,
        unit="bytes",
        help="With more memory than this, or than half of what the machine, its container or unit has, the collector "
        "ends and starts anew, and nothing is lost; a thousand agents need 85 MB.",
    )
    known_as: str = setting(
        "",
        pattern=r"[A-Za-z0-9._:-]{0,253}",
        form=HOST_FORM,
        help="Where agents find this hub, for the lines that guardia enroll prints; empty: the address in [bus] door, "
        "or this machine's name.",
    )

    def objections(self) -> Iterator[Objection]:
        """Ports come from ``[bus]``: one behind the name would be part of an address that leads nowhere."""
        if self.known_as and not is_host(self.known_as):
            yield Objection("known_as", f'"{self.known_as}"', HOST_FORM, "its ports stand in [bus] door and receipts")

    @property
    def allowance(self) -> Allowance:
        """What each agent may take."""
        return Allowance(
            messages=self.messages_per_second,
            bytes=self.bytes_per_second,
            hellos=self.hellos_per_second,
            layout_bytes=self.layout_bytes_per_second,
            epochs=self.epochs,
            metrics=self.metrics,
            subjects=self.subjects,
        )
