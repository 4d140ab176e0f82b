"""What the person at the terminal looks at, and what must be asked for it. Pure.

Keys come in by ``press``, events by ``take``; ``wishes`` says what the hub has to be asked now. The model knows no
clock: ``now`` is handed in, in seconds since the epoch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from viewer import keys
from viewer.axis import WINDOWS, Window
from viewer.events import AskHosts, ChecksTold, Event, Failed, HostsTold, LinkTold, Missed, SeriesTold, Wish
from viewer.pasts import Pasts
from viewer.picking import SORTS, Picking
from viewer.plan import Plan
from viewer.replay import Replay
from viewer.travel import Travel
from viewer.world import Host, Service, World

MAX_BACKLOG = 20_000
MAX_FILTER = 80
_ALWAYS = (LinkTold, SeriesTold, ChecksTold, Failed)
"""Events that do not change the moment that is shown, and are taken in while it is held."""


@dataclass(slots=True)
class Model:
    """The state of the whole program between two events."""

    address: str = ""
    """The hub's, for the header."""
    start_window: Window = WINDOWS[0]
    window: Window = WINDOWS[0]
    wanted: str = ""
    """The host to begin with, until the hub has told whether there is one."""
    screen: str = "hosts"
    before_help: str = "hosts"
    filter: str = ""
    typing: bool = False
    """Whether keys go into the filter."""
    paused_at: float | None = None
    scroll: int = 0
    """On Host: panels passed over. On Alerts and Help: lines passed over."""
    notice: str = ""
    """Something the person should read; the next key takes it away."""
    unreached: str = ""
    """Why the hub did not tell its hosts when last asked; empty when it did."""
    quit: bool = False
    world: World = field(default_factory=World)
    pasts: Pasts = field(default_factory=Pasts)
    hosts: Picking = field(default_factory=Picking)
    services: Picking = field(default_factory=Picking)
    plan: Plan = field(default_factory=Plan)
    hurry: bool = False
    """The person wants the hub to be reached now."""
    replay: Replay | None = None
    """The visit to the past; None while the present is shown, held or not."""
    backlog: deque[tuple[Event, float]] = field(default_factory=deque)

    # -- what happens --------------------------------------------------------------------------------------------

    def take(self, event: Event, now: float) -> None:
        """Take in an event; while the picture is held, what would change it is kept for later."""
        if self.paused_at is not None and not isinstance(event, _ALWAYS):
            if len(self.backlog) >= MAX_BACKLOG:
                self.backlog.popleft()
                self.pasts.outdate()
            self.backlog.append((event, now))
            return
        was = self.world.link.state
        self.present.take(event, now)
        if self.replay is not None and isinstance(event, SeriesTold):
            self.replay.take(event)
        self.pasts.take(event, self.window)
        self.plan.take(event, now)
        back = isinstance(event, LinkTold) and event.state == "live" and was != "live"
        if back or isinstance(event, Missed):
            # The hub remembers what did not reach us.
            self.pasts.outdate()
            self.plan.hurry()
        if isinstance(event, Failed) and event.status in (401, 403):
            self.notice = event.reason
        if isinstance(event, Failed) and isinstance(event.wish, AskHosts):
            self.unreached = event.reason
        if isinstance(event, HostsTold):
            self.unreached = ""
            self._check_wanted()

    def _check_wanted(self) -> None:
        if self.wanted:
            if self.wanted not in self.present.hosts:
                self.notice = f"the hub knows no host {self.wanted}"
            self.wanted = ""

    def press(self, key: str, now: float) -> None:
        """Obey a key; one that means nothing here does nothing."""
        self.notice = ""
        if self.typing and key != "ctrl-c":
            self._typed(key)
            return
        name = keys.action(key, self.screen)
        if name is not None:
            self.rows(now)  # moving goes by the order that is shown
            ACTIONS[name](self, now)

    def wishes(self, now: float) -> list[Wish]:
        """What to ask the hub now; each wish is told once until it is answered or has failed."""
        self.travel.follow(now)
        shown = self.time(now)
        end = shown + self.world.ahead
        host = self.host() if self.screen in ("hosts", "host") else None
        service = self.service() if self.screen == "services" else None
        found: list[Wish] = []
        if self.paused_at is None:
            wants_services = self.screen == "services" or not self.world.services_told
            found += self.plan.lists(now, services=wants_services, host=host.name if host else None)
        if self.replay is not None:
            listed = self.hosts.visible if self.screen == "hosts" else ()
            found += self.plan.past(self.replay.wishes(listed, host.name if host else None, now), now)
        if host:
            found += self.plan.host(self.pasts, host.name, self.window, now, end)
        if self.screen == "hosts":
            seen = [name for name in self.hosts.visible if name in self.world.hosts]
            found += self.plan.sparks(self.pasts, seen, self.window, now, end)
        if service:
            found += self.plan.service(self.pasts, service.name, self.window, now, end)
        return found

    # -- what is chosen ------------------------------------------------------------------------------------------

    def rows(self, now: float) -> list[Host]:
        """The hosts that pass the filter, in order."""
        return self.hosts.hosts(self.world, self.filter, now)

    def host(self) -> Host | None:
        """The chosen host."""
        return self.world.hosts.get(self.hosts.chosen or "")

    def service_rows(self) -> list[Service]:
        """The services that pass the filter, in order."""
        return self.services.services(self.world, self.filter)

    def service(self) -> Service | None:
        """The chosen service."""
        return self.world.services.get(self.services.chosen or "")

    def time(self, now: float) -> float:
        """The moment that is shown: now, when the picture was held, or one of the past."""
        if self.replay is not None:
            return self.replay.time(now)
        return now if self.paused_at is None else self.paused_at

    @property
    def present(self) -> World:
        """The world of today, whatever moment is shown."""
        return self.world if self.replay is None else self.replay.present

    @property
    def travel(self) -> Travel:
        """What moves the moment that is shown."""
        return Travel(self)

    def is_busy(self) -> bool:
        """Whether something that this screen shows has been asked for and is not here yet."""
        return any(key[0] in ("hosts", "host", "series", "services", "checks") for key in self.plan.waiting)

    # -- keys ----------------------------------------------------------------------------------------------------

    def show(self, screen: str) -> None:
        """Go to a screen."""
        if screen == "help" and self.screen != "help":
            self.before_help = self.screen
        self.screen = screen
        self.scroll = 0

    def move(self, lines: int) -> None:
        """Go so many lines down, in whatever this screen lists."""
        if self.screen in ("hosts", "host"):
            self.hosts.move(lines)
            self.scroll = 0
        elif self.screen == "services":
            self.services.move(lines)
        else:
            self.scroll = max(0, min(self.scroll + lines, 10_000))

    def turn(self, pages: int) -> None:
        """Go so many pages down."""
        if self.screen == "host":
            self.scroll = max(0, min(self.scroll + pages, 20))
        else:
            page = self.services.page if self.screen == "services" else self.hosts.page
            self.move(pages * max(1, page - 1))

    def zoom(self, steps: int) -> None:
        """Take a window of time so many sizes longer."""
        place = next((i for i, window in enumerate(WINDOWS) if window == self.window), 0)
        self.window = WINDOWS[max(0, min(len(WINDOWS) - 1, place + steps))]

    def step_screen(self, steps: int) -> None:
        """Go to the screen so many tabs further."""
        place = keys.SCREENS.index(self.screen) if self.screen in keys.SCREENS else -1
        self.show(keys.SCREENS[(place + steps) % len(keys.SCREENS)])

    def back(self) -> None:
        """Go back one step; from the first screen nowhere."""
        if self.screen == "help":
            self.show(self.before_help)
        elif self.screen == "host":
            self.show("hosts")
        elif self.filter:
            self.filter = ""
        elif self.screen != "hosts":
            self.show("hosts")

    def hold(self, now: float) -> None:
        """Hold the picture; or let it go on, with all that happened meanwhile. In the past: let it move, or stand."""
        if self.replay is not None:
            self.replay.run(now, running=not self.replay.running)
            return
        if self.paused_at is None:
            self.paused_at = now
            return
        self.paused_at = None
        while self.backlog:
            event, at = self.backlog.popleft()
            self.take(event, at)

    def order_by_next(self) -> None:
        """Sort the hosts by the next column."""
        names = list(SORTS)
        self.hosts.sort = names[(names.index(self.hosts.sort) + 1) % len(names)]
        self.hosts.reverse = False

    def ask_again(self) -> None:
        """Read everything anew."""
        self.plan.hurry()
        self.pasts.outdate()
        if self.replay is not None:
            self.replay.stretches.clear()
        self.hurry = True

    def _typed(self, key: str) -> None:
        if key == "enter":
            self.typing = False
        elif key == "escape":
            self.typing, self.filter = False, ""
        elif key == "backspace":
            self.filter = self.filter[:-1]
        elif len(key) == 1 and key.isprintable() and len(self.filter) < MAX_FILTER:
            self.filter += key


def _reverse(model: Model, now: float) -> None:
    model.hosts.reverse = not model.hosts.reverse


def _type(model: Model, now: float) -> None:
    model.typing = True


def _reset(model: Model, now: float) -> None:
    model.window = model.start_window
    model.travel.home(now)


def _quit(model: Model, now: float) -> None:
    model.quit = True


def _enter(model: Model, now: float) -> None:
    if model.host():
        model.show("host")


ACTIONS: dict[str, Callable[[Model, float], None]] = {
    "up": lambda model, now: model.move(-1),
    "down": lambda model, now: model.move(1),
    "page_up": lambda model, now: model.turn(-1),
    "page_down": lambda model, now: model.turn(1),
    "first": lambda model, now: model.move(-1_000_000),
    "last": lambda model, now: model.move(1_000_000),
    "enter": _enter,
    "back": lambda model, now: model.back(),
    "next_screen": lambda model, now: model.step_screen(1),
    "previous_screen": lambda model, now: model.step_screen(-1),
    "screen_hosts": lambda model, now: model.show("hosts"),
    "screen_host": lambda model, now: model.show("host"),
    "screen_services": lambda model, now: model.show("services"),
    "screen_alerts": lambda model, now: model.show("alerts"),
    "filter": _type,
    "sort": lambda model, now: model.order_by_next(),
    "reverse": _reverse,
    "zoom_in": lambda model, now: model.zoom(-1),
    "zoom_out": lambda model, now: model.zoom(1),
    "zoom_reset": _reset,
    "earlier": lambda model, now: model.travel.pan(-0.25, now),
    "later": lambda model, now: model.travel.pan(0.25, now),
    "slower": lambda model, now: model.travel.hasten(-1, now),
    "faster": lambda model, now: model.travel.hasten(1, now),
    "incident": lambda model, now: model.travel.incident(now),
    "pause": lambda model, now: model.hold(now),
    "refresh": lambda model, now: model.ask_again(),
    "help": lambda model, now: model.back() if model.screen == "help" else model.show("help"),
    "quit": _quit,
}
"""What each action of the table of keys does."""
