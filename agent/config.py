"""The table ``[agent]``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from agent.metrics import METRICS
from bus.faults import Objection
from bus.messages import DRILL, HUB
from bus.secret import Secret
from bus.settings import setting
from bus.tables import NAME_FORM, NAME_OR_NONE, is_own

PSEUDO = (
    "autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs erofs fuse.gvfsd-fuse fuse.lxcfs "
    "fuse.portal fuse.snapfuse fusectl hugetlbfs iso9660 mqueue nsfs overlay proc pstore ramfs rpc_pipefs securityfs "
    "selinuxfs squashfs sysfs tmpfs tracefs udf"
)
"""File systems that hold no files of anybody's, or are always full."""


@dataclass(frozen=True)
class Agent:
    """What is measured, how often, and how much that may cost."""

    name: str = setting(
        "",
        pattern=NAME_OR_NONE,
        form=NAME_FORM,
        help="The host's name on the hub; empty: its own short host name.",
    )
    interval: float = setting(
        1.0, unit="s", minimum=0.1, maximum=3600, help="Time between samples, which are taken at its multiples."
    )
    slow_seconds: float = setting(
        10.0,
        unit="s",
        minimum=1,
        maximum=3600,
        help="File systems, sensors and what else may be slow to answer are read this often.",
    )
    budget_percent: float = setting(
        0.5,
        unit="percent of a core",
        minimum=0.01,
        maximum=100,
        help="A metric that costs more CPU time than this is read less often until it does not.",
    )
    skip_metrics: tuple[str, ...] = setting((), choices=METRICS, help="Metrics that are not measured.")
    skip_interfaces: tuple[str, ...] = setting(
        ("lo", "veth*", "ifb*", "dummy*", "cali*"), help="Network interfaces that are left out, as globs."
    )
    skip_disks: tuple[str, ...] = setting(
        ("loop*", "ram*", "zram*", "fd*", "sr*"),
        help="Disks whose transfers are left out, as globs; partitions always are.",
    )
    skip_mounts: tuple[str, ...] = setting(
        ("/snap/*", "/var/lib/docker/*", "/var/lib/containers/*", "/run/*"),
        help="Mount points that are left out, as globs.",
    )
    skip_filesystems: tuple[str, ...] = setting(
        tuple(PSEUDO.split()),
        help="Types of file systems that are left out everywhere but at / where that can be written.",
    )
    units: tuple[str, ...] = setting(
        (),
        help="Services and containers whose CPU and memory are told, by their groups: ['nginx.service', 'docker-*'].",
    )
    containers: tuple[str, ...] = setting(
        (),
        help="Containers of Docker or Podman that are told, by their names: ['*'], ['web-*'].",
    )
    container_socket: str = setting(
        "/var/run/docker.sock",
        help="Where Docker or Podman answers; who may ask there, as the agent has to, may do all that root may.",
    )
    processes: bool = setting(True, help="Whether the busiest and the largest processes are told.")
    process_count: int = setting(
        10, minimum=1, maximum=100, help="So many processes by CPU and so many by memory are told."
    )
    process_seconds: float = setting(
        10.0, unit="s", minimum=1, maximum=3600, help="Time between two lists of processes."
    )
    facts_seconds: float = setting(
        3600.0, unit="s", minimum=60, maximum=86_400, help="Facts are told this often even if they have not changed."
    )
    plugins: str = setting(
        "agent.d", help="The folder of executables that print metrics of your own, relative to this file."
    )
    plugin_interval: float = setting(
        10.0, unit="s", minimum=1, maximum=86_400, help="Each plugin is started this often."
    )
    plugin_seconds: float = setting(
        5.0, unit="s", minimum=0.1, maximum=3600, help="A plugin that takes longer is killed with all it started."
    )

    watch_url: Secret | None = setting(
        None,
        help="A URL as ${NAME} or file:PATH: told when the hub has been silent for long, and when it is back.",
    )
    watch_seconds: float = setting(
        600.0,
        unit="s",
        minimum=10,
        maximum=86_400,
        help="So long without a receipt means that the hub is silent, and watch_url is told.",
    )

    def objections(self) -> Iterator[Objection]:
        """The hub's own names are taken, and an address has to be one."""
        from bus.addresses import unlike_url  # an agent that runs reads no configuration any more

        yield from unlike_url("watch_url", self.watch_url, "https://watch.example/guardia")
        if self.name.startswith(HUB) and self.name != DRILL:
            yield Objection("name", f'"{self.name}"', f"a name that does not start with {HUB}", "choose another")


_TAKEN = (
    "agent battery bond clock conntrack container cpu disk ecc failing fan gpu io load memory metric net plugin "
    "pressure raid scrape spool swap system tcp temperature unit check http lost phase response service tls"
)
RESERVED = frozenset(_TAKEN.split())
"""The first words of metrics that agents have themselves, and of what rules say of services and of silence."""


@dataclass(frozen=True)
class Scrape:
    """A program whose metrics are read in Prometheus's text format; they are told as this host's."""

    name: str = setting(
        pattern=r"[A-Za-z][A-Za-z0-9_]{0,31}",
        form="a name of letters, digits and _ that begins with a letter (at most 32 of them)",
        unique=True,
        help="What its metrics are called: shop makes shop[path=/cart].http_requests_per_s.",
    )
    url: str = setting(
        pattern=r"https?://\S+",
        form="an address such as http://127.0.0.1:9187/metrics",
        help="Where it tells them; without a path, at /metrics. A redirect is not followed.",
    )
    interval: float = setting(10.0, unit="s", minimum=1, maximum=86_400, help="Time between two readings.")
    timeout: float = setting(5.0, unit="s", minimum=0.1, maximum=300, help="A reading lasts at most so long.")
    keep: tuple[str, ...] = setting(
        ("*",), help="What is told of it, as globs of the names that it has: ['pg_stat_database_*', 'pg_up']."
    )
    skip: tuple[str, ...] = setting((), help="What is left out of that: ['go_*', 'process_*', 'promhttp_*'].")
    most: int = setting(1000, minimum=1, maximum=8000, help="So many metrics are told of it, at most.")
    user: str = setting("", help="Who logs in, by basic authentication.")
    password: Secret | None = setting(None, help="The password for it.")
    token: Secret | None = setting(None, help="The token by which we are known: Authorization: Bearer.")
    tls_authority: str = setting(
        "", help="A file of certificates (PEM) to trust in place of the system's, relative to this file."
    )

    def objections(self) -> Iterator[Objection]:
        """An address is one, a name is free, and what is secret is not sent over a network in the open."""
        from bus.addresses import is_url
        from bus.headers import header

        if self.name in RESERVED:
            yield Objection("name", f'"{self.name}", which other metrics are called', "another name")
        parts = urlsplit(self.url) if is_url(self.url) else None
        if parts is None:
            yield Objection("url", "what is no address", "one such as http://127.0.0.1:9187/metrics")
        elif "@" in parts.netloc:
            yield Objection("url", "an address with a password in it", "user = ... and password = ... beside it")
        elif (self.password or self.token) and parts.scheme == "http" and not is_own(parts.hostname or ""):
            yield Objection("url", "http to another machine, with a secret", "https", "who listens would have it")
        if self.user and self.password is None:
            yield Objection("password", "nothing", "the password of the user")
        if self.password is not None and not self.user:
            yield Objection("user", "nothing", "whose password it is")
        if self.token is not None and self.user:
            yield Objection("token", "a token beside a user", "one of them")
        if self.token is not None:
            yield from header("token", "Authorization", self.token.reveal())
