"""What series of Prometheus's are called here."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from agent.series import Unfit, begin, field, per_second, percentile, split, within
from bus.messages import is_metric

LABELS = some.dictionaries(
    some.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
    some.text(some.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
    max_size=3,
)


def told(labels: dict[str, str]) -> str:
    """The labels as a program writes them."""
    signs = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
    return ",".join(f'{name}="{value.translate(signs)}"' for name, value in labels.items())


@pytest.mark.parametrize(
    ("line", "name", "labels", "rest"),
    [
        ("node_load1 0.2", "node_load1", {}, " 0.2"),
        ('up{job="shop"} 1', "up", {"job": "shop"}, " 1"),
        ('a:b{ x = "1" , y="2", } 3 17', "a:b", {"x": "1", "y": "2"}, " 3 17"),
        ('a{path="C:\\\\DIR",said="\\"hm\\"\\n"} 1', "a", {"path": "C:\\DIR", "said": '"hm"\n'}, " 1"),
        ('a{brace="}",none="",word="a b=c,d"} 1', "a", {"brace": "}", "word": "a b=c,d"}, " 1"),
        ("a{} 1", "a", {}, " 1"),
    ],
)
def test_a_line_is_a_name_labels_and_what_follows(line: str, name: str, labels: dict[str, str], rest: str) -> None:
    assert split(line) == (name, labels, rest)


@pytest.mark.parametrize(
    "line", ["<html>", "7 8", "a{x=1} 2", 'a{x="1" y="2"} 3', 'a{x="1",x="2"} 3', 'a{"b"} 1', "é 1"]
)
def test_what_is_no_series_is_unfit(line: str) -> None:
    with pytest.raises(Unfit, match=r"no series|labels that are none"):
        split(line)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "line", ['a{x="' + "\\" * 60_000, "a{" + 'x="1",' * 10_000, "a{" + '"' * 60_000, "a" * 60_000 + "{"]
)
def test_no_line_takes_longer_than_its_length(line: str) -> None:
    with suppress(Unfit):
        split(line)


@given(LABELS)
def test_labels_survive_being_written(labels: dict[str, str]) -> None:
    assert split(f"a{{{told(labels)}}} 1") == ("a", labels, " 1")


def test_labels_stand_by_name_and_what_would_end_them_is_escaped() -> None:
    assert begin("shop", {}, "a") == "shop."
    assert begin("shop", {"b": "x y", "a": "/é"}, "a") == "shop[a=/é,b=x y]."
    assert begin("shop", {"a": "[50%];,\n\x85"}, "a") == "shop[a=%5B50%25%5D;%2C%0A%C2%85]."


@given(LABELS, LABELS)
def test_two_sets_of_labels_are_never_one_instance_and_each_is_one(one: dict[str, str], other: dict[str, str]) -> None:
    first, second = begin("shop", one, "a"), begin("shop", other, "a")
    assert (first == second) == (one == other)
    assert is_metric(f"{first}x")


def test_names_end_in_their_unit() -> None:
    assert per_second("http_requests_total") == "http_requests_per_s"
    assert per_second("sent_bytes_total") == "sent_bytes_per_s"
    assert per_second("hits") == "hits_per_s"
    assert within("wait_seconds", "p99") == "wait_p99_seconds"
    assert within("size_bytes", "mean") == "size_mean_bytes"
    assert within("rpc", "p50") == "rpc_p50"
    assert field("job:load:mean") == "job.load.mean"
    assert [percentile(share) for share in (0.0, 0.05, 0.5, 0.99, 0.999, 1.0)] == [
        "p0",
        "p5",
        "p50",
        "p99",
        "p99_9",
        "p100",
    ]


def test_what_is_too_long_says_by_how_much() -> None:
    assert field("a" * 64) == "a" * 64
    with pytest.raises(Unfit, match="has 65 letters, at most 64"):
        field("a" * 65)
    assert len(begin("shop", {"a": "x" * 158}, "shop_info")) == len("shop[].") + 160
    with pytest.raises(Unfit, match="shop_info: labels of 163 letters, at most 160"):
        begin("shop", {"a": "x" * 161}, "shop_info")
