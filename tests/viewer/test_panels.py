"""Panels that only some hosts have: named units, and what plugins tell."""

from __future__ import annotations

import pytest

from tests.viewer.fleet import InventedHost
from tests.viewer.given import LOOK, HubInMemory, session
from tests.viewer.snapshots import PLAIN
from viewer.scene import Look

UNITS: dict[str, float | None] = {
    "unit[cron.service].cpu_percent": 0.1,
    "unit[cron.service].memory_bytes": 5_242_880.0,
    "unit[cron.service].processes": 1.0,
    "unit[nginx.service].cpu_percent": 12.34,
    "unit[nginx.service].memory_bytes": None,
    "unit[nginx.service].processes": 9.0,
}
OWN: dict[str, float | None] = {
    "plugin[mail].queued": 12.0,
    "plugin[mail].oldest_seconds": 4711.0,
    "ups[rack].charge_percent": 97.5,
    "ups[rack].left_seconds": 59.0,
    "backup[db].size_bytes": 3.5 * 1024**3,
    "backup[db].speed_bytes_per_s": 2048.0,
    "backup[db].files_per_s": 1.5,
    "room[a].celsius": 21.4,
    "fanless.rpm": 800.0,
    "gone.count": None,
}


class Telling(InventedHost):
    """A host that tells more than others."""

    def __init__(self, more: dict[str, float | None]) -> None:
        super().__init__("web-1")
        self.more = more

    def metrics(self) -> list[str]:
        return [*super().metrics(), *self.more]

    def value(self, metric: str, at: float) -> float | None:
        return self.more[metric] if metric in self.more else super().value(metric, at)


def lines(more: dict[str, float | None], wide: int = 200, high: int = 60, look: Look = LOOK) -> list[str]:
    """What the screen of such a host shows."""
    found = session(HubInMemory({"web-1": Telling(more)}), screen="host", look=look)
    return found.draw(wide, high).text().splitlines()


def row(shown: list[str], label: str) -> str:
    """The cell of the panel's line with this label, without frame and blanks."""
    [line] = [line for line in shown if f" {label} " in f" {line} ".replace("│", " ")]
    [cell] = [cell for cell in line.split("│") if label in cell]
    return " ".join(cell.split())


@pytest.mark.parametrize("wide", [200, 120])
def test_units_are_told_the_busiest_first(wide: int) -> None:
    shown = lines(UNITS, wide)
    assert row(shown, "nginx.service") == "nginx.service 12.3% – 9"
    assert row(shown, "cron.service") == "cron.service 0.1% 5.0M 1"
    places = [next(y for y, line in enumerate(shown) if name in line) for name in ("nginx.service", "cron.service")]
    assert places == sorted(places)
    assert any("Units" in line and "2 units" in line for line in shown)


def test_a_unit_that_should_run_and_does_not_stands_first() -> None:
    shown = lines(UNITS | {"unit[nginx.service].running": 1.0, "unit[mail.service].running": 0.0})
    assert row(shown, "mail.service") == "mail.service is stopped – – –"
    places = [next(y for y, line in enumerate(shown) if name in line) for name in ("mail.service", "nginx.service")]
    assert places == sorted(places)


def test_units_that_find_no_room_are_counted() -> None:
    many: dict[str, float | None] = {f"unit[s{n:02}.service].cpu_percent": float(n) for n in range(60)}
    shown = lines(many)
    told = sum(".service" in line for line in shown)
    assert 3 <= told < 60
    assert any(f"{60 - told} less busy not shown" in line for line in shown)
    assert any("s59.service" in line for line in shown)


def test_what_plugins_tell_has_the_unit_that_its_name_tells() -> None:
    shown = lines(OWN)
    assert {label: row(shown, label).removeprefix(f"{label} ") for label in ("mail queued", *list(OWN)[2:])} == {
        "mail queued": "12.0",
        "ups[rack].charge_percent": "97.5%",
        "ups[rack].left_seconds": "59.0 s",
        "backup[db].size_bytes": "3.5 GiB",
        "backup[db].speed_bytes_per_s": "2.0 KiB/s",
        "backup[db].files_per_s": "1.50/s",
        "room[a].celsius": "21°C",
        "fanless.rpm": "800 rpm",
        "gone.count": "–",
    }
    assert row(shown, "mail oldest_seconds").endswith(" 1 h")


def test_what_the_agent_measures_by_itself_is_no_plugins() -> None:
    agents: dict[str, float | None] = {
        "pressure.cpu_percent": 3.0,
        "metric[cpu].seconds": 0.1,
        "spool.bytes": 1.0,
        "tcp.connections": 7.0,
    }
    assert not any("Plugins" in line or "Units" in line for line in lines(agents))


def test_what_scrapes_tell_stands_behind_what_plugins_tell() -> None:
    shown = lines({"node.a": 1.0, "node[cpu=0].b": 2.0, "scrape[node].series": 2.0, "plugin[z].c": 3.0, "zoo.d": 4.0})
    assert any("Plugins and scrapes" in line for line in shown)
    told = ["scrape[node].series", "z c", "zoo.d", "node.a"]
    assert [label for line in shown for label in told if f"│{label} " in line] == told
    assert row(shown, "node[cpu=0].b") == "node[cpu=0].b 2.00"


def test_readings_that_find_no_room_are_counted() -> None:
    shown = lines({f"plugin[a].n{n:02}": 1.0 for n in range(60)})
    told = sum(" a n" in line.replace("│", " ") for line in shown)
    assert any(f"{60 - told} more not shown" in line for line in shown)


def test_what_stalls_kills_or_lacks_a_disk_is_told_with_what_it_is_about() -> None:
    ill: dict[str, float | None] = {
        "pressure.memory_percent": 23.4,
        "pressure.io_percent": 5.0,
        "memory.oom_kills_per_s": 0.1,
        "raid[md0].missing": 1.0,
        "raid[md0].sync_percent": 50.0,
        "raid[md1].missing": 0.0,
        "raid[md1].sync_percent": 12.0,
        "raid[md2].missing": 0.0,
        "raid[md2].sync_percent": None,
    }
    for wide in (200, 240):
        shown = lines(ill, wide)
        [memory] = [line for line in shown if "─ Memory ─" in line]
        assert "killing" in memory
        assert "23% stalled" in memory
        assert any("Disk" in line and "5% stalled" in line for line in shown)
        [disks] = [line for line in shown if "─ Filesystems ─" in line]
        assert "md0 lacks 1" in disks
        assert "md1 12% synced" in disks
        assert "md2" not in disks


def test_a_host_that_is_well_has_no_word_of_it() -> None:
    well: dict[str, float | None] = {
        "pressure.memory_percent": 0.9,
        "pressure.io_percent": 0.0,
        "memory.oom_kills_per_s": 0.0,
        "raid[md0].missing": 0.0,
        "raid[md0].sync_percent": None,
    }
    shown = "\n".join(lines(well))
    assert not [word for word in ("stalled", "killing", "lacks", "synced") if word in shown]


FAULTY: dict[str, float | None] = {
    "ecc[mc0].corrected_errors": 40.0,
    "ecc[mc0].uncorrected_errors": 1.0,
    "ecc[mc1].uncorrected_errors": 2.0,
    "disk[/].errors": 4.0,
    "disk[/].read_only": 0.0,
    "disk[/srv].errors": 1.0,
    "disk[/srv].read_only": 1.0,
    "bond[bond0].missing": 1.0,
    "bond[bond1].missing": 0.0,
    "io[nvme0n1].wait_seconds": 0.0123,
    "gpu[card0].percent": 37.0,
    "gpu[card0].memory_bytes": 2.0 * 1024**3,
    "gpu[card0].memory_percent": 25.0,
    "gpu[card1].percent": 5.0,
    "gpu[card1].memory_percent": None,
    "battery[BAT0].percent": 12.0,
    "battery[BAT0].discharging": 1.0,
}


def test_faults_of_memory_and_disks_are_told_with_what_they_are_about() -> None:
    shown = lines(FAULTY, wide=240)
    [memory] = [line for line in shown if "─ Memory ─" in line]
    assert "3 ECC errors" in memory
    [disks] = [line for line in shown if "─ Filesystems ─" in line]
    assert "/ 4 errors" in disks
    assert "/srv read-only" in disks
    assert "/srv 1 errors" not in disks
    [net] = [line for line in shown if "─ Net " in line]
    assert "bond0 lacks 1" in net
    assert "bond1" not in net
    [disk] = [line for line in shown if "─ Disk " in line]
    assert "12 ms each" in disk
    well: dict[str, float | None] = dict.fromkeys(FAULTY, 0.0)
    assert not [word for word in ("errors", "read-only", "mains", "lacks") if word in "\n".join(lines(well, wide=240))]


@pytest.mark.parametrize("wide", [60, 120, 200])
def test_graphics_processors_and_batteries_have_a_line_for_each(wide: int) -> None:
    shown = lines(FAULTY, wide, high=90)
    assert any("─ GPU ─" in line for line in shown)
    assert row(shown, "card0 memory").endswith("25% 2.0 of 8.0 GiB")
    assert row(shown, "card1").endswith("5%")
    assert any("─ Batteries ─" in line and "mains are gone" in line for line in shown)
    assert row(shown, "BAT0").endswith("12%")
    assert not any("Plugins" in line for line in shown)


CONTAINERS: dict[str, float | None] = {
    "container[web].running": 1.0,
    "container[web].restarting": 0.0,
    "container[web].healthy": 1.0,
    "container[web].cpu_percent": 12.34,
    "container[web].memory_bytes": 5_242_880.0,
    "container[web].rx_bytes_per_s": 2048.0,
    "container[web].tx_bytes_per_s": 1024.0,
    "container[plain].running": 1.0,
    "container[plain].cpu_percent": 99.0,
    "container[db].running": 1.0,
    "container[db].healthy": 0.0,
    "container[loop].running": 0.0,
    "container[loop].restarting": 1.0,
    "container[loop].exit_code": 1.0,
    "container[job].running": 0.0,
    "container[job].exit_code": 137.0,
    "container[idle].running": 0.0,
}


CONTAINER_ORDER = ("db", "loop", "plain", "web", "idle", "job")


@pytest.mark.parametrize("wide", [120, 200])
def test_containers_are_told_with_how_they_are_and_what_they_take_the_unwell_first(wide: int) -> None:
    shown = lines(CONTAINERS, wide, high=90)
    assert any("─ Containers ─" in line and "3 of 6 running" in line for line in shown)
    assert row(shown, "db").startswith("db unhealthy")
    assert row(shown, "loop").startswith("loop restarting")
    assert row(shown, "plain").startswith("plain running 99.0% – –")
    assert row(shown, "web") == "web healthy 12.3% 5.0M 3.0 KiB/s"
    assert row(shown, "job").startswith("job exit 137")
    assert row(shown, "idle").startswith("idle stopped")
    places = [next(y for y, line in enumerate(shown) if f"│{name} " in line) for name in CONTAINER_ORDER]
    assert places == sorted(places)
    assert not any("Plugins" in line for line in shown)


WAITING: dict[str, float | None] = {
    "pressure.cpu_percent": 61.2,
    "pressure.memory_percent": 3.4,
    "pressure.memory_full_percent": 99.0,
    "pressure.io_percent": 12.0,
}


@pytest.mark.parametrize(("wide", "high"), [(200, 60), (120, 50), (60, 70)])
def test_what_tasks_wait_for_is_charted_the_longest_first(wide: int, high: int) -> None:
    shown = lines(WAITING, wide, high)
    [top] = [line for line in shown if "─ Pressure ─" in line]
    assert "61.2% ─ max 61.2% ─" in top
    begin, edge = shown.index(top), top.index("─ Pressure ─")
    rows = [line[edge:] for line in shown[begin + 1 : begin + 4]]
    assert [word for row in rows for word in ("cores", "memory", "disks") if word in row] == [
        "cores",
        "disks",
        "memory",
    ]
    assert [value in row for value, row in zip(("61.2%", "12.0%", "3.4%"), rows, strict=True)] == [True] * 3
    # The scale grows with what it shows, and the line of the cores is drawn from the history.
    assert " 80% " in rows[0]
    chart = "".join(row.partition("│")[0] for row in rows)
    assert any("\u2801" <= character <= "\u28ff" for character in chart)


def test_the_scale_of_pressure_ends_at_ten_percent_where_there_is_little() -> None:
    calm: dict[str, float | None] = dict.fromkeys(WAITING, 0.0)
    shown = lines(calm, 120, 50)
    begin = next(y for y, line in enumerate(shown) if "─ Pressure ─" in line)
    assert " 10% " in shown[begin + 1]


def test_a_host_without_an_account_of_pressure_has_no_panel_for_it() -> None:
    assert not any("Pressure" in line for line in lines({}))
    assert not any("Pressure" in line for line in lines({"pressure.memory_full_percent": 1.0}))


def test_where_lines_are_made_of_different_marks_these_stand_beside_the_names() -> None:
    shown = lines(WAITING, 120, 50, look=PLAIN)
    for told in ("* cores", "o memory", "+ disks", "* acpitz 0", "o Package id 0", "+ Composite"):
        assert any(f" {told} " in line for line in shown), told
    assert not any(" * cores" in line for line in lines(WAITING, 120, 50))


def test_pressure_that_finds_no_room_is_found_further_down() -> None:
    found = session(HubInMemory({"web-1": Telling(WAITING)}), screen="host")
    assert "PgDn: Disk I/O, Processes, Pressure" in found.draw(80, 24).text()
    for _ in range(3):
        found.press("pagedown")
        found.draw(80, 24)
    assert "─ Pressure ─" in found.draw(80, 24).text()
