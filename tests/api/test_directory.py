"""Which hosts are listed."""

from __future__ import annotations

from api.directory import Directory
from bus.tables import Host


def test_configured_hosts_come_first_and_those_that_are_gone_not_at_all() -> None:
    directory = Directory.of([Host(name="web-2"), Host(name="web-9", gone=True), Host(name="web-1")])
    assert directory.host_names(["web-9", "web-1", "db-2", "db-1"]) == ["web-2", "web-1", "db-1", "db-2"]
    assert [name for name in ("web-1", "web-9", "db-1") if directory.is_gone(name)] == ["web-9"]
