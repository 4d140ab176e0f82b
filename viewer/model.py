"""What the person at the terminal looks at, and what must be asked for it. Pure.

Keys come in by ``press``, events by ``take``; ``wishes`` says what the hub has to be asked now. The model knows no
clock: ``now`` is handed in, in seconds since the epoch.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from viewer import acts, keys, travel, typed
from viewer.actions import ACTIONS
from viewer.alarm_wishes import alarm_wishes
from viewer.alarms import Alarms, Row
from viewer.axis import WINDOWS, Window
from viewer.events import (
    ActDone,
    AlertTold,
    BacktestTold,
    BeforeTold,
    ChecksTold,
    Event,
    Failed,
    HostsTold,
    HubTold,
    IncidentsTold,
    LinkTold,
    Missed,
    SampleTold,
    SeriesTold,
    WhyTold,
)
from viewer.incidents import Hub
from viewer.pasts import Pasts
from viewer.picking import SERVICE_SORTS, SORTS, Picking
from viewer.plan import Plan
from viewer.prompt import Prompt
from viewer.replay import Replay
from viewer.wishes import AskBacktest, AskBefore, AskHosts, Wish
from viewer.world import Host, Service, World

MAX_BACKLOG = 20_000
SET_BACK = 2.0
"""A clock that shows so many seconds less than it did was set back."""
_ALWAYS = (LinkTold, SeriesTold, ChecksTold, WhyTold, BacktestTold, BeforeTold, ActDone, Failed)
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
    undecided: bool = False
    """Whether the first screen is still to be chosen by how many hosts the hub tells."""
    before_help: str = "hosts"
    behind: str = ""
    """The screen with a tab that was shown last."""
    beside: str = ""
    """The host whose charts Pulse last had room for; empty where it had none."""
    needing: int = 0
    """How many hosts need a look, as Pulse last counted them."""
    filter: str = ""
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
    alarms: Alarms = field(default_factory=Alarms)
    hosts: Picking = field(default_factory=Picking)
    services: Picking = field(default_factory=Picking)
    alerts: Picking = field(default_factory=Picking)
    pulse: Picking = field(default_factory=lambda: Picking(sort="worst"))
    prompt: Prompt | None = None
    """What the person is asked now."""
    commands: deque[str] = field(default_factory=lambda: deque(maxlen=50))
    """Commands that were typed, the newest last."""
    deeds: acts.Deeds = field(default_factory=acts.Deeds)
    why: tuple[str, str] = ("", "")
    """The subject and the rule (empty: all) that reasons are shown of."""
    sought: AskBefore | None = None
    """The incident that is looked for in the hub's memory."""
    trial: AskBacktest | None = None
    """The back-test that is asked for or shown."""
    own: Hub | None = None
    """How the hub itself is, as last told."""
    own_at: float = 0.0
    """When that was."""
    asked_at: float = 0.0
    """When it was last looked what to ask, by our clock."""
    plan: Plan = field(default_factory=Plan)
    hurry: bool = False
    """The person wants the hub to be reached now."""
    own_scale: bool = False
    """Whether each chart goes up to its own highest value; else charts of a kind share a scale."""
    replay: Replay | None = None
    """The visit to the past; None while the present is shown, held or not."""
    backlog: deque[tuple[Event, float]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.behind = self.behind or (self.screen if self.screen in keys.SCREENS else "hosts")

    # -- what happens --------------------------------------------------------------------------------------------

    def take(self, event: Event, now: float) -> None:
        """Take in an event; while the picture is held, what would change it is kept for later."""
        if self.paused_at is not None and not isinstance(event, _ALWAYS):
            if len(self.backlog) >= MAX_BACKLOG:
                self.backlog.popleft()
                self.pasts.outdate()
            self.backlog.append((event, now))
            return
        if isinstance(event, SampleTold):
            # By far the most of what comes; nothing else wants to know.
            self.present.take(event, now)
            self.pasts.take(event, self.window)
            return
        self.present.take(event, now)
        self.pasts.take(event, self.window)
        self.plan.take(event, now)
        # What burned around a moment of the past is not what burned lately, and the other way round.
        if not isinstance(event, IncidentsTold) or (event.wish.past == "now") == (self.replay is None):
            self.alarms.take(event)
        if self.deeds.take(event):
            self.notice = self.deeds.sentence
            self.plan.again("alerts", "incidents", "why")
        match event:
            case HostsTold():
                self.unreached = ""
                self._decide()
                self._check_wanted()
            case SeriesTold() if self.replay is not None:
                self.replay.take(event)
            case BeforeTold():
                travel.found(self, event, now)
            case AlertTold():
                self.plan.soon(now, "alerts", "incidents")
            case HubTold():
                self.own, self.own_at = event.hub, now
            case LinkTold(state="live") | Missed():
                # The hub remembers what did not reach us.
                self.pasts.outdate()
                self.plan.hurry()
            case Failed():
                if event.wish == self.sought:
                    self.sought, self.notice = None, event.reason
                if event.status in (401, 403):
                    self.notice = event.reason
                if isinstance(event.wish, AskHosts):
                    self.unreached = event.reason
            case _:
                pass

    def _decide(self) -> None:
        """Who has one host begins with it; who has more, with all of them at a glance."""
        if self.undecided and len(self.present.hosts) == 1:
            self.show("hosts")
        self.undecided = False

    def _check_wanted(self) -> None:
        if self.wanted:
            if self.wanted not in self.present.hosts:
                self.notice = f"the hub knows no host {self.wanted}"
            self.wanted = ""

    def press(self, key: str, now: float) -> None:
        """Obey a key; one that means nothing here does nothing."""
        self.notice, self.sought, self.undecided = "", None, False
        if self.prompt is not None and key != "ctrl-c":
            typed.answer(self, self.prompt, key, now)
            return
        name = keys.action(key, self.screen)
        if name is not None:
            self.rows(now)  # moving goes by the order that is shown
            ACTIONS[name](self, now)

    def paste(self, text: str, now: float) -> None:
        """Take text in where it can be typed; elsewhere each of its characters would be a key."""
        if self.prompt is None:
            self.notice = "what is pasted is no key: paste after : or /, or as an answer"
        else:
            for character in text:
                self.press(character, now)

    def wishes(self, now: float) -> list[Wish]:
        """What to ask the hub now; each wish is told once until it is answered or has failed."""
        if now < self.asked_at - SET_BACK:
            self._set_back(now)
        self.asked_at = now
        travel.follow(self, now)
        shown = self.time(now)
        end = shown + self.world.ahead
        host = self.shown_host()
        service = self.service() if self.screen == "services" else None
        found: list[Wish] = []
        if self.paused_at is None:
            # The stream tells of checks, not of one that fails to come, nor of a service that is checked no more.
            wants_services = self.screen in ("pulse", "services") or not self.world.services_told
            found += self.plan.lists(now, services=wants_services, host=host.name if host else None)
        if self.replay is not None:
            listed = self.lists[self.screen].visible if self.screen in ("pulse", "hosts") else ()
            found += self.plan.past(self.replay.wishes(listed, host.name if host else None, now), now)
        if host:
            found += self.plan.host(self.pasts, host.name, self.window, now, end)
        if self.screen == "hosts":
            seen = [name for name in self.hosts.visible if name in self.world.hosts]
            found += self.plan.sparks(self.pasts, seen, self.window, now, end)
        if service:
            found += self.plan.service(self.pasts, service.name, self.window, now, end)
        return found + self.plan.told(alarm_wishes(self, now, end), now)

    def _set_back(self, now: float) -> None:
        """Our own clock was set back: nothing happened after ``now``, and nothing waits until then once more."""
        self.plan.set_back(now)
        self.present.set_back(now)
        self.own_at = min(self.own_at, now)

    # -- what is chosen ------------------------------------------------------------------------------------------

    def rows(self, now: float) -> list[Host]:
        """The hosts that pass the filter, in order."""
        return self.hosts.hosts(self.world, self.filter, now)

    def host(self) -> Host | None:
        """The chosen host."""
        return self.world.hosts.get(self.hosts.chosen or "")

    def shown_host(self) -> Host | None:
        """The host whose charts the screen shows."""
        if self.screen == "pulse":
            return self.world.hosts.get(self.beside)
        return self.host() if self.screen in ("hosts", "host") else None

    def service_rows(self) -> list[Service]:
        """The services that pass the filter, in order."""
        return self.services.services(self.world, self.filter)

    def service(self) -> Service | None:
        """The chosen service."""
        return self.world.services.get(self.services.chosen or "")

    def alert_rows(self, now: float) -> list[Row]:
        """The alarms, silences and incidents that pass the filter, in order."""
        then = None if self.replay is None else self.time(now) + self.present.ahead
        rows = {row.key: row for row in self.alarms.rows(self.filter, then)}
        self.alerts.pick(list(rows), self.alarms.told)
        return list(rows.values())

    @property
    def lists(self) -> dict[str, Picking]:
        """The list of each screen that has one."""
        return {"pulse": self.pulse, "hosts": self.hosts, "services": self.services, "alerts": self.alerts}

    def time(self, now: float) -> float:
        """The moment that is shown: now, when the picture was held, or one of the past."""
        if self.replay is not None:
            return self.replay.time(now)
        return now if self.paused_at is None else self.paused_at

    @property
    def present(self) -> World:
        """The world of today, whatever moment is shown."""
        return self.world if self.replay is None else self.replay.present

    # -- keys ----------------------------------------------------------------------------------------------------

    def show(self, screen: str) -> None:
        """Go to a screen."""
        if screen == "help" and self.screen != "help":
            self.before_help = self.screen
        self.screen = screen
        self.scroll = 0
        if screen in keys.SCREENS:
            self.behind = screen

    def show_why(self, subject: str, rule: str) -> None:
        """Show why there is an alarm, or none."""
        self.why = (subject, rule)
        self.alarms.answered = ""
        self.plan.again("why")
        self.show("why")

    def show_backtest(self, trial: AskBacktest) -> None:
        """Try a rule on the past, and show what it would have done."""
        self.trial, self.alarms.backtest, self.alarms.answered = trial, None, ""
        self.plan.again("backtest")
        self.show("backtest")

    def leave(self) -> None:
        """End the program."""
        self.quit = True

    def move(self, lines: int) -> None:
        """Go so many lines down, in whatever this screen lists."""
        if self.screen in ("hosts", "host"):
            self.hosts.move(lines)
            self.scroll = 0
        elif self.screen in self.lists:
            self.lists[self.screen].move(lines)
        else:
            self.scroll = max(0, min(self.scroll + lines, 10_000))

    def turn(self, pages: int) -> None:
        """Go so many pages down."""
        if self.screen == "host":
            self.scroll = max(0, min(self.scroll + pages, 20))
        else:
            picking = self.lists.get(self.screen)
            self.move(pages * max(1, (picking.page if picking else 10) - 1))

    def zoom(self, steps: int) -> None:
        """Take a window of time so many sizes longer."""
        place = next((i for i, window in enumerate(WINDOWS) if window == self.window), 0)
        self.window = WINDOWS[max(0, min(len(WINDOWS) - 1, place + steps))]

    def step_screen(self, steps: int) -> None:
        """Go to the screen so many tabs further."""
        place = keys.SCREENS.index(self.behind)
        self.show(keys.SCREENS[(place + steps) % len(keys.SCREENS)])

    def back(self) -> None:
        """Go back one step; from the first screen nowhere."""
        if self.screen == "help":
            self.show(self.before_help)
        elif self.screen in ("why", "backtest"):
            self.show(self.behind)
        elif self.screen == "host":
            self.show("hosts")
        elif (picking := self.lists.get(self.screen)) and picking.marked:
            picking.marked.clear()
        elif self.filter:
            self.filter = ""
        elif self.screen not in ("hosts", "pulse"):
            self.show("hosts")
        else:
            self.show("pulse")

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
        """Sort by the next column."""
        names = list(SERVICE_SORTS if self.screen == "services" else SORTS)
        picking = self.lists[self.screen]
        picking.sort = names[(names.index(picking.sort) + 1) % len(names)]
        picking.reverse = False

    def ask_again(self) -> None:
        """Read everything anew."""
        self.plan.hurry()
        self.pasts.outdate()
        if self.replay is not None:
            self.replay.stretches.clear()
        self.hurry = True
