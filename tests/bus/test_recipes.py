"""The recipes for the first day: each configuration in them is right, and under systemd or in a container it starts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from bus import rooms
from tests.namespaces import WHY_NOT, can_unshare, unshared

PROJECT = Path(__file__).resolve().parents[2]
SHOWN = re.findall(r"```toml\n(.*?)```", (PROJECT / "docs" / "recipes.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", SHOWN)
def test_what_a_recipe_shows_is_a_right_configuration(text: str, tmp_path: Path) -> None:
    path = tmp_path / "guardia.toml"
    path.write_text(text)
    secrets = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "https://receiver.example/x")
    rooms.load(path, environment=secrets)


@pytest.mark.parametrize("unit", ["guardia", "guardia-agent"])
def test_under_systemd_no_file_system_is_hidden_from_the_agent(unit: str) -> None:
    # With true, tmpfs or InaccessiblePaths= there is another one on top, and nobody hears of a full /home.
    lines = (PROJECT / "etc" / "deploy" / f"{unit}.service").read_text().splitlines()
    assert "ProtectHome=read-only" in lines
    assert not [
        line for line in lines if line.startswith(("InaccessiblePaths=", "TemporaryFileSystem=", "PrivateDevices="))
    ]


@pytest.mark.parametrize(("unit", "programs"), [("guardia", "guardia"), ("guardia-agent", "agent")])
def test_under_systemd_the_programs_output_can_be_opened_and_the_journal_hears_why_supervisord_does_not_start(
    unit: str, programs: str
) -> None:
    # A socket of the journal, which is what systemd gives without a word, cannot be opened as /dev/fd/N.
    conf = (PROJECT / "etc" / f"{programs}.conf").read_text()
    assert set(re.findall(r"/dev/fd/\d", conf)) == {"/dev/fd/1"}
    text = (PROJECT / "etc" / "deploy" / f"{unit}.service").read_text()
    assert {"StandardOutput=null", "StandardError=journal"} <= set(text.splitlines())


def test_under_systemd_the_place_that_the_agents_file_of_programs_has_may_write_to_its_files() -> None:
    [place] = re.findall(r'--config "%\(here\)s/(\S+)/guardia.toml"', (PROJECT / "etc" / "agent.conf").read_text())
    unit = (PROJECT / "etc" / "deploy" / "guardia-agent.service").read_text()
    [paths] = re.findall("^ReadWritePaths=(.*)$", unit, re.MULTILINE)
    assert paths.split() == ["/opt/guardia/etc/var", f"-/opt/guardia/etc/{place}/var"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
@pytest.mark.parametrize("unit", ["guardia", "guardia-agent"])
def test_systemd_understands_the_unit_and_lets_it_do_little(unit: str) -> None:
    file = str(PROJECT / "etc" / "deploy" / f"{unit}.service")
    found = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True)
    # That nothing is at /opt/guardia here is no fault, and nor is what it says of other units of this machine.
    said = [line for line in found.stderr.splitlines() if unit in line and "is not executable" not in line]
    assert said == []
    words = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=30", file]
    judged = subprocess.run(words, capture_output=True, text=True)
    if "unrecognized option" in judged.stderr:
        pytest.skip("this systemd-analyze judges no files")
    assert judged.returncode == 0, judged.stdout[-200:] + judged.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
def test_who_installs_compiles_all_rooms_for_the_user_of_the_unit_who_may_write_none() -> None:
    setup = ConfigParser()
    setup.read(PROJECT / "setup.cfg")
    parts = {line.rstrip("*") for line in setup["options.packages.find"]["include"].split()}
    plan = subprocess.run(["make", "-n", "-B", ".venv/made"], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert [set(line.split()) for line in re.findall(r"-m compileall -q (.*)", plan.stdout)] == [parts]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
@pytest.mark.skipif(not can_unshare("mount"), reason=WHY_NOT)
def test_make_run_says_whose_the_folder_is_that_it_cannot_write_to(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / "etc" / "var").mkdir(parents=True)
    barred = "mount --bind etc/var etc/var && mount -o remount,bind,ro etc/var && make -o .venv/made run"
    found = typed([*unshared("mount"), "sh", "-c", barred], tmp_path)
    assert found.startswith("etc/var cannot be written to; it is ")
    assert found.endswith("'s: start Guardia as that user, or in a clone of your own.\n")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("100%", 'has a % or a " in it'),
        ('my "own"', 'has a % or a " in it'),
        ("a" * 80, "is too long for a socket"),
        ("ä" * 40, "is too long for a socket"),
    ],
)
def test_make_run_says_of_a_path_that_supervisord_cannot_start_there(tmp_path: Path, name: str, why: str) -> None:
    clone = tmp_path / name
    clone.mkdir()
    shutil.copy(PROJECT / "Makefile", clone)
    found = typed(["make", "-o", ".venv/made", "run"], clone)
    assert found == f"supervisord cannot start in {clone.resolve()}, a path that {why}: move this clone.\n"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
def test_make_run_where_it_runs_says_how_what_was_updated_is_started(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "Makefile", tmp_path)
    asked = tmp_path / ".venv" / "bin" / "supervisorctl"
    asked.parent.mkdir(parents=True)
    asked.write_text("#!/bin/sh\necho 4711\n")
    asked.chmod(0o755)
    found = typed(["make", "-o", ".venv/made", "run"], tmp_path)
    assert found.startswith("Guardia runs here already, as process 4711: ")
    assert found.endswith(" After an update: .venv/bin/supervisorctl -c etc/guardia.conf restart all.\n")


NOBODY = ("user", "map-user=1000", "map-group=1000")
"""Root without its rights."""


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
@pytest.mark.skipif(os.geteuid() == 0 and not can_unshare(*NOBODY), reason=WHY_NOT)
def test_make_run_says_that_its_programs_could_not_write_to_another_users_terminal(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "Makefile", tmp_path)
    out = tmp_path / "terminal"
    without_rights = unshared(*NOBODY) if os.geteuid() == 0 else []
    with out.open("w") as terminal:
        out.chmod(0o444)
        command = [*without_rights, "make", "-o", ".venv/made", "run"]
        assert subprocess.run(command, cwd=tmp_path, env=by_hand(), stdout=terminal).returncode
    found = out.read_text()
    assert found.startswith("No program could write to this terminal or file, which is another user's: ")
    assert found.endswith(" has a terminal of its own.\n")


def by_hand() -> dict[str, str]:
    """The environment of a person who types, though these tests may be run by make themselves."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}


def typed(command: list[str], folder: Path) -> str:
    """What a command says that fails."""
    found = subprocess.run(command, cwd=folder, env=by_hand(), capture_output=True, text=True)
    assert found.returncode
    return found.stdout


DEPLOY = PROJECT / "etc" / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def test_all_rooms_are_in_the_image_and_all_that_is_copied_is_there() -> None:
    setup = ConfigParser()
    setup.read(PROJECT / "setup.cfg")
    packages = setup["options.packages.find"]["include"].replace("*", "").split()
    copied = [
        line.split()[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY ") and "--from" not in line
    ]
    sources = [source for sources in copied for source in sources]
    assert set(packages) <= set(sources)
    assert [source for source in sources if not (PROJECT / source).exists()] == []
    # What is compiled is found compiled: nobody may write there later.
    [compiled] = re.findall(r"compileall -q (.*)", DOCKERFILE)
    assert compiled.split() == packages
    extras = re.findall(r"EXTRAS=([\w,]+)", (PROJECT / "docs" / "recipes.md").read_text())
    assert {name for names in extras for name in names.split(",")} <= set(setup["options.extras_require"])


def test_the_hub_in_a_container_is_reached_by_the_ports_that_it_publishes_and_takes_only_who_is_known() -> None:
    settings = rooms.load(DEPLOY / "container.toml", environment={})
    bus, api = settings["bus"], settings["api"]
    assert bus.keys
    assert (api.bind, bus.door, bus.receipts) == ("0.0.0.0", "tcp://0.0.0.0:5560", "tcp://0.0.0.0:5561")
    ports = [str(api.port), "5560", "5561"]
    assert re.findall(r"EXPOSE (.*)", DOCKERFILE) == [" ".join(ports)]
    compose = (DEPLOY / "compose.yaml").read_text()
    assert re.findall(r'- "(?:127\.0\.0\.1:)?(\d+):\1"', compose) == ports
    [home] = re.findall(r"VOLUME (.*)", DOCKERFILE)
    assert f"- var:{home}\n" in compose
    assert f"- ./container.toml:{Path(home).parent}/guardia.toml:ro\n" in compose
