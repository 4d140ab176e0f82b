"""Prometheus's text format, as readings."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as some
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from agent.exposition import LONGEST_LINE, MOST_KEPT, MOST_REASONS, Exposition, NotTold, Output, lines
from agent.rates import Rates
from agent.readings import Count
from agent.series import begin, field

PAGE = b"""# HELP shop_orders_total Orders.
# TYPE shop_orders_total counter
shop_orders_total{pay="card"} 100
shop_orders_total{pay="cash"} 7
# TYPE shop_open gauge
shop_open 1 1700000000000
# TYPE shop_wait_seconds histogram
shop_wait_seconds_bucket{path="/cart",le="0.1"} 10
shop_wait_seconds_bucket{path="/cart",le="1"} 20
shop_wait_seconds_bucket{path="/cart",le="+Inf"} 20
shop_wait_seconds_sum{path="/cart"} 5
shop_wait_seconds_count{path="/cart"} 20
# TYPE shop_gc_seconds summary
shop_gc_seconds{quantile="0.5"} 0.01
shop_gc_seconds{quantile="0.999"} NaN
shop_gc_seconds_sum 1
shop_gc_seconds_count 10
"""
LATER = (
    PAGE.replace(b'"card"} 100', b'"card"} 150')
    .replace(b'le="0.1"} 10', b'le="0.1"} 15')
    .replace(b'le="1"} 20', b'le="1"} 30')
    .replace(b'Inf"} 20', b'Inf"} 30')
    .replace(b'sum{path="/cart"} 5', b'sum{path="/cart"} 8')
    .replace(b'count{path="/cart"} 20', b'count{path="/cart"} 30')
    .replace(b"seconds_sum 1", b"seconds_sum 1.5")
    .replace(b"seconds_count 10", b"seconds_count 20")
)


def exposition(keep: Sequence[str] = ("*",), skip: Sequence[str] = (), most: int = 100) -> Exposition:
    """A program called shop."""
    return Exposition("shop", tuple(keep), tuple(skip), most, 0.0)


def values(shop: Exposition, *answers: bytes) -> dict[str, float | None]:
    """What the answers come to, ten seconds between them."""
    rates, found = Rates(), {}
    for place, answer in enumerate(answers):
        output = shop.read([answer], 0.0)
        assert output.faults == []
        found = rates.values(output.readings, 10.0 * place)
    return found


def test_counters_are_told_as_rates_gauges_as_they_are_and_distributions_by_what_came_meanwhile() -> None:
    assert values(exposition(), PAGE, LATER) == {
        "shop.shop_gc_mean_seconds": 0.05,
        "shop.shop_gc_p50_seconds": 0.01,
        "shop.shop_gc_p99_9_seconds": None,
        "shop.shop_gc_seconds_count_per_s": 1.0,
        "shop.shop_open": 1.0,
        "shop[path=/cart].shop_wait_mean_seconds": 0.3,
        "shop[path=/cart].shop_wait_p50_seconds": 0.1,
        "shop[path=/cart].shop_wait_p95_seconds": 0.91,
        "shop[path=/cart].shop_wait_p99_seconds": 0.982,
        "shop[path=/cart].shop_wait_seconds_count_per_s": 1.0,
        "shop[pay=card].shop_orders_per_s": 5.0,
        "shop[pay=cash].shop_orders_per_s": 0.0,
    }


def test_the_first_answer_has_the_same_names_and_a_reset_no_number() -> None:
    first, reset = values(exposition(), PAGE), values(exposition(), PAGE, LATER, PAGE)
    assert list(first) == list(reset) == list(values(exposition(), PAGE, LATER))
    told = {name: value for name, value in first.items() if value is not None}
    assert told == {"shop.shop_gc_p50_seconds": 0.01, "shop.shop_open": 1.0}
    assert {name for name, value in reset.items() if value is not None} == told.keys() | {
        "shop[pay=cash].shop_orders_per_s"
    }


def test_a_program_without_types_is_understood_by_its_names() -> None:
    plain = [b"\n".join(line for line in page.splitlines() if line[:1] != b"#") + b"\n" for page in (PAGE, LATER)]
    assert values(exposition(), *plain) == values(exposition(), PAGE, LATER)


def test_a_time_behind_the_number_is_no_part_of_it() -> None:
    shop = exposition()
    for turn in range(3):
        output = shop.read([b'a{x="y z"} %d 170000000000%d\nb 7 170000000000%d\n' % (turn, turn, turn)], 0.0)
        assert (output.readings, output.left_out) == ({"shop[x=y z].a": float(turn), "shop.b": 7.0}, 0)
    assert shop.read([b"b 7 x\na 1\n"], 0.0).faults == ["'b 7 x' is not a series and a number"]


def test_what_a_type_says_counts_more_than_a_name() -> None:
    page = b"# TYPE a_total gauge\na_total 3\n# TYPE hits counter\nhits 4\n# TYPE b_count gauge\nb_count 5\n"
    assert exposition().read([page], 0.0).readings == {
        "shop.a_total": 3.0,
        "shop.hits_per_s": Count(4.0),
        "shop.b_count": 5.0,
    }


def test_a_type_that_comes_later_counts_from_then_on() -> None:
    shop = exposition()
    assert list(shop.read([b"hits 3\n"], 0.0).readings) == ["shop.hits"]
    shop.read([], 0.0)
    later = shop.read([b"# TYPE hits counter\nhits 4\n"], 0.0)
    assert later.readings == {"shop.hits": None, "shop.hits_per_s": Count(4.0)}


def test_of_a_type_that_nobody_knows_everything_stands_as_it_is() -> None:
    page = b'# TYPE wait gaugehistogram\nwait_bucket{le="1"} 3\nwait_gcount 3\n'
    assert exposition().read([page], 0.0).readings == {"shop[le=1].wait_bucket": 3.0, "shop.wait_gcount": 3.0}


def test_openmetrics_is_understood_too() -> None:
    page = (
        b"# TYPE hits counter\n# UNIT hits\nhits_total 4 17.5\nhits_created 17.2\n# TYPE wait histogram\n"
        b'wait_bucket{le="+Inf"} 3 # {trace="a # b"} 0.5 17\nwait_count 3\nwait_sum 1.5\nwait_created 17.2\n# EOF\n'
    )
    output = exposition().read([page], 0.0)
    assert output.faults == []
    assert {name for name, value in output.readings.items() if value} == {"shop.hits_per_s", "shop.wait_count_per_s"}


def test_what_is_kept_goes_by_the_names_of_families() -> None:
    found = exposition(keep=["shop_w*", "*_total", "shop_gc_seconds"], skip=["shop_gc*"]).read([PAGE], 0.0)
    assert {name.rpartition(".")[2].partition("_")[2][:4] for name in found.readings} == {"orde", "wait"}
    assert (found.series, found.left_out) == (12, 0)


def test_what_is_not_kept_by_its_name_is_when_a_type_makes_it_part_of_what_is() -> None:
    shop = exposition(keep=["up", "wait"])
    for page in (b"up 1\nwait_count 3\nwait_sum 2\n", b"up 1\n wait_count 3\n"):
        output = shop.read([page], 0.0)
        assert (list(output.readings), output.series) == (["shop.up"], page.count(b"\n"))
    typed = b"up 1\n# TYPE wait summary\nwait_count 3\nwait_sum 2\n"
    assert list(shop.read([typed], 0.0).readings) == ["shop.up", "shop.wait_count_per_s", "shop.wait_mean"]


def test_the_order_in_which_a_program_tells_them_makes_no_difference() -> None:
    turned = b"".join(b"%s\n" % line for line in reversed(PAGE.splitlines()) if not line.startswith(b"#"))
    types = b"".join(b"%s\n" % line for line in PAGE.splitlines() if line.startswith(b"# TYPE"))
    first, second = (exposition().read([page.replace(b"NaN", b"2")], 0.0) for page in (types + turned, PAGE))
    assert list(first.readings.items()) == list(second.readings.items())


def test_what_is_over_the_bound_is_counted_and_what_was_told_stays() -> None:
    shop = exposition(most=3)
    output = shop.read([b"b 1\nc 1\nd 1\n"], 0.0)
    assert (list(output.readings), output.left_out) == (["shop.b", "shop.c", "shop.d"], 0)
    output = shop.read([b"a 1\nb 1\nc 1\nd 1\n"], 0.0)
    assert (list(output.readings), output.left_out, output.faults) == (
        ["shop.b", "shop.c", "shop.d"],
        1,
        ["more than 3 metrics"],
    )
    shop.read([b"a 1\nb 1\nc 1\n"], 0.0)
    assert list(shop.read([b"a 1\nb 1\nc 1\n"], 0.0).readings) == ["shop.a", "shop.b", "shop.c"]


def test_a_histogram_is_told_whole_or_not_at_all() -> None:
    output = exposition(most=6).read([PAGE], 0.0)
    assert [name for name in output.readings if "wait" in name] == []
    assert (len(output.readings), output.left_out) == (5, 7)
    shop = exposition(most=6)
    page = b"# TYPE wait histogram\nwait_sum 1\nwait_count 1\na 1\nb 1\n"
    for answer in (page, page, page + b"c 1\n"):
        output = shop.read([answer], 0.0)
        assert (len(output.readings), output.left_out) == (6, answer.count(b"\n") - 4)


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        (b"a 1\na 2\n", "shop.a stands there twice"),
        (b'a_bucket{le="1"} 1\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 2\n', "shop.a stands there twice"),
        (b"# TYPE a counter\na 1\na_total 1\n", "shop.a_per_s stands there twice"),
        (b"# TYPE a summary\na_sum 1\na_count 1\n# TYPE a_mean gauge\na_mean 3\n", "shop.a_mean stands there twice"),
        (b"a 1\nb 1_0\n", "'b 1_0' has no number at its end"),
        (b"a 1\nb x\n", "'b x' has no number at its end"),
        (b"a 1\nb\n", "'b' is not a series and a number"),
        (b"a 1\nb 1 2 3\n", "'b 1 2 3' is not a series and a number"),
        (b"a 1\n\xff 2\n", "'\ufffd 2' is no UTF-8"),
        (b"a 1\n\x1b[31m 2\n", "'\\x1b[31m 2' is no series"),
        (b'a 1\nb_bucket{le="few"} 2\n', "'few' is no bound of a distribution"),
        (b"a 1\n" + b"b" * 70 + b" 2\n", f"{'b' * 70}: {'b' * 70} has 70 letters, at most 64"),
        (b'a 1\nb{x="%s"} 2\n' % (b"y" * 200), "b: labels of 202 letters, at most 160"),
    ],
)
def test_what_cannot_be_told_is_left_out_with_a_reason_and_the_others_are_told(page: bytes, fault: str) -> None:
    shop = exposition()
    for _ in range(2):  # what it means is kept
        output = shop.read([page], 0.0)
        assert (output.left_out, output.faults) == (1, [fault])
        assert output.readings


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"<html>\n<body>no</body>\n", "it answers with what is no text of Prometheus's: '<html>' is no series"),
        (b"\0\xff\0 1\n", "it answers with what is no text of Prometheus's: '\\x00\ufffd\\x00 1' is no UTF-8"),
        (b"a" * (LONGEST_LINE + 1), "it answers with a line of more than 64 kB"),
    ],
)
def test_what_is_no_such_text_says_so(answer: bytes, why: str) -> None:
    shop = exposition()
    shop.read([PAGE], 0.0)
    with pytest.raises(NotTold) as caught:
        shop.read([answer], 0.0)
    assert str(caught.value) == why
    # what came before the failure counts on
    assert shop.read([LATER], 0.0).readings["shop[path=/cart].shop_wait_mean_seconds"] == 0.3


def test_a_program_that_tells_nothing_has_nothing_to_tell() -> None:
    assert exposition().read([], 0.0) == exposition().read([b"\n# nothing\n"], 0.0) == Output({}, 0, 0, [])


def test_the_last_line_needs_no_end() -> None:
    assert values(exposition(), b"a 1\nb 2") == {"shop.a": 1.0, "shop.b": 2.0}


def test_ever_other_labels_fill_no_memory() -> None:
    shop = exposition(most=50)
    for turn in range(30):
        page = b"".join(b'hits{id="%d"} 1\n' % (1000 * turn + one) for one in range(1000))
        output = shop.read([page], 0.0)
        assert len(output.readings) == 50
        assert output.left_out >= 950
    assert len(shop._places) <= 2 * 1000


def test_nor_do_very_many_names_or_types() -> None:
    shop, count = exposition(keep=["hits*"], most=10), MOST_KEPT + 100
    for what in (b"hits%d 1\n", b"other%d 1\n"):
        shop.read((what % one for one in range(count)), 0.0)
    assert len(shop._places) <= MOST_KEPT
    assert len(shop._skipped) == MOST_KEPT
    for what in (b"# TYPE hits%d gauge\n", b"# TYPE more%d gauge\n"):
        shop.read((what % one for one in range(count)), 0.0)
    assert len(shop._types) <= MOST_KEPT


def test_a_few_reasons_are_told_and_all_are_counted() -> None:
    output = exposition().read([b"a 1\n", *(b"%d 1\n" % one for one in range(9))], 0.0)
    assert (output.left_out, len(output.faults)) == (9, MOST_REASONS)


@given(some.binary(max_size=200), some.integers(1, 50))
def test_lines_are_the_same_in_whatever_pieces_they_come(text: bytes, size: int) -> None:
    whole = text.removesuffix(b"\n").split(b"\n") if text else []  # with or without an end of the last one
    assert list(lines(text[at : at + size] for at in range(0, len(text), size))) == whole


NAMES = some.from_regex(r"[a-z_:][a-z0-9_:]{0,6}x", fullmatch=True)
"""None that means a part of another family."""
LABELS = some.dictionaries(some.from_regex(r"[a-d]", fullmatch=True), some.text(max_size=6), max_size=3)
NUMBERS = some.floats(allow_nan=False, allow_infinity=False)


@given(some.lists(some.tuples(NAMES, LABELS, NUMBERS), max_size=8))
def test_gauges_are_read_as_the_clients_library_reads_them(series: list[tuple[str, dict[str, str], float]]) -> None:
    registry = CollectorRegistry()
    gauges = {name: Gauge(name, "x", [*"abcd"], registry=registry) for name in {name for name, _, _ in series}}
    for name, labels, value in series:
        gauges[name].labels(*(labels.get(label, "") for label in "abcd")).set(value)
    text = generate_latest(registry)
    theirs = {
        begin("shop", {label: told for label, told in sample.labels.items() if told}, "")
        + field(sample.name): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }
    shop = exposition()
    for _ in range(2):
        assert shop.read([text], 0.0).readings == theirs


@given(some.lists(some.floats(0, 20), min_size=1, max_size=30), some.lists(some.floats(0, 20), min_size=1, max_size=30))
def test_what_the_clients_library_counts_is_told_by_rate_and_mean(first: list[float], then: list[float]) -> None:
    registry = CollectorRegistry()
    hits = Counter("hits", "x", registry=registry)
    wait = Histogram("wait_seconds", "x", registry=registry)
    size = Summary("size_bytes", "x", registry=registry)
    shop, rates = exposition(), Rates()
    for at, numbers in ((0.0, first), (10.0, then)):
        for number in numbers:
            hits.inc()
            wait.observe(number)
            size.observe(number)
        output = shop.read([generate_latest(registry)], 0.0)
        found = rates.values(output.readings, at)
    assert output.left_out == 0
    assert len(found) == 1 + 5 + 2, "when each began to count is not told"
    mean = sum(then) / len(then)
    for name in ("shop.wait_mean_seconds", "shop.size_mean_bytes"):
        assert found[name] == pytest.approx(mean, rel=1e-3, abs=1e-9)
    for name in ("shop.hits_per_s", "shop.wait_seconds_count_per_s", "shop.size_bytes_count_per_s"):
        assert found[name] == pytest.approx(len(then) / 10)
