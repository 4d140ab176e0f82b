"""The collector listens on loopback only; an agent may be sent anywhere but to every interface."""

from __future__ import annotations

from pathlib import Path

import pytest

from bus import config
from bus.config import ConfigError
from bus.tables import Bus
from collector import guard

HUB = Path("etc/guardia.toml")


@pytest.mark.parametrize("door", ["tcp://127.0.0.1:5560", "tcp://localhost:5560", "tcp://[::1]:5560"])
def test_a_door_on_loopback_is_opened(door: str) -> None:
    guard.check(Bus(door=door), HUB, keys=False)


@pytest.mark.parametrize("door", ["tcp://192.0.2.7:5560", "tcp://hub.example:5560"])
def test_a_door_that_others_can_reach_is_not_opened_and_the_fault_says_what_to_type(door: str) -> None:
    with pytest.raises(ConfigError) as caught:
        guard.check(Bus(door=door), HUB, keys=False)
    (fault,) = caught.value.faults
    assert (fault.file, fault.place) == ("etc/guardia.toml", "[bus] door")
    assert door in fault.found
    assert "tcp://127.0.0.1:PORT" in fault.remedy


def test_an_agents_configuration_may_name_a_hub_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('[bus]\ndoor = "tcp://hub.example:5560"\n')
    assert config.load(file, {"bus": Bus})["bus"].door == "tcp://hub.example:5560"


@pytest.mark.parametrize("door", ["tcp://0.0.0.0:5560", "tcp://[::]:5560", "tcp://*:5560"])
def test_every_interface_is_refused_when_the_file_is_read(tmp_path: Path, door: str) -> None:
    file = tmp_path / "guardia.toml"
    file.write_text(f'[bus]\ndoor = "{door}"\n')
    with pytest.raises(ConfigError, match="no agent keys"):
        config.load(file, {"bus": Bus})


@pytest.mark.parametrize("door", ["tcp://0.0.0.0:5560", "tcp://192.0.2.7:5560"])
def test_with_keys_others_may_reach_the_door(tmp_path: Path, door: str) -> None:
    file = tmp_path / "guardia.toml"
    file.write_text(f'[bus]\ndoor = "{door}"\nreceipts = "tcp://0.0.0.0:5561"\nkeys = true\n')
    bus = config.load(file, {"bus": Bus})["bus"]
    guard.check(bus, HUB, keys=True)
