"""Frames on their way: delayed, overtaken, doubled, dropped, cut off."""

from __future__ import annotations

from collections.abc import Callable

from tests.bus.simulation.world import World


class Link:
    """One direction of one road."""

    def __init__(self, world: World, deliver: Callable[[bytes], None]) -> None:
        self.up = True
        self.drop = self.double = self.overtake = 0.0
        self.delay = 0.01
        self._world = world
        self._deliver = deliver
        self._era = 0
        self._free_at = 0.0

    def send(self, frame: bytes) -> bool:
        """Put a frame on its way; where the road is cut it is lost without a word."""
        world = self._world
        if self.up and not world.chance(self.drop):
            self._fly(frame)
            if self.double and world.chance(self.double):
                self._fly(frame)
        return True

    def cut(self) -> None:
        """The road is down, and what was under way is lost."""
        self.up = False
        self._era += 1

    def heal(self) -> None:
        """The road is good again."""
        self.up = True
        self.drop = self.double = self.overtake = 0.0
        self.delay = 0.01

    def _fly(self, frame: bytes) -> None:
        era, world = self._era, self._world
        delay = self.delay * (0.5 + world.rng.random())
        if self.overtake and world.chance(self.overtake):
            delay += world.rng.random() * 3
        else:
            # Without overtaking a road keeps its order.
            self._free_at = max(world.now + delay, self._free_at)
            delay = self._free_at - world.now

        def land() -> None:
            if era == self._era:
                self._deliver(frame)

        world.after(delay, land)
