"""What ``guardia check`` says beside faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from api import tokens
from bus import check, rooms
from bus.hints import hints, measured, slip


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cpu.percent", ""),
        ("cpu[3].percent", ""),
        ("disk[*].percent", ""),
        ("disk[/srv].used", ""),
        ("cpu.percnt", "did you mean cpu.percent?"),
        ("disk[/].precent", "did you mean disk[*].percent?"),
        ("cpu.something_else", "docs/metrics.md lists its names"),
        ("memroy.percent", "did you mean memory.percent?"),
        ("queue.waiting", ""),
    ],
)
def test_a_slip_is_told_and_a_plugins_name_is_not(name: str, told: str) -> None:
    assert slip(name, measured()) == told


def test_what_guardia_brings_and_documents_has_no_slip() -> None:
    settings = rooms.load(Path(__file__).parents[2] / "etc" / "minimal.toml")
    assert hints(settings) == []


def test_check_tells_it_and_the_configuration_is_right_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "guardia.toml"
    path.write_text(
        '[[rules]]\nname = "busy"\nwhen = "avg(cpu.percnt, 5m) > 80 or age > 1h"\n'
        '[[rules]]\nname = "slow"\nwhen = "response.ms > 900"\nservices = ["*"]\n'
        '[[rules]]\nname = "late"\nwhen = "queue.age > 900"\n'
    )
    assert check.main(["--config", str(path)]) == 0
    told = capsys.readouterr()
    assert told.out == f"{path} is right\n"
    assert told.err == "note: [[rules]] busy: the agent measures no cpu.percnt; did you mean cpu.percent?\n"


def noted(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "guardia.toml"
    path.write_text(text)
    return hints(rooms.load(path))


def test_nobody_is_meant_to_be_his_own_parent(tmp_path: Path) -> None:
    text = "".join(f"[[hosts]]\nname = '{name}'\nparent = 'router'\n" for name in ("web", "router-b", "routers"))
    assert noted(tmp_path, text) == [
        "[[hosts]] web: parent router is declared nowhere; did you mean routers?",
        "[[hosts]] router-b: parent router is declared nowhere; did you mean routers?",
        "[[hosts]] routers: parent router is declared nowhere; did you mean router-b?",
    ]


def test_a_parent_that_is_nearly_a_name_is_a_slip_and_one_that_is_none_is_a_host_that_need_not_be_declared(
    tmp_path: Path,
) -> None:
    text = "[[hosts]]\nname = 'router-1'\n[[hosts]]\nname = 'web-1'\nparent = 'host/roter-1'\n"
    text += "[[hosts]]\nname = 'db-1'\nparent = 'gateway'\n[[hosts]]\nname = 'db-2'\nparent = 'db-3'\n"
    text += "[[services]]\nname = 'shop'\nurl = 'https://shop.example/'\nhost = 'web-l'\n"
    assert noted(tmp_path, text) == [
        "[[hosts]] web-1: parent roter-1 is declared nowhere; did you mean router-1?",
        "[[services]] shop: host web-l is declared nowhere; did you mean web-1?",
    ]


def test_origins_that_nobody_asks_for_are_noted(tmp_path: Path) -> None:
    text = "[api]\ncors_origins = ['https://status.example']\n"
    assert noted(tmp_path, text) == ["[api] cors_origins: they have no effect without cors = true"]
    assert noted(tmp_path, text + "cors = true\n") == []


def test_a_service_that_is_to_be_public_and_is_not_there_is_told(tmp_path: Path) -> None:
    services = "[[services]]\nname = 'shop'\nurl = 'https://shop.example'\n"
    text = "[status_page]\nservices = ['shpo', 'mail-*', 'sh*']\n" + services
    assert noted(tmp_path, text) == [
        "[status_page] services: shpo is no service here; did you mean shop?",
        "[status_page] services: mail-* is no service here",
    ]


def test_a_hub_that_tells_nobody_at_first_is_noted(tmp_path: Path) -> None:
    text = "[notify]\nescalate = [{ after = '15m', channels = ['ops'] }]\n"
    text += "[channels.ops]\ntype = 'webhook'\nurl = 'https://hook.example/'\n"
    told = noted(tmp_path, text)
    assert [one.partition(",")[0] for one in told] == ["[notify] channels: empty"]
    assert noted(tmp_path, text.replace("[notify]", "[notify]\nchannels = ['ops']")) == []


@pytest.mark.parametrize(
    ("port", "security", "told"),
    [
        (587, "starttls", []),
        (465, "tls", []),
        (25, "none", []),
        (2525, "starttls", []),
        (465, "starttls", ['[channels.mail] security: at port 465 servers speak "tls", not "starttls"']),
        (587, "tls", ['[channels.mail] security: at port 587 servers speak "starttls", not "tls"']),
    ],
)
def test_a_mail_servers_port_tells_how_it_is_spoken_to(
    port: int, security: str, told: list[str], tmp_path: Path
) -> None:
    text = "[channels.mail]\ntype = 'email'\nhost = 'mail.example'\nsender = 'a@b.example'\nto = ['c@d.example']\n"
    assert noted(tmp_path, f"{text}port = {port}\nsecurity = '{security}'\n") == told


def test_a_hub_that_listens_to_others_without_a_token_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GUARDIA_HOME", raising=False)
    path = tmp_path / "guardia.toml"

    def told(bind: str) -> str:
        path.write_text(f'[api]\nbind = "{bind}"\n')
        assert check.main(["--config", str(path)]) == 0
        return capsys.readouterr().err

    assert told("127.0.0.1") == told("localhost") == told("::1") == ""
    assert told("0.0.0.0") == (
        "note: [api] bind: other machines can reach 0.0.0.0, and there is no token; "
        "the api does not start before there is one: guardia token new NAME\n"
    )
    assert told("::").startswith("note: [api] bind: other machines can reach ::")
    tokens.add(tokens.path_of(tmp_path / "var"), "wall", "read", 0, None)
    assert told("0.0.0.0") == ""


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (
            "when = 'disk[*].percent > 90 and net[*].rx_bytes_per_s > 1'",
            "when never holds: disk[*].percent is of a mount point, and net[*].rx_bytes_per_s of an interface; "
            "max(disk[*].percent) or max(net[*].rx_bytes_per_s) is of all of them",
        ),
        (
            "when = 'not (disk[*].free > 10GB or not avg(io[*].busy_percent, 5m) > net[*].rx_bytes_per_s)'",
            "when never holds: disk[*].free is of a mount point, and io[*].busy_percent of a device; "
            "max(disk[*].free) or max(io[*].busy_percent) is of all of them",
        ),
        (
            "when = 'disk[*].percent > 90'\nclear = 'io[*].busy_percent < 10'",
            "clear never holds of a mount point, as disk[*].percent is: the alarm never ends",
        ),
        (
            "when = 'disk[*].percent > 90 or net[*].rx_errors_per_s > 1'\nclear = 'net[*].rx_errors_per_s == 0'",
            "clear never holds of a mount point, as disk[*].percent is: the alarm never ends",
        ),
        (
            "when = 'disk[/srv*].percent > 90 and disk[/var*].percent > 90'",
            "when never holds: disk[/srv*].percent is of a mount point, and disk[/var*].percent of another; "
            "max(disk[/srv*].percent) or max(disk[/var*].percent) is of all of them",
        ),
        (
            "when = 'queue[a?].waiting > 1 and queue[b*].waiting > 1'",
            "when never holds: queue[a?].waiting is of an instance, and queue[b*].waiting of another; "
            "max(queue[a?].waiting) or max(queue[b*].waiting) is of all of them",
        ),
        (
            "when = 'disk[/srv*].percent > 90'\nclear = 'disk[/var*].percent < 80'",
            "clear never holds of a mount point, as disk[/srv*].percent is: the alarm never ends",
        ),
        (
            "when = 'disk[*].percent > 90 and queue[*].waiting > 1 and net[*].rx_errors_per_s > 1'",
            "when never holds: disk[*].percent is of a mount point, and net[*].rx_errors_per_s of an interface; "
            "max(disk[*].percent) or max(net[*].rx_errors_per_s) is of all of them",
        ),
        ("when = 'disk[/srv*].percent > 90 or disk[/var*].percent > 90'", ""),
        ("when = 'disk[/srv*].percent > 90 and disk[*/data].percent > 80 and disk[/?*].free < 1GB'", ""),
        ("when = 'disk[*].percent > 90'\nclear = 'disk[/var*].percent < 80'", ""),
        ("when = 'disk[*].percent > 90 or net[*].rx_errors_per_s > 1'", ""),
        ("when = 'disk[*].percent > 90'\nclear = 'disk[*].percent < 80 or net[*].rx_errors_per_s > 1'", ""),
        ("when = 'disk[*].percent > 90 and max(net[*].rx_errors_per_s) > 1 and net[eth0].rx_errors_per_s > 1'", ""),
        ("when = 'bond[*].missing > 0 and net[*].rx_errors_per_s > 1'", ""),
        ("when = 'queue[*].waiting > 10 and disk[*].percent > 90'", ""),
    ],
)
def test_a_condition_that_asks_one_instance_for_what_only_others_have_is_told(
    tmp_path: Path, rule: str, told: str
) -> None:
    assert noted(tmp_path, f"[[rules]]\nname = 'busy'\n{rule}\n") == ([f"[[rules]] busy: {told}"] if told else [])
