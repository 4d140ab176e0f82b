"""The readings of all groups become one wide sample."""

from __future__ import annotations

from agent.readings import Count
from agent.sampler import MOST_NAME_BYTES, Sampler
from bus.messages import MAX_METRICS, Layout, encode

NOON = 43_200.0


def test_groups_stand_in_the_order_of_the_drawer_whoever_comes_first() -> None:
    sampler = Sampler(["cpu", "disk"])
    sampler.take("disk", {"disk[/].percent": 40.0}, NOON)
    sampler.take("cpu", {"cpu.count": 2.0}, NOON)
    assert sampler.sample(NOON) == (("cpu.count", "disk[/].percent"), [2.0, 40.0])


def test_what_is_read_at_every_turn_is_not_repeated_when_it_fails() -> None:
    sampler = Sampler(["load"])
    sampler.take("load", {"load.1m": 0.5}, NOON)
    assert sampler.sample(NOON + 1) == (("load.1m",), [None])


def test_a_slow_group_is_repeated_until_it_is_too_old_and_its_names_stay() -> None:
    sampler = Sampler(["disk"])
    sampler.take("disk", {"disk[/].percent": 40.0}, NOON, holds=30)
    assert sampler.sample(NOON + 30) == (("disk[/].percent",), [40.0])
    assert sampler.sample(NOON + 31) == (("disk[/].percent",), [None])


def test_the_layout_changes_only_when_instances_do() -> None:
    sampler = Sampler(["net"])
    names = []
    for at, interfaces in enumerate((["eth0"], ["eth0"], ["eth0", "wg0"], ["wg0"])):
        sampler.take("net", {f"net[{one}].rx_bytes_per_s": Count(at) for one in interfaces}, NOON + at)
        names.append(sampler.sample(NOON + at)[0])
    assert names[0] is names[1]
    assert names[2] == ("net[eth0].rx_bytes_per_s", "net[wg0].rx_bytes_per_s")
    assert names[3] == ("net[wg0].rx_bytes_per_s",)


def test_of_two_groups_that_tell_the_same_name_the_first_is_believed() -> None:
    sampler = Sampler(["cpu"])
    sampler.take("the plugin liar", {"cpu.count": 99.0, "shop.orders": 3.0}, NOON)
    sampler.take("cpu", {"cpu.count": 2.0}, NOON)
    assert sampler.sample(NOON) == (("cpu.count", "shop.orders"), [2.0, 3.0])


def test_a_forgotten_group_leaves_the_layout() -> None:
    sampler = Sampler(["load"])
    sampler.take("load", {"load.1m": 0.5}, NOON)
    sampler.take("the plugin mail", {"plugin[mail].queued": 3.0}, NOON)
    assert sampler.sample(NOON)[0] == ("load.1m", "plugin[mail].queued")
    sampler.forget("the plugin mail")
    assert sampler.sample(NOON)[0] == ("load.1m",)


def test_a_layout_always_fits_the_wire() -> None:
    sampler = Sampler([])
    many = {f"plugin[{'long' * 38} {n}].value": float(n) for n in range(3 * MAX_METRICS)}
    sampler.take("the plugin flood", many, NOON)
    names, values = sampler.sample(NOON)
    encode(Layout(names))
    assert len(names) == len(values)
    assert 1000 < len(names) <= MAX_METRICS
    assert sum(map(len, names)) <= MOST_NAME_BYTES


def test_short_names_are_limited_by_their_number() -> None:
    sampler = Sampler([])
    sampler.take("the plugin flood", {f"m{n}.v": 0.0 for n in range(MAX_METRICS + 10)}, NOON)
    assert len(sampler.sample(NOON)[0]) == MAX_METRICS


def test_a_thousand_file_systems_hide_nothing_else() -> None:
    said: list[str] = []
    sampler = Sampler(["cpu", "disk", "net"], said.append)
    sampler.take("cpu", {"cpu.percent": 5.0}, NOON, holds=30)
    for count in (2000, 2001, 10, 2000):
        fields = ("total", "used", "free", "percent", "inodes_percent")
        disks = {f"disk[/t/{n}].{field}": 1.0 for n in range(count) for field in fields}
        sampler.take("disk", disks, NOON, holds=30)
        traffic = {f"net[eth{n}].rx_bytes_per_s": Count(0) for n in range(20)}
        sampler.take("net", traffic, NOON, holds=30)
        sampler.take("the plugin mail", {"plugin[mail].queued": 3.0, "disk[/t/0].used": 9.0}, NOON, holds=30)
        names, values = sampler.sample(NOON)
        assert {"cpu.percent", *traffic, "plugin[mail].queued"} <= set(names)
        assert (names[0], names[-1], len(names)) == ("cpu.percent", "plugin[mail].queued", len(set(names)))
        assert len(names) == len(values) == min(MAX_METRICS, 22 + 5 * count)
        assert values[names.index("disk[/t/0].used")] == 1.0
    lacking = 22 + 5 * 2000 - MAX_METRICS
    assert said == [f"a sample can hold no more: {lacking} readings of disk are left out"] * 2
