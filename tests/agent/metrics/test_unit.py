"""What units and containers take, from a made-up tree of groups."""

from __future__ import annotations

from pathlib import Path

from agent.config import Agent
from agent.groups import usage
from agent.metrics.unit import DEEPEST, MOST, Unit, found
from agent.readings import Count, Ground

ID = "0123456789ab" + "c" * 52


def group(root: Path, path: str, **files: str) -> None:
    folder = root / "fs" / "cgroup" / path
    folder.mkdir(parents=True)
    for file, text in ({"cpu.stat": "usage_usec 7\nuser_usec 5\n", "memory.current": "4096"} | files).items():
        (folder / file.replace("_", ".")).write_text(f"{text}\n")


def told(root: Path, *globs: str) -> dict[str, object]:
    return dict(Unit(Ground(config=Agent(units=globs), sys=str(root))).read())


def test_a_named_service_is_told_and_others_are_not(tmp_path: Path) -> None:
    group(tmp_path, "system.slice/nginx.service", pids_current="3")
    group(tmp_path, "system.slice/cron.service", pids_current="1")
    assert told(tmp_path, "nginx*") == {
        "unit[nginx.service].running": 1.0,
        "unit[nginx.service].cpu_percent": Count(7, 1e-4),
        "unit[nginx.service].memory_bytes": 4096.0,
        "unit[nginx.service].processes": 3.0,
    }
    assert told(tmp_path) == {}


def test_one_named_by_its_whole_name_is_told_as_not_running_when_it_is_not_there(tmp_path: Path) -> None:
    group(tmp_path, "system.slice/nginx.service", pids_current="3")
    units = Unit(Ground(config=Agent(units=("nginx.service", "mail.service", "post*")), sys=str(tmp_path)))
    running = {name: value for name, value in units.read().items() if name.endswith("running")}
    assert running == {"unit[nginx.service].running": 1.0, "unit[mail.service].running": 0.0}
    nginx = tmp_path / "fs/cgroup/system.slice/nginx.service"
    nginx.rename(nginx.with_name("post.service"))
    readings = units.read()
    assert {name: value for name, value in readings.items() if "post" not in name} == {
        "unit[nginx.service].running": 0.0,
        "unit[mail.service].running": 0.0,
    }
    assert readings["unit[post.service].running"] == 1.0


def test_units_are_found_in_slices_of_slices_and_not_within_units(tmp_path: Path) -> None:
    group(tmp_path, "init.scope")
    group(tmp_path, "user.slice/user-1000.slice/user@1000.service/app.slice/shell.service")
    group(tmp_path, "kubepods.slice/kubepods-pod1.slice/cri-containerd-9.scope")
    group(tmp_path, "system.slice/dev-hugepages.mount/odd.service")
    group(tmp_path, "/".join(f"{n}.slice" for n in range(DEEPEST + 1)) + "/deep.service")
    names = {name for name, _ in found(f"{tmp_path}/fs/cgroup", DEEPEST)}
    assert names == {"init.scope", "user@1000.service", "cri-containerd-9.scope"}


def test_containers_have_the_name_that_docker_ps_shows(tmp_path: Path) -> None:
    group(tmp_path, f"system.slice/docker-{ID}.scope")
    group(tmp_path, f"docker/{ID}")
    group(tmp_path, f"libpod_parent/libpod-{ID}")
    assert [name for name in told(tmp_path, "docker-*", "libpod-*", ID[:12]) if "cpu" in name] == [
        f"unit[{ID[:12]}].cpu_percent",
        f"unit[docker-{ID[:12]}.scope].cpu_percent",
        f"unit[libpod-{ID[:12]}].cpu_percent",
    ]


def test_what_is_not_counted_for_a_group_has_no_reading(tmp_path: Path) -> None:
    group(tmp_path, "system.slice/a.service")
    assert told(tmp_path, "*")["unit[a.service].processes"] is None
    assert usage("user_usec 5\n") is None


def test_so_many_units_are_told_and_no_more(tmp_path: Path) -> None:
    for number in range(MOST + 5):
        group(tmp_path, f"system.slice/s{number:03}.service")
    names = [name for name in told(tmp_path, "*") if "cpu" in name]
    assert (len(names), names[0], names[-1]) == (
        MOST,
        "unit[s000.service].cpu_percent",
        f"unit[s{MOST - 1:03}.service].cpu_percent",
    )


def test_a_host_without_a_unified_hierarchy_tells_none(tmp_path: Path) -> None:
    assert told(tmp_path, "*") == {}


def test_of_old_hierarchies_nothing_is_told_and_beside_them_that_of_the_unified_one(tmp_path: Path) -> None:
    for controller in ("cpuacct", "memory", "pids"):
        group(tmp_path, f"{controller}/system.slice/nginx.service", cpu_stat="nr_periods 0", pids_current="3")
    said: list[str] = []
    unit = Unit(Ground(config=Agent(units=("*",)), sys=str(tmp_path), say=said.append))
    assert (unit.read(), len(said)) == ({}, 1)
    group(tmp_path, "unified/system.slice/nginx.service")
    (tmp_path / "fs/cgroup/unified/system.slice/nginx.service/memory.current").unlink()
    assert told(tmp_path, "*") == {
        "unit[nginx.service].running": 1.0,
        "unit[nginx.service].cpu_percent": Count(7, 1e-4),
        "unit[nginx.service].memory_bytes": None,
        "unit[nginx.service].processes": None,
    }
