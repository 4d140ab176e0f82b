"""From the first Guardia's configuration to ours: everything it knew, and everything that is wrong with it."""

from __future__ import annotations

import copy
import json
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import rooms
from bus.migration.command import main
from bus.migration.names import fit
from bus.migration.new import renewed
from bus.migration.old import NotOld, read
from bus.migration.written import key, table, value
from bus.records import Settings
from tests.bus.migration.given import FULL, INLINE, text


def migrated(raw: Any, folder: Path) -> tuple[Settings, list[str]]:
    """The settings that the new file gives, and what was noted."""
    (folder / "config.json").write_text(text(raw))
    to = folder / "guardia.toml"
    assert main([str(folder / "config.json"), "--to", str(to), "--force"]) in (0, 1)
    notes = [f"{note.place}: {note.text}" for note in renewed(read(text(raw))).notes]
    return rooms.load(to), notes


def test_all_that_it_knew_is_in_the_new_file(tmp_path: Path) -> None:
    settings, _ = migrated(FULL, tmp_path)
    web, own, third = settings["hosts"]
    assert (web.name, web.display, web.interval) == ("192.168.1.100:3000", "Web 1", 30.0)
    assert (own.name, own.interval) == ("::1:51243", 5.0)
    assert {name: (one.limit, one.grace, one.channels) for name, one in web.limits.items()} == {
        "temperature": (80.0, 3, ("ops-room",)),
        "usage": (70.0, 0, ()),
    }
    assert {name: (one.limit, one.grace, one.channels) for name, one in own.limits.items()} == {
        "temperature": (60.0, 0, ("pager",)),
        "usage": (90.0, 0, ()),
    }
    assert third.limits.keys() == {"temperature", "usage"}
    shop, till = settings["services"]
    assert (shop.name, shop.expected_status, shop.body_pattern, shop.mismatch) == (
        "My-Shop",
        "200,201",
        "ok",
        "degraded",
    )
    assert (shop.interval, shop.timeout, shop.grace, shop.retries) == (45.0, 5.0, 2, 0)
    assert (till.method, till.interval, till.grace, till.user) == ("POST", 60.0, 5, "anna")
    assert till.url == "http://127.0.0.1/x"
    assert till.password.reveal() == "s3cr3t"
    discord, pager = settings["channels"]["ops-room"], settings["channels"]["pager"]
    assert discord.url.reveal().endswith("/s3cr3t")
    assert discord.user_id == "42"
    assert pager.secret_url.reveal().endswith("?key=s3cr3t")
    assert settings["notify"].private_networks == ("127.0.0.1",)
    assert settings["prober"].private_networks == ("127.0.0.1",)
    assert (settings["api"].port, settings["api"].cors) == (8085, True)
    rules = {rule.name: rule for rule in settings["rules"]}
    assert (rules["services-pager"].services, rules["services-pager"].channels) == (("My-Shop", "till"), ("pager",))
    assert rules["service-down"].enabled is False


def test_secrets_are_in_files_of_their_own_that_nobody_else_may_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    migrated(FULL, tmp_path)
    assert "s3cr3t" not in (tmp_path / "guardia.toml").read_text()
    files = sorted(path.name for path in (tmp_path / "secrets").iterdir())
    assert files == ["api-token", "channel-ops-room", "channel-pager", "service-till"]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}
    shown = capsys.readouterr()
    assert "s3cr3t" not in shown.out + shown.err
    assert "guardia import ./metrics.db" in shown.err
    assert "guardia enroll" in shown.err


def test_alerts_that_stood_inline_become_channels_each_once(tmp_path: Path) -> None:
    settings, _ = migrated(INLINE, tmp_path)
    assert settings["channels"].keys() == {"webhook-1", "discord-1"}
    (host,) = settings["hosts"]
    assert {one.channels for one in host.limits.values()} == {("webhook-1",)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda raw: raw.update(server=[]), "server: is unknown; did you mean servers?: it is left out"),
        (lambda raw: raw["servers"][0].update(intervall=3), "servers[0].intervall: is unknown; did you mean interval?"),
        (lambda raw: raw["servers"][0].pop("ip"), "servers[0].ip: is missing: the server is left out"),
        (
            lambda raw: raw["servers"][0].update(ip="web.example"),
            'servers[0].ip: found the text "web.example", expected',
        ),
        (lambda raw: raw["servers"][0].update(port=70_000), "servers[0].port: found 70000, expected 1 to 65535"),
        (lambda raw: raw["servers"][0].update(interval=0), "servers[0].interval: found 0, expected 1 to 86400"),
        (lambda raw: raw["servers"][0].update(interval=1.5), "servers[0].interval: found 1.5, expected a whole number"),
        (lambda raw: raw["servers"].append(raw["servers"][0]), "servers[3]: 192.168.1.100:3000 stands there a second"),
        (lambda raw: raw["servers"].append({"id": "a", "addr": "b"}), "servers[3]: has a form that"),
        (lambda raw: raw["servers"][0]["limits"]["usage"].update(alert="pagr"), "did you mean pager?: nobody is named"),
        (lambda raw: raw["servers"][0]["limits"].update(disk={}), "servers[0].limits.disk: is unknown"),
        (lambda raw: raw["servers"][0]["limits"]["usage"].pop("limit"), "servers[0].limits.usage.limit: is missing"),
        (lambda raw: raw["servers"][0]["limits"]["usage"].update(limit=-1), "over: the limit is left out"),
        (lambda raw: raw["services"].append(raw["services"][0]), "services[2]: My Shop stands there a second time"),
        (lambda raw: raw["services"][0].pop("url"), "services[0].url: is missing: the service is left out"),
        (lambda raw: raw["services"][0].update(method="PUT"), 'services[0].method: found the text "PUT", expected GET'),
        (lambda raw: raw["services"][0].update(expected_status=[]), "services[0].expected_status: is empty"),
        (lambda raw: raw["services"][0].update(body_pattern="("), "services[0].body_pattern: is no regular expression"),
        (lambda raw: raw["services"][0].update(method="HEAD"), "services[0].body_pattern: asks for a body"),
        (lambda raw: raw["services"][0].update(grace=0), "services[0].grace: 0 never told that it is down: 1 is taken"),
        (lambda raw: raw["alerts"].update(x={"mail": {}}), "alerts.x: found neither, expected discord or webhook"),
        (lambda raw: raw["alerts"].update(x={"webhook": {}}), "alerts.x.webhook.url: is missing"),
        (lambda raw: raw["alerts"]["ops room"]["discord"].update(user_id="1 2"), "user_id: is no single id"),
        (lambda raw: raw["storage"].update(retention_days=0), "storage.retention_days: is no whole number from 1"),
        (lambda raw: raw["storage"].update(backend="postgres"), "storage.backend: is neither sqlite nor none"),
        (lambda raw: raw["api"].update(port="80"), "api.port: is no port"),
        (lambda raw: raw["api"].update(auth_token=""), "api.auth_token: is empty"),
        (lambda raw: raw.update(defaults=[]), "defaults: found a list, expected an object"),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_is_taken(change: Callable[[Any], Any], said: str, tmp_path: Path) -> None:
    raw = copy.deepcopy(FULL)
    change(raw)
    settings, notes = migrated(raw, tmp_path)
    assert [note for note in notes if said in note], "\n".join(notes)
    assert settings["hosts"]


def test_a_service_at_an_address_that_is_none_is_named() -> None:
    found = renewed(read(text({"services": [{"name": "shop", "url": "http://[::1"}]})))
    assert [note.place for note in found.notes if "is no address such as https://shop.example" in note.text]


def test_services_without_an_alert_keep_the_rule_that_is_there_from_the_beginning(tmp_path: Path) -> None:
    raw = copy.deepcopy(FULL)
    raw["defaults"]["service"].pop("alert")
    raw["services"][0]["alert"] = "pager"
    settings, notes = migrated(raw, tmp_path)
    rules = {rule.name: rule for rule in settings["rules"]}
    assert rules["service-down"].services == ("till",)
    assert any("no alert is named by till" in note for note in notes)


@pytest.mark.parametrize(
    ("url", "lost"),
    [
        ("http://grafana:3000/health", True),
        ("https://nas.lan/", True),
        ("https://git.home.arpa/", True),
        ("https://shop.example/", False),
    ],
)
def test_names_that_may_not_be_public_are_told_with_what_allows_them(url: str, lost: bool) -> None:
    raw = {
        "services": [{"name": "a", "url": url}, {"name": "b", "url": "http://10.0.0.1/"}],
        "alerts": {"c": {"webhook": {"url": url}}, "d": {"discord": {"url": "https://discord.com/api/webhooks/1/x"}}},
    }
    notes = {note.place: note for note in renewed(read(text(raw))).notes if "only public" in note.text}
    host = url.split("/")[2].partition(":")[0]
    for place, setting in (("services", "[prober] private_networks"), ("alerts", "[notify] private_networks")):
        assert notes[place].text.startswith(f"of {host} only public addresses are reached; {setting} allows others")
        assert notes[place].lost is lost


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://[::1]:80/", "https://192.0.2.1/", "http://localhost/"])
def test_of_addresses_and_this_machine_nothing_is_told_of_names(url: str) -> None:
    found = renewed(read(text({"services": [{"name": "a", "url": url, "alert": {"webhook": {"url": url}}}]})))
    assert not [note for note in found.notes if "only public addresses" in note.text]


@pytest.mark.parametrize(
    ("api", "told"),
    [
        ({"bind": "0.0.0.0"}, True),
        ({"bind": "::"}, True),
        ({"bind": "192.168.1.5", "auth_token": None}, True),
        ({"bind": "0.0.0.0", "auth_token": "s3cr3t"}, False),
        ({"bind": "127.0.0.1"}, False),
        ({"bind": "::1"}, False),
        ({}, False),
    ],
)
def test_who_was_open_to_other_machines_is_told_that_a_token_is_needed_now(api: Any, told: bool) -> None:
    notes = [note for note in renewed(read(text({"api": api}))).notes if "guardia token new NAME" in note.text]
    assert [note.place for note in notes] == (["api.auth_token"] if told else [])
    assert all(note.lost for note in notes)


def test_that_alerts_hear_more_than_they_were_named_for_is_told() -> None:
    notes = [note.text for note in renewed(read(text(FULL))).notes if note.place == "alerts"]
    assert any("tell all of them" in note for note in notes)
    assert not [note for note in renewed(read(text({"servers": []}))).notes if note.place == "alerts"]


def test_the_old_token_is_let_in_to_read_as_it_was() -> None:
    told = next(note.text for note in renewed(read(text(FULL))).notes if note.place == "api.auth_token")
    assert told.endswith("type: guardia token new migrated --existing secrets/api-token")


def test_services_that_the_import_would_not_call_as_the_new_file_does_are_renamed_in_what_is_to_be_typed() -> None:
    raw = copy.deepcopy(FULL)
    names = ["My Shop", "My-Shop", "監視", "Connection"]
    raw["services"] = [{"name": name, "url": "https://shop.example/"} for name in names]
    found = renewed(read(text(raw)))
    told = next(note.text for note in found.notes if note.place == "storage.path")
    typed = shlex.split(told.partition(": ")[2])
    assert typed[:3] == ["guardia", "import", "./metrics.db"]
    given = dict(one.removeprefix("--rename=").rsplit("=", 1) for one in typed[3:])
    called = [service["name"] for service in tomllib.loads(found.text)["services"]]
    assert [given.get(name) or fit(name) for name in names] == called
    assert len(set(called)) == len(names)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"servers": [], // all\n}', "line 1, column 17"),
        ("[1]", "found a list, expected an object with servers and services"),
        ("", "line 1, column 1"),
        ("[" * 100_000, "found lists within lists without end, expected an object"),
    ],
)
def test_what_is_no_configuration_is_refused_with_its_place(
    content: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NotOld):
        read(content)
    (tmp_path / "config.json").write_text(content)
    assert main([str(tmp_path / "config.json"), "--to", str(tmp_path / "guardia.toml")]) == 100
    assert said in capsys.readouterr().err
    assert not (tmp_path / "guardia.toml").exists()


def test_what_is_there_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text(text(INLINE))
    (tmp_path / "guardia.toml").write_text("# mine\n")
    assert main([str(tmp_path / "config.json"), "--to", str(tmp_path / "guardia.toml")]) == 100
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "guardia.toml").read_text() == "# mine\n"
    assert main([str(tmp_path / "none.json")]) == 100


def test_where_nothing_can_be_written_the_place_and_the_reason_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text(text(INLINE))
    (tmp_path / "taken").touch()
    to = tmp_path / "taken" / "guardia.toml"
    assert main([str(tmp_path / "config.json"), "--to", str(to)]) == 100
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"guardia migrate: {to}: ")
    assert "Errno" not in said


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(st.data())
def test_any_value_in_any_place_makes_a_file_that_parses(data: st.DataObject) -> None:
    raw: Any = copy.deepcopy(FULL)
    at, steps = raw, data.draw(st.integers(1, 4))
    for step in range(steps):
        if not isinstance(at, dict | list) or not at:
            break
        places = list(at) if isinstance(at, dict) else list(range(len(at)))
        place = data.draw(st.sampled_from(places))
        if step == steps - 1 or not isinstance(at[place], dict | list):
            at[place] = data.draw(json_values)
            break
        at = at[place]
    tomllib.loads(renewed(read(json.dumps(raw))).text)


@given(st.dictionaries(st.text(max_size=9), json_values.filter(lambda one: one is not None), max_size=4))
def test_tables_are_read_back_as_they_were(entries: dict[str, Any]) -> None:
    def tomlable(one: Any) -> bool:
        if isinstance(one, dict):
            return all(map(tomlable, one.values()))
        if isinstance(one, list):
            return all(map(tomlable, one))
        return one is not None and one == one

    def encodable(one: Any) -> bool:
        try:
            json.dumps(one, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return False
        return True

    if tomlable(entries) and encodable(entries):
        assert tomllib.loads(table("[x]", entries, "a\nb"))["x"] == entries


def test_keys_and_values_are_written_as_people_do() -> None:
    assert key("a-b_1") == "a-b_1"
    assert key("a b") == '"a b"'
    assert value({"limit": 90, "channels": ["a"]}) == '{ limit = 90, channels = ["a"] }'
