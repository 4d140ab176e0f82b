"""What the kernel counts of itself: kills, pressure, files, connections; from texts and folders of a made-up host."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from agent.metrics import pressure
from agent.metrics.clock import Clock
from agent.metrics.conntrack import Conntrack
from agent.metrics.handles import Handles
from agent.metrics.oom import Oom
from agent.metrics.pressure import Pressure
from agent.metrics.tcp import Tcp, table
from agent.rates import Rates
from agent.readings import Count, Ground

CPU = "some avg10=99.10 avg60=97.32 avg300=93.86 total={some}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total={full}\n"


def written(root: Path, files: dict[str, str]) -> Ground:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Ground(proc=str(root), sys=str(root))


def test_a_second_of_waiting_in_ten_is_ten_percent(tmp_path: Path) -> None:
    rates = Rates()
    for at, some in ((100.0, 5_000_000), (110.0, 6_000_000)):
        text = CPU.format(some=some, full=some // 2)
        ground = written(tmp_path, {f"pressure/{name}": text for name in ("cpu", "memory", "io")})
        told = rates.values(Pressure(ground).read(), at)
    assert told == {
        "pressure.cpu_percent": 10.0,
        "pressure.memory_percent": 10.0,
        "pressure.memory_full_percent": 5.0,
        "pressure.io_percent": 10.0,
        "pressure.io_full_percent": 5.0,
    }
    written(tmp_path, {"pressure/cpu": CPU.format(some=16_100_000, full=0)})
    assert rates.values(Pressure(ground).read(), 120.0)["pressure.cpu_percent"] == 100.0, "it is never more"


def test_a_kernel_without_a_line_or_without_any_account_tells_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Pressure(Ground(proc=str(tmp_path))).read() == {}
    short = "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"  # as of the CPU before 5.13
    ground = written(tmp_path, {f"pressure/{name}": short for name in ("cpu", "memory", "io")})
    assert set(Pressure(ground).read()) == {"pressure.cpu_percent", "pressure.memory_percent", "pressure.io_percent"}

    def refused(*_: object) -> None:
        raise OSError(code, "no")

    monkeypatch.setattr(pressure, "open", refused, raising=False)
    code = errno.EOPNOTSUPP
    assert Pressure(ground).read() == {}
    code = errno.EIO
    with pytest.raises(OSError, match="no"):
        Pressure(ground).read()


def test_kills_for_want_of_memory_are_counted(tmp_path: Path) -> None:
    ground = written(tmp_path, {"vmstat": "nr_free_pages 1\noom_kill 12\nnuma_hit 5\n"})
    assert Oom(ground).read() == {"memory.oom_kills_per_s": Count(12)}


def test_a_kernel_that_does_not_count_them_tells_none(tmp_path: Path) -> None:
    assert Oom(written(tmp_path, {"vmstat": "nr_free_pages 1\n"})).read() == {}


def test_open_files_are_those_that_are_not_free(tmp_path: Path) -> None:
    ground = written(tmp_path, {"sys/fs/file-nr": "4400\t400\t16000\n"})
    assert Handles(ground).read() == {"system.open_files": 4000.0, "system.open_files_percent": 25.0}
    endless = written(tmp_path, {"sys/fs/file-nr": "4400\t0\t9223372036854775807\n"})
    assert Handles(endless).read()["system.open_files_percent"] == 0.0


def test_followed_connections_are_told_while_the_firewall_follows_any(tmp_path: Path) -> None:
    metric = Conntrack(Ground(proc=str(tmp_path)))
    assert metric.read() == {}
    folder = "sys/net/netfilter"
    written(tmp_path, {f"{folder}/nf_conntrack_count": "300\n", f"{folder}/nf_conntrack_max": "400\n"})
    assert metric.read() == {"conntrack.connections": 300.0, "conntrack.percent": 75.0}
    (tmp_path / folder / "nf_conntrack_max").unlink()
    assert metric.read() == {}


SNMP = "Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: RtoAlgorithm EstabResets CurrEstab RetransSegs\nTcp: 1 4 17 9\n"
NETSTAT = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 0 2 3\nIpExt: InNoRoutes\nIpExt: 1\n"


def test_what_tcp_counts_is_found_by_its_name(tmp_path: Path) -> None:
    ground = written(tmp_path, {"net/snmp": SNMP, "net/netstat": NETSTAT})
    assert Tcp(ground).read() == {
        "tcp.connections": 17.0,
        "tcp.retransmits_per_s": Count(9),
        "tcp.resets_per_s": Count(4),
        "tcp.listen_drops_per_s": Count(3),
    }


def test_what_a_kernel_does_not_count_is_left_out(tmp_path: Path) -> None:
    assert Tcp(written(tmp_path, {"net/snmp": "Ip: a\nIp: 1\n", "net/netstat": ""})).read() == {}
    assert table(b"Tcp: CurrEstab\n", b"Tcp:") == {}
    assert table(b"TcpExt: CurrEstab\nTcpExt: 1\n", b"Tcp:") == {}


def test_tables_that_are_longer_than_a_page_are_read_whole(tmp_path: Path) -> None:
    names, numbers = " ".join(f"Name{n}" for n in range(900)), " ".join("123456" for _ in range(900))
    ground = written(tmp_path, {"net/snmp": SNMP, "net/netstat": f"TcpExt: {names} ListenDrops\nTcpExt: {numbers} 8\n"})
    assert Tcp(ground).read()["tcp.listen_drops_per_s"] == Count(8)


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (2_345_678, 0x2001, {"clock.synchronised": 1.0, "clock.error_seconds": 2.35}),
        (16_000_000, 0x2040, {"clock.synchronised": 0.0, "clock.error_seconds": 16.0}),
    ],
)
def test_whether_the_clock_is_kept_right_is_told_as_the_kernel_has_it(
    error: int, status: int, told: dict[str, float]
) -> None:
    assert Clock(Ground(), lambda: (error, status)).read() == told


def test_where_the_clock_may_not_be_asked_it_is_not_told() -> None:
    def refused() -> tuple[int, int]:
        raise OSError(errno.EPERM, "no")

    assert Clock(Ground(), refused).read() == {}
