"""``guardia enroll``, ``agents``, ``revoke`` and ``keys``, as somebody types them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from bus import enrolled, keys
from bus.joining import from_line
from bus.tables import Bus
from collector import command
from collector.callers import FILES, Callers, Heard, read_from
from tests.bus.together import together


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("GUARDIA_HOME", raising=False)
    file = tmp_path / "guardia.toml"
    file.write_text('[collector]\nknown_as = "hub.example"\n')
    return str(file)


def home(config: str) -> Path:
    return Path(config).parent / "var"


def test_enrolling_prints_one_line_that_holds_all_a_host_needs(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.enroll(["web-1", "--config", config]) == 0
    out, err = capsys.readouterr()
    join = from_line(out)

    assert out.count("\n") == 1
    assert (join.name, join.door, join.receipts) == ("web-1", "tcp://hub.example:5560", "tcp://hub.example:5561")
    assert join.hub == enrolled.hub_key(home(config)).public
    since = at(config, "web-1")
    assert enrolled.agents(home(config))["web-1"] == enrolled.Agent("web-1", join.public, since, join.until)
    assert 0 <= join.until - since - 86_400 * 10**9 < 10**9, "it is good for a day"
    assert join.secret is not None
    assert "guardia agent --join -" in err
    assert join.secret not in err
    kept = [file.read_text() for file in home(config).rglob("*") if file.is_file()]
    assert not [text for text in kept if join.secret in text], "the hub does not keep the host's secret"


def at(config: str, name: str) -> int:
    agent = enrolled.agents(home(config))[name]
    assert isinstance(agent, enrolled.Agent)
    return agent.at


def test_a_hosts_own_key_is_let_in_and_the_line_holds_no_secret(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    public = keys.new().public
    assert command.enroll(["web-1", f"--key={public}", "--hub", "192.0.2.7", "--config", config]) == 0
    join = from_line(capsys.readouterr().out)
    assert (join.public, join.secret, join.door) == (public, None, "tcp://192.0.2.7:5560")


@pytest.mark.parametrize("arguments", [["web 1"], ["guardia.api"], ["web-1", "--key=short"]])
def test_what_cannot_be_enrolled_is_told_and_makes_no_agent(
    config: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.enroll([*arguments, "--config", config]) == 100
    assert capsys.readouterr().err.startswith("guardia enroll: ")
    assert not enrolled.agents(home(config))


def test_the_list_shows_who_was_heard_when_and_who_knocked(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    command.enroll(["web-1", "--config", config])
    command.enroll(["web-2", "--config", config])
    stranger = keys.new().public
    callers = Callers(enrolled.Enrolled(home(config)), lambda: None)
    callers.agents["web-1"] = Heard(time.time_ns(), "192.0.2.8")
    callers.strangers[stranger] = Heard(time.time_ns(), "192.0.2.9")
    callers.write_to(home(config) / "run")
    capsys.readouterr()

    assert command.agents(["--config", config]) == 0
    lines = capsys.readouterr().out.splitlines()
    first, second = (next(line for line in lines if line.startswith(name)) for name in ("web-1", "web-2"))
    assert "s ago" in first
    assert first.endswith("192.0.2.8")
    assert second.endswith("never")
    assert [line for line in lines if stranger in line and line.endswith("192.0.2.9")]


def test_the_list_for_programs_has_all_of_it_and_no_secret(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.agents(["--json", "--config", config]) == 0
    assert json.loads(capsys.readouterr().out) == {"keys": False, "agents": [], "strangers": [], "faults": []}
    command.enroll(["web-1", "--valid", "1h", "--config", config])
    secret = from_line(capsys.readouterr().out).secret
    assert secret is not None
    stranger = keys.new().public
    callers = Callers(enrolled.Enrolled(home(config)), lambda: None)
    callers.agents["web-1"] = Heard(at(config, "web-1") + 5 * 10**9, "192.0.2.8")
    callers.strangers[stranger] = Heard(time.time_ns(), "192.0.2.9")
    callers.write_to(home(config) / "run")
    (enrolled.folder_of(home(config)) / "web-2.pub").write_text("")
    (enrolled.folder_of(home(config)) / "web-2.pub").chmod(0o600)

    assert command.agents(["--json", "--config", config]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    agent, since = enrolled.agents(home(config))["web-1"], at(config, "web-1") / 1e9
    assert isinstance(agent, enrolled.Agent)
    assert told["keys"] is True
    assert told["agents"] == [
        {
            "name": "web-1",
            "kind": "host",
            "public_key": agent.public,
            "fingerprint": agent.fingerprint,
            "admitted_at": pytest.approx(since, abs=1),
            "come_by": pytest.approx(since + 3600, abs=1),
            "late": False,
            "seen_at": pytest.approx(since + 5, abs=1),
            "address": "192.0.2.8",
            "version": "",
        }
    ]
    assert [(one["public_key"], one["address"]) for one in told["strangers"]] == [(stranger, "192.0.2.9")]
    assert len(told["faults"]) == 1
    assert "web-2 is not let in" in told["faults"][0]
    assert secret not in out
    assert err == ""


def test_a_place_is_enrolled_as_one_and_listed_so(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.enroll(["web-1", "--config", config]) == 0
    assert command.enroll(["berlin", "--place", "--config", config]) == 0
    assert "guardia prober --config etc/prober/guardia.toml --join -" in capsys.readouterr().err
    assert command.agents(["--config", config]) == 0
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert rows == [["NAME", "AS"], ["berlin", "place"], ["web-1", "host"]]


def test_a_list_without_a_collector_shows_nobody_heard(tmp_path: Path) -> None:
    assert read_from(tmp_path) == ({}, {})
    (tmp_path / FILES.format("collector")).write_text('{"agents": 7}')
    assert read_from(tmp_path) == ({}, {})


def test_who_was_heard_last_before_the_collector_was_started_anew_was_heard_all_the_same(config: str) -> None:
    for name in ("web-1", "web-2"):
        command.enroll([name, "--config", config])
    stranger, folder = keys.new().public, home(config)
    first = Callers(enrolled.Enrolled(folder), lambda: None)
    first.agents |= {name: Heard(time.time_ns(), "192.0.2.8") for name in ("web-1", "web-2", "gone")}
    first.strangers[stranger] = Heard(time.time_ns(), "192.0.2.9")
    first.write_to(folder / "run")

    second = Callers(enrolled.Enrolled(folder), lambda: None)
    second.agents["web-2"] = Heard(time.time_ns(), "192.0.2.10")
    second.go_on(folder / "run")
    second.write_to(folder / "run")
    agents, strangers = read_from(folder / "run")
    assert {name: one.address for name, one in agents.items()} == {"web-1": "192.0.2.8", "web-2": "192.0.2.10"}
    assert list(strangers) == [stranger]

    (folder / "run" / FILES.format("collector")).write_text("not JSON")
    third = Callers(enrolled.Enrolled(folder), lambda: None)
    third.go_on(folder / "run")
    assert third.agents == {}


def test_revoking_takes_one_off_the_list_and_a_second_time_is_told(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command.enroll(["web-1", "--config", config])
    assert command.revoke(["web-1", "--config", config]) == 0
    assert not enrolled.agents(home(config))
    assert command.revoke(["web-1", "--config", config]) == 100
    assert "there is no agent 'web-1'; there are none" in capsys.readouterr().err
    command.enroll(["web-1", "--config", config])
    assert command.revoke(["wbe-1", "--config", config]) == 100
    assert "there is no agent 'wbe-1'; did you mean web-1?" in capsys.readouterr().err


def test_a_new_hub_key_says_who_has_to_join_anew(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    command.enroll(["web-1", "--config", config])
    before = enrolled.hub_key(home(config))
    capsys.readouterr()
    assert command.keys(["rotate", "--config", config]) == 0
    assert "guardia enroll web-1 --again" in capsys.readouterr().out
    assert enrolled.hub_key(home(config)) != before


@pytest.mark.parametrize(
    ("door", "known_as", "told"),
    [
        ("tcp://192.0.2.7:5560", "", "tcp://192.0.2.7:5560"),
        ("tcp://0.0.0.0:5560", "hub.example", "tcp://hub.example:5560"),
        ("tcp://127.0.0.1:5560", "2001:db8::7", "tcp://[2001:db8::7]:5560"),
        ("tcp://[::1]:5560", "", "tcp://[::1]:5560"),
    ],
)
def test_hosts_are_told_an_address_that_leads_here(door: str, known_as: str, told: str) -> None:
    assert command.addresses(Bus(door=door, keys=True), known_as)[0] == told


@pytest.mark.parametrize(
    "wrong", ["hub.example:5560", "https://hub.example", "hub example", "hub.example/", "[::1", "::x"]
)
def test_what_is_no_host_is_refused_before_anybody_gets_such_a_line(
    config: str, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    assert command.enroll(["web-1", "--hub", wrong, "--config", config]) == 100
    assert f"--hub {wrong}: a host name or an address without a port" in capsys.readouterr().err
    Path(config).write_text(f'[collector]\nknown_as = "{wrong}"\n')
    assert command.enroll(["web-1", "--config", config]) == 100
    assert "expected a host name or an address without a port" in capsys.readouterr().err
    assert not enrolled.in_use(home(config))


@pytest.mark.parametrize(
    ("right", "door"),
    [
        ("hub_1.example", "tcp://hub_1.example:5560"),
        ("192.0.2.7", "tcp://192.0.2.7:5560"),
        ("2001:db8::7", "tcp://[2001:db8::7]:5560"),
        ("[2001:db8::7]", "tcp://[2001:db8::7]:5560"),
    ],
)
def test_a_host_may_be_a_name_or_an_address(
    config: str, capsys: pytest.CaptureFixture[str], right: str, door: str
) -> None:
    assert command.enroll(["web-1", "--hub", right, "--config", config]) == 0
    assert from_line(capsys.readouterr().out).door == door


@pytest.mark.parametrize("time", ["soon", "5s", "400d"])
def test_a_line_is_good_for_a_time_that_makes_sense(config: str, capsys: pytest.CaptureFixture[str], time: str) -> None:
    assert command.enroll(["web-1", "--valid", time, "--config", config]) != 0
    assert f"--valid {time}: a time between 1m and 366d" in capsys.readouterr().err
    assert not enrolled.agents(home(config))


TWICE = (
    "from collector.command import enroll, revoke; sys.exit({'in': enroll, 'out': revoke}[sys.argv[1]](sys.argv[2:]))"
)


def test_of_many_who_enroll_the_same_host_one_does_and_its_line_is_good(config: str) -> None:
    told = together(TWICE, [["in", "web-1", "--config", config]] * 6)
    assert sorted(code for code, *_ in told) == [0, 100, 100, 100, 100, 100], told
    (line,) = [out for code, out, _ in told if code == 0]
    agent = enrolled.agents(home(config))["web-1"]
    assert isinstance(agent, enrolled.Agent)
    assert from_line(line).public == agent.public


def test_many_who_enroll_and_revoke_at_once_lose_nobody_and_share_no_key(config: str) -> None:
    command.enroll(["old", "--config", config])
    public = keys.new().public
    own = [["in", f"web-{number}", "--config", config] for number in range(4)]
    same = [["in", f"db-{number}", f"--key={public}", "--config", config] for number in range(4)]
    told = together(TWICE, [*own, *same, ["out", "old", "--config", config]])
    assert [code for code, *_ in told[:4]] == [0] * 4
    assert sorted(code for code, *_ in told[4:8]) == [0, 100, 100, 100]
    assert told[8][0] == 0
    listed = enrolled.agents(home(config))
    assert len([name for name in listed if name.startswith("db-")]) == 1
    assert {"web-0", "web-1", "web-2", "web-3"} < set(listed)
    assert "old" not in listed


def test_a_hub_without_a_key_gets_none_by_changing_it(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.keys(["rotate", "--config", config]) == 100
    assert "this hub has no key that could be changed: guardia enroll makes the first one" in capsys.readouterr().err
    assert not enrolled.in_use(home(config)), "who got in without a key still does"


def test_a_list_of_nobody_says_so(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    command.enroll(["web-1", "--config", config])
    command.revoke(["web-1", "--config", config])
    capsys.readouterr()
    assert command.agents(["--config", config]) == 0
    assert capsys.readouterr().out == (
        "No agent is enrolled, and nobody is let in without a key: guardia enroll NAME lets one in.\n"
    )
