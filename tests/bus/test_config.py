"""Ten broken configurations, each with all its faults: the place, what was found, what was expected, what to type."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import rooms
from bus.config import ConfigError

PROJECT = Path(__file__).resolve().parents[2]

BROKEN: dict[str, tuple[str, list[str]]] = {
    "an unknown table": ("[stor]\npath = 'x'\n", [":1: [stor]: found an unknown table", "did you mean store?"]),
    "an unknown key": (
        "[api]\nprot = 80\n",
        [":2: [api] prot: found an unknown setting", "did you mean port?"],
    ),
    "a wrong type": ("[api]\nport = 'eighty'\n", [":2: [api] port: found", "expected a whole number from 0 to 65535"]),
    "a wrong range": ("[api]\nworkers = 0\n", [":2: [api] workers: found 0", "from 1 to 64"]),
    "a truth for a number": ("[api]\nport = true\n", [":2: [api] port: found true"]),
    "a wrong word": (
        "[bus]\nlog_level = 'warn'\n",
        [":2: [bus] log_level", '"debug"', "did you mean warning?"],
    ),
    "a wrong word where there may be none": (
        "[[rules]]\nname = 'a'\nwhen = 'cpu.percent > 90'\nseverity = 'severe'\n",
        [':4: [[rules]] severity: found "severe", expected "info", "warning" or "critical"'],
    ),
    "a wrong duration": (
        "[store]\ncommit_seconds = '2 weeks ago'\n",
        [":2: [store] commit_seconds", "a duration such as 250ms, 30s or 7d"],
    ),
    "a table twice": (
        "[api]\nport = 1\n[bus]\n[api]\n",
        [":4:", "[api] once more, after line 1", "into the first one"],
    ),
    "a setting that nobody knows beside one that cannot work": (
        "[[rules]]\nname = 'busy'\nwhen = 'cpu.percent >> 5'\nsevrity = 'info'\n",
        [":3: [[rules]] when: found '>' at character 14", ":4: [[rules]] sevrity", "did you mean severity?"],
    ),
    "a channel that is not there beside a mistake elsewhere": (
        "[api]\nprot = 1\n[notify]\nchannels = ['opps']\n[channels.ops]\ntype = 'command'\ncommand = ['/bin/true']\n",
        [":2: [api] prot", ':4: [notify] channels: found the channel "opps", which is not there', "did you mean ops?"],
    ),
    "what does not go together beside mistakes in the same lists": (
        "[[rules]]\nname = 'busy'\nwhen = 'cpu.percent > 90'\nseverity = 'bad'\n"
        "[[rules]]\nname = 'disk-nearly-ful'\nfor = '5m'\nchannels = ['opps', 'mail']\n"
        "[[hosts]]\nname = 'web 1'\n[[hosts]]\nname = 'a'\nparent = 'b'\n[[hosts]]\nname = 'b'\nparent = 'a'\n"
        "[channels.ops]\ntype = 'command'\ncommand = ['/bin/true']\nfallback = 'mail'\n"
        "[channels.mail]\ntype = 'emial'\n",
        [
            ':4: [[rules]] severity: found "bad"',
            ":5: [[rules]] when: found nothing",
            "did you mean disk-nearly-full?",
            ':8: [[rules]] channels: found the channel "opps", which is not there, expected one of the channels ops or',
            ':10: [[hosts]] name: found "web 1"',
            ':13: [[hosts]] parent: found "b", which leads back here',
            ':16: [[hosts]] parent: found "a", which leads back here',
            ':22: [channels.mail] type: found "emial"',
        ],
    ),
    "a rule without a condition, whose name is none of those that Guardia brings": (
        "[[rules]]\nname = 'host-silent'\nenabled = false\n[[rules]]\nname = 'host-silnt'\nfor = '5m'\n",
        [
            ":4: [[rules]] when: found nothing, expected a condition such as cpu.percent > 90",
            "did you mean host-silent?",
        ],
    ),
    "a rule on services that asks for what hosts tell": (
        "[[rules]]\nname = 'busy'\nwhen = 'cpu.percent > 90'\nservices = ['shop']\n"
        "[[rules]]\nname = 'quiet'\nwhen = 'age > 5m'\nservices = ['shop']\n"
        "[[rules]]\nname = 'down'\nwhen = 'service.state == down'\nhosts = ['web-*']\n",
        [
            ":4: [[rules]] services: found services beside cpu.percent, a reading of hosts, expected hosts = [...]",
            ":12: [[rules]] hosts: found hosts beside readings of services, expected services = [...]",
        ],
    ),
    "a recovery of each instance of what has none": (
        "[[rules]]\nname = 'busy'\nwhen = 'cpu.percent > 90'\nclear = 'disk[*].percent < 80'\n"
        "[[rules]]\nname = 'full'\nwhen = 'disk[*].percent > 90'\nclear = 'cpu.percent < 80'\n"
        "[[rules]]\nname = 'most'\nwhen = 'cpu.percent > 90'\nclear = 'max(disk[*].percent) < 80'\n",
        [
            ":4: [[rules]] clear: found readings of each instance, expected readings of the whole, as when has, such "
            "as max(disk[*].percent); as it is the alarm never ends",
        ],
    ),
    "a label that is no text": (
        "[[hosts]]\nname = 'web-1'\nlabels = { role = 1 }\n",
        [":3: [[hosts]] labels.role: found 1, expected text"],
    ),
    "hosts and services that depend on each other": (
        "[[hosts]]\nname = 'a'\nparent = 'shop'\n[[hosts]]\nname = 'b'\nparent = 'a'\n"
        "[[services]]\nname = 'shop'\nurl = 'http://shop.example/'\nhost = 'host/b'\n",
        [
            ':3: [[hosts]] parent: found "shop", which leads back here, expected what does not depend on it',
            "; host/a to service/shop to host/b to host/a",
            ":6: [[hosts]] parent: found",
            ":10: [[services]] host: found",
        ],
    ),
    "a window that holds nothing back, in no time zone": (
        "[[maintenance]]\nname = 'night'\nstart = '01:00'\nlasts = '1h'\nzone = 'Europe/Berln'\n"
        "matches = ['db-*', 'severity=critcal']\n",
        [
            ":5: [[maintenance]] zone:",
            "did you mean Europe/Berlin?",
            ':6: [[maintenance]] matches: found "severity=critcal", expected severity=info, warning or critical',
            "did you mean critical?",
        ],
    ),
    "what nobody can be, reach or call": (
        "[bus]\ndoor = 'tcp://127.0.0.1:99999'\n[prober]\ncanaries = ['tcp://1.1.1.1:65536', 'tcp://[1:2]:443']\n"
        "[[hosts]]\nname = 'guardia.api'\n[notify]\nlink = 'guardia example'\n[collector]\nknown_as = 'hub:5560'\n"
        "[channels.mail]\ntype = 'email'\nhost = 'mail.example:465'\nsender = 'a..b@c.example'\nto = ['c@d.example']\n",
        [
            ':2: [bus] door: found the port in "tcp://127.0.0.1:99999", expected one from 1 to 65535',
            ':4: [prober] canaries: found the port in "tcp://1.1.1.1:65536"',
            ':4: [prober] canaries: found "tcp://[1:2]:443", expected an address such as tcp://1.1.1.1:443',
            ':6: [[hosts]] name: found "guardia.api", expected a name that does not start with guardia.',
            ':8: [notify] link: found "guardia example", expected an address as https://guardia.example',
            ':10: [collector] known_as: found "hub:5560", expected a host name or an address without a port',
            ':13: [channels.mail] host: found "mail.example:465", expected a host name or an address; its port',
            ':14: [channels.mail] sender: found "a..b@c.example", which mail cannot come from, expected an address',
        ],
    ),
    "what a server would read by itself": (
        "[api]\nproxies = ['proxy.example', '10.0.0.7/8', '127.0.0.1', '::1', '*']\n"
        "cors_origins = ['https://status.example/', 'https://status.example:8443', 'null']\n",
        [
            ':2: [api] proxies: found "proxy.example", expected an address or a network',
            ':2: [api] proxies: found "10.0.0.7/8", expected an address or a network, as 127.0.0.1 or 10.0.0.0/8; '
            "write 10.0.0.0/8",
            ':3: [api] cors_origins: found "https://status.example/", expected an origin',
        ],
    ),
    "a store that would drop everything, or lie among other things": (
        "[store]\nmax_bytes = 50\npath = './'\n",
        [
            ":2: [store] max_bytes: found 50B, for which all would be dropped, expected 0, or at least 16MiB; "
            'with its unit, as "50GB"',
            ':3: [store] path: found "./", where other things are as well, expected a folder of its own',
        ],
    ),
    "a store in a folder of which others are parts": (
        "[store]\npath = 'var/../..'\n",
        [':2: [store] path: found "var/../..", where other things are as well, expected a folder of its own'],
    ),
    "channels with the form of an address that is none": (
        "[channels.a]\ntype = 'webhook'\nurl = 'http://[::1'\n[channels.b]\ntype = 'ntfy'\ntopic = '${WORD}'\n"
        "server = 'https://ntfy.example:99999'\n[channels.c]\ntype = 'pagerduty'\nrouting_key = '${WORD}'\n"
        "url = 'https://events.example:0/v2'\n",
        [
            ':3: [channels.a] url: found "http://[::1", expected an address such as https://example.org/hook',
            ':7: [channels.b] server: found "https://ntfy.example:99999", expected an address',
            ':11: [channels.c] url: found "https://events.example:0/v2", expected an address',
        ],
    ),
    "secrets that are no addresses, which nobody would see later": (
        "[agent]\nwatch_url = '${WORD}'\n[notify]\nproxy = '${WORD}'\nheartbeat_url = '${WORD}'\n[channels.a]\n"
        "type = 'slack'\nurl = '${WORD}'\n[channels.b]\ntype = 'discord'\nurl = '${WORD}'\n[channels.c]\n"
        "type = 'webhook'\nsecret_url = '${WORD}'\n[watchdog]\nurl = '${WORD}'\n",
        [
            ":2: [agent] watch_url: found a secret that is no address, expected one such as https://",
            ":4: [notify] proxy: found a secret that is no address, expected one such as http://HOST:PORT",
            ":5: [notify] heartbeat_url: found a secret that is no address",
            ":8: [channels.a] url: found a secret that is no address",
            ":11: [channels.b] url: found a secret that is no address",
            ":14: [channels.c] secret_url: found a secret that is no address",
            ":16: [watchdog] url: found a secret that is no address",
        ],
    ),
    "nobody and nothing": (
        "[[retention]]\nsubjects = []\n[[maintenance]]\nname = 'a'\nstart = '01:00'\nlasts = '1h'\nmatches = []\n"
        "[notify]\nescalate = [{ after = '5m', channels = [] }]\n",
        [
            ":2: [[retention]] subjects: found nobody, expected names or globs",
            ":7: [[maintenance]] matches: found nothing, expected what is held back",
            ":9: [[notify.escalate]] channels: found nobody, expected at least one channel",
        ],
    ),
    "marks that act on a terminal": (
        '[api]\n"bi\\u001b[31mnd" = 1\n[bus]\nlog_level = "\\u001b]0;x\\u0007"\n',
        ["[api] bi\\x1b[31mnd: found an unknown setting", '[bus] log_level: found "\\x1b]0;x\\x07"'],
    ),
    "no TOML": ("[bus]\ndoor = \n", [":2:", "expected TOML"]),
    "a host twice and a service without its URL": (
        "[[hosts]]\nname = 'web-1'\n[[hosts]]\nname = 'web-1'\n[[services]]\nname = 'shop'\n",
        [
            ":4: [[hosts]] name",
            '"web-1" a second time, after line 2',
            ":5: [[services]] url: found nothing",
            "add url = ...",
        ],
    ),
    "many things at once": (
        "[bus]\ndoor = 'localhost'\nreceipts = 'tcp://127.0.0.1:99999999'\n[collector]\nqueue = 1\n"
        "[store]\nbackend = 'sqlite'\nfree_bytes = 'much'\n[api]\nbnid = '::1'\n[watchdog]\nsilent_seconds = 1\n",
        [
            ":2: [bus] door",
            "an address such as tcp://127.0.0.1:5560",
            ":3: [bus] receipts",
            ":5: [collector] queue: found 1",
            ":7: [store] backend",
            '"lmdb", "memory", "postgres" or "victoriametrics"',
            ":8: [store] free_bytes",
            ":10: [api] bnid",
            "did you mean bind?",
            ":12: [watchdog] silent_seconds",
        ],
    ),
}


PIECES = [
    "[bus]\n",
    "[[hosts]]\n",
    "door",
    "name",
    " = ",
    "'x'",
    '"""',
    "1",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "#",
    ".",
    "\\",
    "é",
]


def faults_of(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        rooms.load(path, environment={**os.environ, "WORD": "s3same"})
    assert "s3same" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_file_tells_all_its_faults(name: str, tmp_path: Path) -> None:
    text, words = BROKEN[name]
    path = tmp_path / "guardia.toml"
    told = faults_of(path, text)

    assert all(str(path) in line for line in told.splitlines())
    assert not [word for word in words if word not in told], told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[api]\nport = " + "9" * 400,
            "[api] port: found a number of more than 60 digits, expected a whole number from 0",
        ),
        ("[api]\nport = " + "9" * 5000, "a number of thousands of digits"),
        ("[api]\norigins = " + "[" * 3000, "lists within lists without end"),
        ("[store]\ncommit_seconds = " + "9" * 400, "[store] commit_seconds: found a number of more than 60 digits"),
        ("[store]\ncommit_seconds = 1e999", "[store] commit_seconds: found inf"),
        ("[store]\nfree_bytes = '" + "9" * 400 + "MB'", "[store] free_bytes: found the text"),
        ("[store]\nfree_bytes = 99999999999999999999", "[store] free_bytes: found 99999999999999999999"),
        ("[api]\nport = 2026-01-31", "[api] port: found a date"),
        ("[[bus]]\n", ":1: [bus]: found a list, expected the table [bus]"),
        ("[bus.door]\nx = 1\n", ":1: [bus] door: found a table"),
        ("hosts = 'web-1'", ":1: [hosts]: found"),
        ("hosts = [1]", ":1: [[hosts]]: found 1"),
        ("[api]\nport = 1\n[api]\nport = 2", ":3:"),
        ("[notify]\nauthority = '" + "x" * 5000 + "'", "[notify] authority: found xxx"),
        ('[watchdog]\nurl = "file:a\\u0000b"', "which is no path"),
    ],
    ids=lambda text: text[:30],
)
def test_the_strangest_file_is_a_fault_and_no_traceback(tmp_path: Path, text: str, words: str) -> None:
    assert words in faults_of(tmp_path / "guardia.toml", text)


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)))
def test_whatever_the_text_is_the_file_is_read_or_its_faults_are_told(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "guardia.toml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        files = {str(path)}
        try:
            rooms.load(path)
        except ConfigError as error:
            files = {fault.file for fault in error.faults}
        assert files == {str(path)}


def test_a_byte_order_mark_is_not_held_against_the_file(tmp_path: Path) -> None:
    path = tmp_path / "guardia.toml"
    path.write_bytes(b"\xef\xbb\xbf[api]\r\nport = 8081\r\n")
    assert rooms.load(path)["api"].port == 8081


def test_bytes_that_are_no_text_are_found_on_their_line(tmp_path: Path) -> None:
    path = tmp_path / "guardia.toml"
    path.write_bytes(b"[api]\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r":2: found a byte that is no UTF-8 \(0xe9\)"):
        rooms.load(path)


def test_faults_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    told = faults_of(tmp_path / "guardia.toml", BROKEN["many things at once"][0])
    lines = [int(line.split(":")[1]) for line in told.splitlines()]
    assert lines == sorted(lines)
    assert len(lines) == 7


def test_a_missing_file_says_how_to_name_another(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="GUARDIA_CONFIG"):
        rooms.load(tmp_path / "nowhere.toml")


def test_what_is_no_file_of_a_readable_length_is_told(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path, "found a folder, expected a configuration file"),
        (Path("/dev/zero"), "more than 16MiB"),
    ):
        with pytest.raises(ConfigError, match=said):
            rooms.load(path)


def test_guardia_check_prints_the_faults_and_leaves_with_100(tmp_path: Path) -> None:
    path = tmp_path / "guardia.toml"
    path.write_text(BROKEN["many things at once"][0])
    done = subprocess.run(
        [sys.executable, "-m", "bus.command", "check", "--config", path],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 100
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 7
    assert "Traceback" not in done.stderr
