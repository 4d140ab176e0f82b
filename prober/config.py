"""The table ``[prober]``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bus.addresses import is_host, network
from bus.config import Objection, setting
from bus.messages import HUB
from bus.tables import MOST_PORT, NAME_FORM, NAME_OR_NONE


@dataclass(frozen=True)
class Prober:
    """From where services are checked, how many at once, and what is reached."""

    place: str = setting(
        "",
        pattern=NAME_OR_NONE,
        form=NAME_FORM,
        help="The place that is checked from, by the name it was enrolled under; empty: the hub itself.",
    )
    checks_at_once: int = setting(
        1000, minimum=1, maximum=10_000, help="So many checks run at the same time, each in a thread; more wait."
    )
    jitter: float = setting(
        0.1,
        unit="share of the interval",
        minimum=0,
        maximum=0.5,
        help="Each check is put off by up to this, at random.",
    )
    private_networks: tuple[str, ...] = setting(
        (), help='Networks that checks may reach though they are not public: ["10.0.0.0/8", "127.0.0.1"].'
    )
    canaries: tuple[str, ...] = setting(
        (),
        pattern=r"tcp://(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]{1,120}):[1-9]\d{0,4}",
        form="an address such as tcp://1.1.1.1:443",
        help="Addresses as tcp://1.1.1.1:443 that answer as long as our own side is connected; empty: not looked at.",
    )
    canary_seconds: float = setting(
        5.0, unit="s", minimum=1, maximum=3600, help="The canaries are looked at this often."
    )
    flapping_changes: int = setting(
        6, minimum=2, maximum=20, help="A service whose state changed so often in its last 20 checks is flapping."
    )

    def objections(self) -> Iterator[Objection]:
        """Networks and canaries are read now."""
        for text in self.canaries:
            host, _, port = text.removeprefix("tcp://").rpartition(":")
            if host.startswith("[") and not is_host(host):
                yield Objection("canaries", f'"{text}"', "an address such as tcp://1.1.1.1:443")
            if int(port) > MOST_PORT:
                yield Objection("canaries", f'the port in "{text}"', f"one from 1 to {MOST_PORT}")
        if self.place.startswith(HUB):
            yield Objection("place", f'"{self.place}"', f"a name that does not start with {HUB}", "choose another")
        for text in self.private_networks:
            if network(text) is None:
                yield Objection("private_networks", f'"{text}"', "a network such as 10.0.0.0/8")
