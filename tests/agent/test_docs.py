"""The pages about metrics are true."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path

from agent.config import Agent, Scrape
from agent.exposition import Exposition
from agent.fetching import MOST_BYTES
from agent.plugin_output import MOST_VALUES, parsed
from agent.reference import page
from agent.series import LONGEST_FIELD, LONGEST_INSTANCE
from collector.config import Collector

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_list_of_metrics_is_what_the_drawer_makes_of_it() -> None:
    assert (DOCS / "metrics.md").read_text() == page(), "run: python -m agent.reference > docs/metrics.md"


def test_the_pages_name_settings_that_exist() -> None:
    known = {field.name for field in dataclasses.fields(Agent)}
    for name in ("metrics.md", "adding-a-metric.md"):
        named = set(re.findall(r"\[agent\] (\w+)", (DOCS / name).read_text()))
        assert named
        assert named <= known


def test_the_defaults_told_for_plugins_are_the_defaults() -> None:
    text = (DOCS / "adding-a-metric.md").read_text()
    assert f"plugin_interval` ({Agent().plugin_interval:g} s)" in text
    assert f"plugin_seconds` ({Agent().plugin_seconds:g} s)" in text
    assert f"At most {MOST_VALUES:,} values" in text


def test_the_defaults_told_for_scrapes_are_the_defaults() -> None:
    text = " ".join((DOCS / "adding-a-metric.md").read_text().split())
    one = Scrape("shop", "http://127.0.0.1:9000")
    for words in (
        f"{one.interval:g} s by default (`interval`)",
        f"`timeout` ({one.timeout:g} s)",
        f"`most` metrics are ({one.most:,})",
        f"more than {LONGEST_INSTANCE} letters or whose name has more than {LONGEST_FIELD}",
        f"at most {MOST_BYTES >> 20} MiB",
        f"{Collector().metrics:,} new names a day",
    ):
        assert words in text


def test_what_the_page_says_becomes_of_each_kind_does() -> None:
    text = (DOCS / "adding-a-metric.md").read_text()
    told = (
        'pg_up 1\npg_stat_database_xact_commit_total{datname="shop"} 4711\n'
        'rpc_seconds_bucket{path="/cart",le="1"} 1\nrpc_seconds_bucket{path="/cart",le="+Inf"} 1\n'
        'rpc_seconds_sum{path="/cart"} 1\nrpc_seconds_count{path="/cart"} 1\n'
        'gc_seconds{quantile="0.99"} 0.1\ngc_seconds_sum 1\ngc_seconds_count 1\n'
    )
    found = Exposition("postgres", ("*",), (), 100, 0.0).read([told.encode()], 0.0)
    assert len(found.readings) == 10
    for name in found.readings:
        before, _, field = name.rpartition(".")
        assert f"`{name}`" in text or (before in text and f"`{field}`" in text), name


TOOLS = {
    "nvidia-smi": "printf '0, 37, 2048, 8192, 61\\n1, 0, 0, 8192, 40\\n'",
    "smartctl": """
case "$1 $2" in
    "--scan ") printf '/dev/sda -d scsi # one\\n/dev/sdb -d scsi # two\\n' ;;
    "-H /dev/sdb") exit 72 ;;
esac
""",
    "systemctl": "printf 'nginx.service\\ncron.service\\n'",
}
"""What the recipes call, and what it says: 72 is a disk that is failing, and has logged errors."""
TOLD = {
    "nvidia": {
        "gpu[nvidia0].percent": 37.0,
        "gpu[nvidia0].memory_bytes": 2.0 * 1024**3,
        "gpu[nvidia0].memory_percent": 25.0,
        "temperature[nvidia0].celsius": 61.0,
        "gpu[nvidia1].percent": 0.0,
        "gpu[nvidia1].memory_bytes": 0.0,
        "gpu[nvidia1].memory_percent": 0.0,
        "temperature[nvidia1].celsius": 40.0,
    },
    "smart": {"smart[sda].failing": 0.0, "smart[sdb].failing": 1.0},
    "units": {"plugin[units].failed": 2.0},
}


def test_the_plugins_of_the_recipes_tell_what_they_should(tmp_path: Path) -> None:
    text = (DOCS / "recipes.md").read_text().replace("/run/guardia-smart", f"{tmp_path}/smart")
    written = dict(re.findall(r"cat > (\S+) <<'EOF'\n(.*?)^EOF$", text, re.DOTALL | re.MULTILINE))
    for name, script in TOOLS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)

    def printed(path: str) -> str:
        (tmp_path / "script").write_text(written[path])
        environment = {"PATH": f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin"}
        words = ["/bin/sh", str(tmp_path / "script")]
        done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
        assert (done.returncode, done.stderr) == (0, ""), path
        return done.stdout

    assert printed("/etc/cron.hourly/guardia-smart") == ""
    plugins = {path.rpartition("/")[2]: path for path in written if path.startswith("etc/agent.d/")}
    found = {name: parsed(printed(path), name) for name, path in plugins.items()}
    assert found == {name: (readings, []) for name, readings in TOLD.items()}
