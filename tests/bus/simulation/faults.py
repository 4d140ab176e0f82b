"""What goes wrong, and when."""

from __future__ import annotations

from collections.abc import Callable

from tests.bus.simulation.host import Host
from tests.bus.simulation.hub import POISON, Hub
from tests.bus.simulation.network import Link
from tests.bus.simulation.world import World

HUB_TRIPS = ("before commit", "before receipts", "after receipts")
HOST_TRIPS = ("before spool", "after spool", "before push")


class Faults:
    """Faults by chance; ``heal`` ends them all."""

    def __init__(self, world: World, hub: Hub, hosts: list[Host]) -> None:
        self._world = world
        self._hub = hub
        self._hosts = hosts
        self.count = 0
        self._kinds: list[tuple[int, Callable[[], None]]] = [
            (6, self.cut),
            (4, self.rough),
            (4, self.kill_host),
            (4, self.trip_host),
            (1, self.wipe_host),
            (2, self.roll_back_host),
            (2, self.resume_host),
            (1, self.fill_host),
            (4, self.kill_store),
            (4, self.trip_store),
            (2, self.restore_store),
            (2, self.fill_store),
            (1, self.slow_store),
            (3, self.restart_collector),
            (2, self.step_clocks),
            (1, self.poison),
        ]

    def happen(self) -> None:
        """One of them."""
        self.count += 1
        weights = [weight for weight, _ in self._kinds]
        self._world.rng.choices([do for _, do in self._kinds], weights)[0]()

    def _links(self, host: Host) -> list[Link]:
        return [host.door, host.road, self._hub.roads[host.name]]

    def _host(self) -> Host:
        return self._world.rng.choice(self._hosts)

    def _note(self, text: str) -> None:
        self._world.note(text)

    # -- network ---

    def cut(self) -> None:
        """One host's roads, or one direction of one; noticed or not."""
        host, rng = self._host(), self._world.rng
        links = self._links(host)
        if rng.random() < 0.3:
            links = [rng.choice(links)]
        loud = len(links) == 3 and rng.random() < 0.7
        seconds = rng.choice((1, 5, 15, 40))
        self._note(f"cut {host.name} {len(links)} roads for {seconds} s, noticed {loud}")
        for link in links:
            link.cut()
        if loud:
            host.connection(False)

        def up() -> None:
            for link in links:
                link.heal()
            host.connection(True)

        self._world.after(seconds, up)

    def rough(self) -> None:
        """Frames are dropped, doubled and overtaken for a while."""
        host, rng = self._host(), self._world.rng
        self._note(f"rough roads for {host.name}")
        for link in self._links(host):
            link.drop, link.double, link.overtake = rng.random() * 0.4, rng.random() * 0.4, rng.random() * 0.4
            link.delay = rng.choice((0.01, 0.2, 1.0))

        def smooth() -> None:
            for link in self._links(host):
                if link.up:
                    link.heal()

        self._world.after(rng.uniform(3, 20), smooth)

    def restart_collector(self) -> None:
        """Everybody's connections end at once."""
        self._note("collector restarts")

        def hang_up(up: bool) -> None:
            for host in self._hosts:
                if not up:
                    for link in self._links(host):
                        link.cut()
                        link.up = True
                host.connection(up)

        self._hub.restart_collector(hang_up)

    # -- hosts ---

    def kill_host(self) -> None:
        """kill -9."""
        host = self._host()
        self._note(f"kill {host.name}")
        host.kill_for(self._world.rng.choice((0.1, 2, 15)))

    def trip_host(self) -> None:
        """kill -9 at a place in the code."""
        host = self._host()
        host.trip_at = self._world.rng.choice(HOST_TRIPS)
        self._note(f"{host.name} will die {host.trip_at}")

    def wipe_host(self) -> None:
        """The spool is lost."""
        host = self._host()
        self._note(f"wipe {host.name}")
        host.kill()
        host.wipe()
        self._world.after(self._world.rng.uniform(0.1, 5), host.start)

    def roll_back_host(self) -> None:
        """The spool comes back as it was a while ago."""
        host, rng = self._host(), self._world.rng
        snapshot = host.platter.copy()

        def back() -> None:
            self._note(f"roll back {host.name}")
            host.kill()
            host.roll_back(snapshot)
            self._world.after(rng.uniform(0.1, 5), host.start)

        self._world.after(rng.uniform(2, 20), back)

    def resume_host(self) -> None:
        """The machine is frozen, goes on, and is later resumed as it was."""
        host, rng = self._host(), self._world.rng
        frozen, seconds = host.freeze(), rng.uniform(3, 20)
        if frozen is None:
            return

        def again() -> None:
            self._note(f"resume {host.name} of {seconds:.1f} s ago")
            host.resume(frozen, seconds)

        self._world.after(seconds, again)

    def fill_host(self) -> None:
        """The host's disk is full for a while."""
        host = self._host()
        self._note(f"disk of {host.name} full")
        host.full = True

        def free() -> None:
            host.full = False

        self._world.after(self._world.rng.uniform(2, 20), free)

    def step_clocks(self) -> None:
        """A clock jumps, to and fro."""
        rng = self._world.rng
        step = rng.choice((-86_400, -3600, 3600, 86_400, 365 * 86_400)) * 10**9
        everybody: list[Host | Hub] = [*self._hosts, self._hub]
        who = rng.choice(everybody)
        self._note(f"clock of {getattr(who, 'name', 'hub')} steps by {step // 10**9} s")
        who.clock += step
        self._hub.stepped |= who is self._hub

    def poison(self) -> None:
        """A message that kills the store."""
        host = self._host()
        if host.courier is not None:
            self._note(f"{host.name} says poison")
            host.courier.tell("sample", host.name, host.wall, POISON)

    # -- store ---

    def kill_store(self) -> None:
        """kill -9."""
        self._note("kill store")
        self._hub.kill_for(self._world.rng.choice((0.1, 2, 15)))

    def trip_store(self) -> None:
        """kill -9 at a place in the code."""
        self._hub.trip_at = self._world.rng.choice(HUB_TRIPS)
        self._note(f"store will die {self._hub.trip_at}")

    def restore_store(self) -> None:
        """The store comes back as it was a while ago, by the restore command or by copying files."""
        rng = self._world.rng
        backup = self._hub.disk.copy()
        bumped = rng.random() < 0.7

        def back() -> None:
            self._note(f"restore store, generation bumped {bumped}")
            self._hub.restore(backup, bumped=bumped)

        self._world.after(rng.uniform(2, 30), back)

    def fill_store(self) -> None:
        """The store's disk is full for a while."""
        self._note("disk of store full")
        self._hub.full = True

        def free() -> None:
            self._hub.full = False

        self._world.after(self._world.rng.uniform(2, 40), free)

    def slow_store(self) -> None:
        """Commits take long."""
        self._note("store is slow")
        self._hub.commit_seconds = self._world.rng.choice((0.5, 3, 8))

        def fast() -> None:
            self._hub.commit_seconds = 0.05

        self._world.after(self._world.rng.uniform(5, 20), fast)

    def heal(self) -> None:
        """Nothing is wrong any more."""
        self._note("all is well")
        self._hub.full = False
        self._hub.commit_seconds = 0.05
        self._hub.collector_up = True
        self._hub.trip_at = None
        self._hub.start()
        for host in self._hosts:
            host.full = False
            host.trip_at = None
            for link in self._links(host):
                link.heal()
            host.connection(True)
            host.start()
