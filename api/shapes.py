"""The shapes of every answer and stream event, as types. Pure.

The views are checked against these by mypy, ``api.openapi`` prints them, the contract test compares the wire
with the same rules written down a second time. The texts beside the fields are what the OpenAPI page shows.
"""

# No "from __future__ import annotations" here: as text, NotRequired would not be seen by __required_keys__.

from typing import Annotated, Literal, NotRequired, TypedDict

Time = Annotated[str, "RFC 3339 in UTC, milliseconds and Z"]
Percent = Annotated[float, "percent, 0 to 100"]
Bytes = Annotated[int, "bytes"]

Monitoring = Literal["active", "paused", "disabled"]
HostHealth = Literal["up", "down", "stale", "unknown"]
ServiceHealth = Literal["up", "down", "degraded", "stale", "unknown"]
StateWord = Literal["up", "degraded", "down", "unknown"]
CheckStatus = Literal["up", "down", "degraded"]
PartHealth = Literal["ok", "degraded", "down"]


# -- a host's reading --------------------------------------------------------------------------------------------


class System(TypedDict):
    """A host's operating system."""

    name: str | None
    kernel_version: str | None
    os_version: str | None
    host_name: str | None


class Memory(TypedDict):
    """A host's memory and swap."""

    total: Bytes
    used: Bytes
    total_swap: Bytes
    used_swap: Bytes


class Cpu(TypedDict):
    """One core."""

    name: str
    frequency: Annotated[int, "MHz"]
    usage: Percent


class Cpus(TypedDict):
    """All cores."""

    total: Annotated[int, "logical processors"]
    arch: str
    average_usage: Percent
    cpus: list[Cpu]


class Component(TypedDict):
    """One temperature sensor."""

    name: str
    temperature: Annotated[float | None, "Celsius"]


class Components(TypedDict):
    """All temperature sensors."""

    average_temperature: Annotated[float | None, "Celsius, over the sensors that gave a reading"]
    components: list[Component]


class Disk(TypedDict):
    """One filesystem."""

    name: Annotated[str, "mount point"]
    total: Annotated[int | None, "bytes"]
    used: Annotated[int | None, "bytes"]
    free: Annotated[int | None, "bytes"]
    percent: Annotated[float | None, "percent, 0 to 100"]


class Network(TypedDict):
    """One network interface."""

    name: Annotated[str, "interface"]
    rx_bytes_per_s: float | None
    tx_bytes_per_s: float | None


class ServerMetrics(TypedDict):
    """One reading of a host, in the form that the known clients take."""

    system: System
    memory: Memory
    cpus: Cpus
    components: Components
    disks: NotRequired[list[Disk]]
    networks: NotRequired[list[Network]]
    load: NotRequired[Annotated[list[float | None], "over 1, 5 and 15 minutes"]]
    uptime_seconds: NotRequired[float | None]


# -- part A: what existing clients rely on -----------------------------------------------------------------------


class Part(TypedDict):
    """How one part of the hub is, and why."""

    status: PartHealth
    reason: NotRequired[Annotated[str | None, "only for those with a token"]]


class Health(TypedDict):
    """How the hub is."""

    status: PartHealth
    timestamp: Time
    checks: dict[str, Part]


class Storage(TypedDict):
    """What the store has done."""

    total_metrics: Annotated[int, "samples stored"]
    buffer_size: Annotated[int, "samples of hosts held in memory"]
    flush_count: Annotated[int, "commits"]
    last_cleanup: NotRequired[Time]
    total_metrics_deleted: int
    total_service_checks_deleted: int


class StorageMetrics(TypedDict):
    """What the store holds."""

    last_cleanup_time: Time | None
    total_metrics: int
    total_service_checks: int


class Stats(TypedDict):
    """Counts of everything."""

    timestamp: Time
    storage: Storage
    collectors: int
    service_monitors: int
    servers_monitored: int
    services_monitored: int
    active_alerts: int
    storage_metrics: StorageMetrics


class ServerInfo(TypedDict):
    """A host with its newest reading."""

    server_id: str
    display_name: str
    monitoring_status: Monitoring
    health_status: HostHealth
    last_seen: Annotated[str | None, "when anything was last received from the host"]
    last_poll_success: Annotated[str | None, "when the newest sample was received"]
    last_poll_error: str | None
    latest_metrics: ServerMetrics | None


class Servers(TypedDict):
    """All hosts."""

    servers: list[ServerInfo]
    count: int


class MetricRow(TypedDict):
    """A stored reading of a host."""

    timestamp: Time
    server_id: str
    display_name: str
    metric_type: Literal["resource", "system", "custom"]
    cpu_avg: float | None
    memory_used: int | None
    memory_total: int | None
    temp_avg: float | None
    metadata: ServerMetrics


class MetricRows(TypedDict):
    """A host's readings between two times."""

    server_id: str
    start: Time
    end: Time
    count: int
    metrics: Annotated[list[MetricRow], "oldest first"]


class LatestRows(TypedDict):
    """A host's newest readings."""

    server_id: str
    count: int
    metrics: Annotated[list[MetricRow], "oldest first"]


# -- part B ------------------------------------------------------------------------------------------------------


class FactsShape(TypedDict):
    """What seldom changes about a host."""

    host_name: str | None
    os_name: str | None
    os_version: str | None
    kernel: str | None
    arch: str
    cpu_model: str | None
    cpu_count: int
    memory_total: Bytes
    boot_time: Annotated[float | None, "seconds since the epoch"]
    interval: Annotated[float | None, "seconds between samples"]
    version: Annotated[str, "of the agent"]
    python: str


class ProcessRow(TypedDict):
    """One of a host's busiest or largest processes."""

    pid: int
    name: str
    user: str
    cpu_percent: Annotated[float, "of one processor"]
    memory_bytes: Annotated[int, "resident"]


class ServerDetail(ServerInfo):
    """A host with everything that is known of it now."""

    facts: FactsShape | None
    values: Annotated[dict[str, float | None], "by metric; null where there was no reading"]
    values_at: Time | None
    processes: list[ProcessRow] | None


class OneSeries(TypedDict):
    """One metric in steps of time."""

    metric: str
    unit: str
    mean: NotRequired[list[float | None]]
    min: NotRequired[list[float | None]]
    max: NotRequired[list[float | None]]
    last: NotRequired[list[float | None]]
    count: NotRequired[list[int]]


class SeriesShape(TypedDict):
    """Metrics of a host in steps of time."""

    server_id: str
    start: Time
    end: Time
    step_seconds: float
    tier: Annotated[str, "what was read to answer"]
    coverage: Annotated[float, "share of the range that was measured, 0 to 1"]
    times: Annotated[list[int], "start of each step, milliseconds since the epoch"]
    series: list[OneSeries]


class GapRow(TypedDict):
    """An entry of the ledger of losses."""

    timestamp: Time
    epoch: Annotated[str, "one start of the producer, 16 hexadecimal digits"]
    first: int
    last: int
    count: int
    reason: Annotated[str, "dropped, restored, orphaned, damaged or rejected ...; found takes back an earlier entry"]


class Account(TypedDict):
    """What became of one producer's messages: sent = stored + rejected + lost, and what is under way."""

    source: str
    since: Annotated[Time | None, "counted from here on; null: from the first message ever"]
    last_seen: Time | None
    sent: int
    stored: int
    duplicates: Annotated[int, "came again and were not stored again"]
    rejected: Annotated[int, "refused or not to be understood"]
    lost: Annotated[int, "nobody has them any more"]
    waiting: Annotated[int, "sent, not come yet, not given up"]
    reasons: Annotated[dict[str, int], "messages by reason"]
    gaps: Annotated[list[GapRow], "the newest entries of the ledger, oldest first"]


class Gaps(TypedDict):
    """The account of every producer."""

    start: Annotated[Time | None, "as asked for"]
    end: Time
    count: int
    lost: Annotated[int, "of all producers, rejected ones included"]
    producers: list[Account]


class RoomRow(TypedDict):
    """A program of the hub, as it tells of itself."""

    program: str
    heard_at: Annotated[Time | None, "when it last told anything"]
    values: Annotated[dict[str, float | None], "its newest numbers"]


class Rooms(TypedDict):
    """The programs of the hub."""

    rooms: list[RoomRow]
    count: int


class Labels(TypedDict):
    """What kind of hosts and services there are, as configured; those without labels are left out."""

    hosts: dict[str, dict[str, str]]
    services: dict[str, dict[str, str]]


class ErrorShape(TypedDict):
    """Why there is no answer."""

    error: Annotated[str, "for people"]
    code: Annotated[str, "for programs; stable"]
    parameter: NotRequired[Annotated[str, "which one was wrong"]]
