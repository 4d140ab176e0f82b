"""The drawer of checks: one file, one line. Each line names a class that extends ``prober.checks.common.Check``.

A further check is a file here, a line in ``CHECKS`` and, where a URL's scheme tells it, a line in ``SCHEMES``. The
contract tests (``tests/prober/checks/test_contract.py``) run over it without being asked.

**Settings.** The class is a frozen dataclass (``kw_only=True``) whose fields are made by ``bus.config.setting``; it is
read from the operator's ``[[services]]`` table together with what every service has (``bus.tables.Service``: name, url,
interval, timeout, retries, slow, grace, ...). Give each field a default and a ``help``. ``objections`` yields what
cannot work, after those of ``super()``: regular expressions, ranges and addresses are read there, when the
configuration is, and not at night. A secret is a field of type ``Secret``. A check that has no address of its own gives
``url`` a default. Its first docstring line stands in ``etc/guardia.toml``, which ``guardia check --settings`` makes.

**Light to load.** Every room reads the configuration, so the module must not import what is heavy (requests,
cryptography, dns) at its top, but where it is used, and first in ``prepare``: that is called before each attempt,
outside its time, so that the first answer is not slow because a library was loaded.

**An attempt.** ``look(probe)`` tries once and returns an ``Outcome``. It runs in a worker thread, may block, and keeps
no state: many attempts of one check's class run at the same time. Who calls it does the rest: ``Check.run`` turns
``Failed``, ``OSError`` and the deadline into outcomes, adds ``total_ms`` and ``response_ms`` and makes what is slower
than ``slow`` degraded; the room tries again (``retries``) and counts (``grace``). A ``Failed`` says the reason and the
status; all other exceptions are faults of ours and crash the attempt loudly, as an unknown outcome with a traceback in
the log. ``reason`` is one line without secrets that names the fault and what was expected, as ``answered 503, expected
200-299``; the URL is not repeated in it.

**Time.** ``probe.deadline.left()`` is the timeout for the next blocking call. Connections come from ``probe.connect``
or are given to ``probe.deadline.watch``, which shuts them when the time is over, so that a drip of bytes cannot hold
an attempt. ``with probe.phase("tls"):`` times a phase, usually ``dns``, ``connect``, ``tls`` or ``first_byte``.

**Who failed.** ``probe.reached`` says that the target itself answered something, were it a refusal. ``probe.connect``
sets it; a check that sends packets sets it when one comes back. What failed without it is unknown, not down, while our
own side has no connection.

**Addresses.** A check reaches only what ``probe.addresses(host, port)`` returned, or ``probe.connect`` connected to:
private and loopback addresses are refused there unless the operator allows them, and a name is looked up once. Each
redirect goes through it again.
"""

CHECKS = {
    "http": "prober.checks.http:Http",
    "tcp": "prober.checks.tcp:Tcp",
    "tls": "prober.checks.tls:Tls",
    "icmp": "prober.checks.icmp:Icmp",
    "dns": "prober.checks.dns:Dns",
    "grpc": "prober.checks.grpc:Grpc",
    "websocket": "prober.checks.websocket:Websocket",
    "domain": "prober.checks.domain:Domain",
    "command": "prober.checks.command:Command",
    "heartbeat": "prober.checks.heartbeat:Heartbeat",
}
"""A check's word, and where its settings and its attempt stand."""

SCHEMES = {
    "http": "http",
    "https": "http",
    "tcp": "tcp",
    "tls": "tls",
    "icmp": "icmp",
    "dns": "dns",
    "grpc": "grpc",
    "grpcs": "grpc",
    "ws": "websocket",
    "wss": "websocket",
    "domain": "domain",
    "command": "command",
    "heartbeat": "heartbeat",
}
"""The check that a URL's scheme means where the table does not say ``check``."""
