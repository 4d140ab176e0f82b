"""Commands that ask another machine's hub print what they print on its own, byte for byte; against real programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import requests

from bus.messages import Check
from bus.questions import Range
from tests.pipeline.asking import NOON, SECOND, Hub
from tests.pipeline.programs import ROOT, until
from tests.ports import free_port

MINUTE = 60 * SECOND
SERVICES = """
[[services]]
name = "shop"
url = "https://shop.example"
interval = "30s"
labels = { dc = "fra" }

[[services]]
name = "till"
url = "https://till.example"

[[maintenance]]
name = "sunday"
start = "12:04"
lasts = "2m"
matches = ["dc=fra"]

[[rules]]
name = "hot"
when = "cpu.percent > 90"
for = "5m"
"""


class Remote(Hub):
    """A hub whose API is asked with a token."""

    def __init__(self) -> None:
        self.port = free_port()
        super().__init__(more=f"[api]\nport = {self.port}\nworkers = 1\n{SERVICES}")
        self.url = f"http://127.0.0.1:{self.port}"

    def token(self, scope: str) -> str:
        """A new token of this scope."""
        return self.here("token", "new", f"for-{scope}", "--scope", scope).stdout.split()[-1]

    def elsewhere(self) -> Path:
        """The home of somebody on another machine."""
        made = self.folder / "elsewhere"
        made.mkdir(exist_ok=True)
        return made

    def here(self, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """A command on the hub's own machine."""
        return self.ran(words, {"GUARDIA_CONFIG": str(self.config)}, folder)

    def afar(
        self, *words: str, token: str, url: str = "", folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The same on a machine that knows nothing but the hub's address."""
        nowhere = self.elsewhere()
        environment = {"GUARDIA_CONFIG": str(nowhere / "guardia.toml"), "HOME": str(nowhere), "GUARDIA_TOKEN": token}
        return self.ran((*words, "--hub", url or self.url), environment, folder)

    def ran(
        self, words: Sequence[str], environment: Mapping[str, str], folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        run = subprocess.run(
            [sys.executable, "-m", "bus.command", *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert "Traceback" not in run.stderr, run.stderr
        return run


@pytest.fixture(scope="module")
def hub() -> Iterator[Remote]:
    """A hub that knows a host and a shop since a noon in January, and a producer of today that keeps a journal."""
    made = Remote()
    try:
        made.run()
        made.start("alerter")
        made.start("api")
        for second in range(1, 61):
            made.sample(second)
        for step in range(20):
            at = NOON + step * 30 * SECOND + step
            made.web.tell(Check("down" if step in (5, 6, 9) else "up"), subject="shop", at=at)
        made.has(list(range(1, 61)))
        until(lambda: len(made.answer(Range("check", "shop", 0, 2**62)).records) == 20, 60, "checks are stored", made)
        made.producer("db-1", 50)
        until(lambda: made.count_told() > 20, 60, "a producer tells", made)
        told = made.told("db-1")
        until(lambda: made.has_all("db-1", told), 60, "what it told is stored", made)
        made.kill("db-1", signal.SIGTERM)  # what it told last may stay in its spool
        until(lambda: _answers(made.url), 60, "the API answers", made)
        until(lambda: made.here("rules").returncode == 0, 60, "the alerter answers", made)
        yield made
    finally:
        made.close()


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/api/v1/health", timeout=5).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def token(hub: Remote) -> str:
    """What reads."""
    return hub.token("read")


SAME = [
    ("sla", "--month", "2026-01"),
    ("sla", "shop", "--month", "2026-01", "--json"),
    ("sla", "s*", "--month", "2026-01", "--month", "2025-12", "--csv", "--zone", "Europe/Berlin"),
    ("sla", "--month", "2026-01", "--md", "--target", "99.9"),
    ("sla", "shop", "--month", "2026-01", "--interval", "10s", "--json"),
    ("sla", "shpo"),
    ("sla", "--month", "soon"),
    ("rules",),
    ("rules", "--json"),
    ("export", "--until", "2026-01-31T13:00"),
    ("export", "--format", "jsonl", "--host", "web-*", "--metric", "cpu.*", "--since", "2026-01-31T12:00:30"),
    ("export", "--host", "web-1", "--metric", "*", "--step", "7s"),
    ("export", "--kind", "check", "--format", "jsonl"),
    ("export", "--kind", "loss", "--quiet"),
    ("export", "--host", "wbe-1"),
    ("export", "--host", "web-1", "--metric", "cpu.prcent"),
    ("export", "--since", "soon"),
    ("export", "--since", "1h", "--until", "2h"),
    ("audit", "gaps", "--host", "db-*"),
    ("audit", "gaps", "--host", "db-1", "--last", "1h", "--expect", "0"),
    ("audit", "gaps", "--host", "bd-1"),
    ("audit", "gapz"),
]


@pytest.mark.parametrize("words", SAME, ids=" ".join)
def test_it_prints_what_it_prints_at_home(hub: Remote, token: str, words: tuple[str, ...]) -> None:
    here, afar = hub.here(*words), hub.afar(*words, token=token)
    assert (afar.stdout, afar.stderr, afar.returncode) == (here.stdout, here.stderr, here.returncode)


def test_a_rule_is_tried_there_as_at_home(hub: Remote, token: str, tmp_path: Path) -> None:
    (tmp_path / "tried.toml").write_text('[[rules]]\nname = "shop-down"\nwhen = "service.state == down"\n')
    past = ("--since", "30d", "--json")
    for words in (("--rule", "service-down", *past), (str(tmp_path / "tried.toml"), *past)):
        here, afar = hub.here("backtest", *words), hub.afar("backtest", *words, token=token)
        assert (afar.returncode, afar.stderr) == (here.returncode, here.stderr) == (0, "")
        told, found = json.loads(here.stdout), json.loads(afar.stdout)
        for moment in ("start", "end"):
            assert 0 <= found.pop(moment) - told.pop(moment) < 300 * SECOND, "it was asked later"
        assert found.keys() == told.keys()
        assert found["records"] >= told["records"] > 0
    slip = ("--rule", "disk-nearly-full", "--when", "disk[*].percnt > 80", "--since", "1h")
    for one in (hub.here("backtest", *slip), hub.afar("backtest", *slip, token=token)):
        assert "note: disk-nearly-full: the agent measures no disk[*].percnt; did you mean" in one.stdout
    for wrong in (("--rule", "no-such-rule"), ("--rule", "service-down", "--host", "wbe-1")):
        here, afar = hub.here("backtest", *wrong), hub.afar("backtest", *wrong, token=token)
        assert (here.returncode, afar.returncode) == (100, 100)
    (tmp_path / "tried.toml").write_text('[[services]]\ncheck = "http"\nname = "shop"\nurl = "https://shop.example"\n')
    afar = hub.afar("backtest", str(tmp_path / "tried.toml"), token=token)
    assert afar.returncode == 100
    assert "[[services]] are those of the hub" in afar.stderr


COMMANDS = {
    "sla": ("sla",),
    "rules": ("rules",),
    "export": ("export",),
    "store stats": ("store", "stats"),
    "audit": ("audit", "gaps"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_who_may_not_read_is_told_so_and_who_asks_nobody(hub: Remote, name: str, token: str) -> None:
    words, place = COMMANDS[name], f"127.0.0.1:{hub.port}"
    job = hub.token("heartbeat")
    refused = hub.afar(*words, token=job)
    assert (refused.returncode, refused.stdout) == (2, "")
    why = "the token for-heartbeat has the scope heartbeat, not read"
    assert refused.stderr == f"guardia {name}: {place} refuses this: {why}\n"
    assert hub.here("token", "revoke", "for-heartbeat").returncode == 0
    unknown = hub.afar(*words, token=job)
    assert (unknown.returncode, unknown.stderr) == (2, f"guardia {name}: {place} refuses this token\n")
    nobody = hub.afar(*words, token=token, url="http://127.0.0.1:1")
    assert nobody.returncode == 2
    assert nobody.stderr.startswith(f"guardia {name}: cannot reach 127.0.0.1:1: connection refused")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_viewers_settings_name_the_hub_too(hub: Remote, name: str, token: str) -> None:
    nowhere = hub.elsewhere()
    settings = nowhere / ".config" / "guardia" / "viewer.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('api_url = "http://hub.invalid:1"\n')
    try:
        asked = hub.ran(COMMANDS[name], {"HOME": str(nowhere), "GUARDIA_TOKEN": token})
        assert asked.returncode == 2
        assert "hub.invalid:1 is not known by this name" in asked.stderr
        assert hub.ran((*COMMANDS[name], "--config", str(hub.config)), {"HOME": str(nowhere)}).returncode == 0
        settings.write_text('api_ulr = "http://hub"\n')
        faulty = hub.ran(COMMANDS[name], {"HOME": str(nowhere)})
        assert faulty.returncode == 100
        assert "viewer.toml:1" in faulty.stderr
    finally:
        settings.unlink()


def test_files_are_the_same_too(hub: Remote, token: str, tmp_path: Path) -> None:
    for place in ("here", "afar"):
        (tmp_path / place).mkdir()
    known = hub.afar("export", "--host", "web-1", "-o", "web.csv", token=token, folder=tmp_path / "afar")
    assert (known.returncode, known.stdout, known.stderr) == (0, "", "120 lines exported\n")
    for kind in ("sample", "check"):
        for name in ("web-1", "shop"):
            words = ("export", "--kind", kind, "--parquet", "past", "--host", name)
            here = hub.here(*words, folder=tmp_path / "here")
            afar = hub.afar(*words, token=token, folder=tmp_path / "afar")
            assert (here.returncode, here.stderr) == (afar.returncode, afar.stderr)
    assert hub.here("export", "--host", "web-1", "-o", "web.csv", folder=tmp_path / "here").returncode == 0
    files = {path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*") if path.is_file()}
    assert len(files) == 3
    assert files == {path.relative_to(tmp_path / "afar") for path in (tmp_path / "afar").rglob("*") if path.is_file()}
    for file in files:
        assert (tmp_path / "here" / file).read_bytes() == (tmp_path / "afar" / file).read_bytes(), file


def test_the_account_is_the_same_but_for_when_it_was_asked_for(hub: Remote, token: str) -> None:
    here, afar = (json.loads(one) for one in _printed(hub, token, "audit", "gaps", "--host", "db-1", "--json"))
    assert here.pop("end") < afar.pop("end"), "it was asked later"
    assert here == afar
    assert here["producers"][0]["stored"] > 20


def test_what_the_store_holds_is_told_with_what_becomes_of_it(hub: Remote, token: str) -> None:
    hub.start("store-sealer")

    def sealed() -> bool:
        return bool(json.loads(hub.here("store", "stats", "--json").stdout)["tiers"])

    # An hour is left alone for a minute before it is sealed, and looked at each quarter of one.
    until(sealed, 180, "something is sealed", hub)
    for name in ("store-sealer", "store-writer"):  # what both do would change the numbers
        hub.kill(name, signal.SIGTERM)
    for words in (("store", "stats"), ("store", "stats", "--json")):
        here, afar = _printed(hub, token, *words)
        assert here == afar
    assert "sample" in here

    before = hub.config.read_text()
    hub.config.write_text(before.replace("keep_samples_seconds = '5000w'", "keep_samples_seconds = '6000w'"))
    here, afar = _printed(hub, token, "store", "stats")
    assert "42000 d" in here
    assert "42000 d" not in afar, "the file counts there once it is taken up"
    pid = hub.pid("store-reader")
    assert pid is not None
    os.kill(pid, signal.SIGHUP)
    until(lambda: len(set(_printed(hub, token, "store", "stats"))) == 1, 60, "it is taken up", hub)
    hub.config.write_text(before)
    hub.start("store-writer")


def _printed(hub: Remote, token: str, *words: str) -> tuple[str, str]:
    """What a command prints at home, and then elsewhere."""
    here, afar = hub.here(*words), hub.afar(*words, token=token)
    assert (here.returncode, here.stderr, afar.returncode, afar.stderr) == (0, "", 0, "")
    return here.stdout, afar.stdout


def test_the_outages_are_those_of_the_checks(hub: Remote, token: str) -> None:
    (row,) = json.loads(hub.afar("sla", "shop", "--month", "2026-01", "--json", token=token).stdout)
    assert (row["checks"], row["outages"], row["maintenance_seconds"]) == (20, 1, 31 * 120)
