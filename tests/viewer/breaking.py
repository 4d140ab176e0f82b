"""A viewer with a bug: ``python -m tests.viewer.breaking`` shows a picture and then fails."""

from __future__ import annotations

from tests.viewer.fleet import fleet
from tests.viewer.given import HubInMemory, session
from viewer.events import Event
from viewer.palette import Palette
from viewer.terminal import open_terminal, run


class Breaking(HubInMemory):
    """Fails once a key has been pressed."""

    broken = False

    def take(self, most: int = 2000) -> list[Event]:
        if self.broken:
            raise KeyError("a bug")
        return super().take(most)

    def hurry(self) -> None:
        self.broken = True


if __name__ == "__main__":
    run(session(Breaking(fleet(1))), open_terminal(), Palette(256))
