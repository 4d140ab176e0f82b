"""``guardia why --json`` names the cause, whatever it is: asked as an operator asks, of a counter at its socket."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import zmq

from alerter.config import Maintenance
from alerter.letters import Said, Told
from alerter.memory import Memory
from alerter.why import why
from bus import hubs
from bus.judging import NO_RULE, UNKNOWN_SUBJECT, Acknowledge, AddSilence, Why
from bus.sockets import Answer
from bus.tables import Host
from tests.alerter.case import Case
from tests.alerter.given import World, at, rule
from viewer import acts_command, why_command

EARLIER = ("told", "delivered", "clearing", "resolved", "pending", "firing")
WINDOW = Maintenance(name="noon", start="12:00", lasts=1800.0)


def pending(case: Case) -> None:
    case.says(10, 95)
    case.says(20, 96)


def burns(case: Case) -> None:
    case.burns()


def worse(case: Case) -> None:
    case.burns()
    case.says(70, 97)


def not_clear(case: Case) -> None:
    case.burns()
    case.says(70, 85)


def clearing(case: Case) -> None:
    case.burns()
    case.says(70, 20)
    case.says(80, 20)


def resolved(case: Case) -> None:
    case.burns()
    for seconds in (70, 100, 140):
        case.says(seconds, 20)


def no_reading(case: Case) -> None:
    case.says(10, None)


def silenced(case: Case) -> None:
    case.counter.answer(AddSilence("anna", "new disk", at(1800), ("web-*", "rule=cpu")))
    case.burns()


def free(case: Case) -> None:
    case.counter.answer(AddSilence("anna", "new disk", at(65), ("web-*",)))
    case.burns()
    case.says(70, 95)
    case.now = 71


def parent_down(case: Case) -> None:
    for seconds in range(10, 100, 10):
        case.says(seconds, 95, gateway=False)


def acknowledged(case: Case) -> None:
    case.counter.answer(Acknowledge(case.burns(), "ben", "on it"))


def told(case: Case, *outcomes: Said) -> None:
    """What the speaker's own row says became of it."""
    row = Told(case.burns(), "ops", transition=1)
    for one in outcomes:
        row = row.noted(one)
    case.told[row.incident] = row
    case.now = 70


def waiting(case: Case) -> None:
    told(case, Said(at(61), "alarm", 1, "waiting"))


def failed_thrice(case: Case) -> None:
    told(case, Said(at(61), "alarm", 1, "waiting"), Said(at(62), "alarm", 1, "later", 3, "503"))


def given_up(case: Case) -> None:
    told(case, Said(at(61), "alarm", 1, "never", 1, "404: no such hook"))


def delivered(case: Case) -> None:
    told(case, Said(at(61), "alarm", 1, "later", 2, "503"), Said(at(62), "alarm", 1, "delivered", 3, "200"))


def delivered_before(case: Case) -> None:
    delivered(case)
    for seconds in range(70, 190, 10):
        case.says(seconds, 20 if seconds < 150 else 95)


def blind(case: Case) -> None:
    case.world.judge.hearing.ends(at(0))


def disconnected(case: Case) -> None:
    case.world.sample(5, "guardia.prober", {"prober.connected": 0.0})
    for seconds in (10, 20):
        case.says(seconds, 10)
        case.world.checks(seconds, "shop", "down")
        case.room.settle(at(seconds))


def silent(case: Case) -> None:
    case.passes(59)
    case.says(59, 5)
    for seconds in range(60, 190, 10):
        case.world.says(seconds, "gw", cpu=1)
        case.passes(seconds)


def deaf(case: Case) -> None:
    silent(case)
    case.world.judge.hearing.ends(at(180))
    case.world.judge.hears(at(185))
    case.passes(186)


@dataclass(frozen=True)
class Cause:
    """What was done, what is asked, and what is answered: the verdict, words of its text, verdicts of its steps."""

    did: Callable[[Case], None]
    verdict: str
    text: str
    steps: tuple[str, ...] = ()
    rule: str = "cpu"
    subject: str = "host/web-1"
    windows: tuple[Any, ...] = ()
    words: tuple[str, ...] = ()


CAUSES = {
    "below its level": Cause(lambda _: None, "below", "cpu.percent is 10 %, not above 90 %"),
    "pending": Cause(pending, "pending", "cpu.percent is 96 %, above 90 %, pending 10s of 30s", ("pending",)),
    "firing": Cause(burns, "firing", "above 90 %; fires since 12:00Z", ("pending", "firing", "told")),
    "firing, as it is now": Cause(worse, "firing", "cpu.percent is 97 %"),
    "between the levels": Cause(not_clear, "not_clear", "not yet clear"),
    "clearing": Cause(clearing, "clearing", "clear for 10s of 1m"),
    "resolved": Cause(resolved, "below", "not above 90 %", ("resolved",)),
    "no reading": Cause(no_reading, "no_data", "cpu.percent has no reading; last heard 0s ago"),
    "silent": Cause(silent, "firing", "nothing heard for", ("firing", "told"), rule="silent"),
    "silent while the hub was deaf": Cause(deaf, "firing", "and nothing since the hub hears again", rule="silent"),
    "silenced": Cause(silenced, "silenced", "silenced by anna until 12:30Z: new disk", ("silence",)),
    "silenced no more": Cause(free, "firing", "above 90 %", ("silence", "free", "told")),
    "maintenance": Cause(burns, "maintenance", "maintenance noon until 12:30Z", windows=(WINDOW,)),
    "parent down": Cause(parent_down, "parent", "gw, which it depends on, is down since"),
    "own connection lost": Cause(
        disconnected, "connectivity", "Guardia's own host has no connection", rule="down", subject="service/shop"
    ),
    "acknowledged": Cause(acknowledged, "acknowledged", "acknowledged by ben at 12:01Z: on it"),
    "about to go out": Cause(waiting, "firing", "above 90 %", ("waiting",)),
    "channel failed": Cause(failed_thrice, "firing", "above 90 %", ("later",)),
    "channel refused": Cause(given_up, "firing", "above 90 %", ("never",)),
    "delivered before": Cause(delivered_before, "firing", "above 90 %", EARLIER),
    "delivered": Cause(delivered, "firing", "above 90 %", ("delivered",)),
    "the hub is deaf": Cause(blind, "blind", "no silence means anything", rule="silent"),
    "what the hub heard before": Cause(blind, "below", "cpu.percent is 10 %, not above 90 %"),
    "not of this subject": Cause(
        lambda _: None, "out_of_scope", "and service/shop is none of them", rule="silent", subject="service/shop"
    ),
    "no such rule": Cause(
        lambda _: None, "no_rule", "no rule nothing, or it is switched off; guardia rules lists all", rule="nothing"
    ),
    "nearly a rule": Cause(lambda _: None, "no_rule", "did you mean cpu?", rule="cpux"),
    "nobody of that name": Cause(lambda _: None, "unknown_subject", "nobody here has heard of", subject="host/web-77"),
    "pending, then": Cause(burns, "pending", "above 90 %", words=("--at", "2023-11-14T12:00:20Z")),
    "firing, then": Cause(resolved, "firing", "above 90 %", words=("--at", "2023-11-14T12:00:45Z")),
    "below, then": Cause(
        burns, "below", "before the first decision that is known it was below", words=("--at", "2023-11-14T12:00:05Z")
    ),
    "below, ever": Cause(
        burns, "below", "ever since it is known", subject="host/gw", words=("--at", "2023-11-14T12:00:05Z")
    ),
}


@contextlib.contextmanager
def serving(case: Case, home: Path) -> Iterator[None]:
    """The counter answers at its socket, in a thread."""
    (home / "run").mkdir(parents=True)
    context: zmq.Context[Any] = zmq.Context()
    answer, over = Answer(context), threading.Event()
    answer.bind(f"ipc://{home}/run/alerter.ipc")
    serve = case.counter.serving(answer)

    def go() -> None:
        while not over.is_set():
            if answer.raw.poll(20):
                serve()

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        answer.close()
        context.term()


@pytest.fixture
def folder() -> Iterator[Path]:
    # The paths of ipc sockets are short: pytest's own folders are too deep.
    made = Path(tempfile.mkdtemp(prefix="guardia-"))
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("name", CAUSES)
def test_each_cause_has_its_verdict(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cause = CAUSES[name]
    memory = Memory(folder / "alerter")
    case = Case(memory, windows=cause.windows)
    cause.did(case)
    (folder / "guardia.toml").write_text("")
    with serving(case, folder / "var"):
        config = ["--json", "--config", str(folder / "guardia.toml")]
        wrong = cause.verdict in (NO_RULE, UNKNOWN_SUBJECT)
        assert why_command.main([cause.subject, cause.rule, *cause.words, *config]) == (hubs.WRONG if wrong else 0)
    memory.close()

    out, err = capsys.readouterr()
    assert err == (f"guardia why: {json.loads(out)['chains'][0]['text']}\n" if wrong else "")
    (chain,) = json.loads(out)["chains"]
    assert chain["verdict"] == cause.verdict, chain
    assert cause.text in chain["text"]
    assert [step["verdict"] for step in chain["steps"]][len(chain["steps"]) - len(cause.steps) :] == list(cause.steps)


def test_a_channel_that_failed_says_how_often_and_one_that_delivered_when(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "alerter")
    case = Case(memory)
    told(case, Said(at(61), "alarm", 1, "later", 3, "503: overloaded"))
    (chain,) = case.counter.answer(Why("host/web-1", "cpu")).chains
    assert chain.steps[-1].text == "ops: alarm failed 3 times, is tried again: 503: overloaded"
    told(case, Said(at(62), "alarm", 1, "delivered", 4, "200"))
    (chain,) = case.counter.answer(Why("host/web-1", "cpu")).chains
    assert chain.steps[-1].text == "ops: alarm delivered at attempt 4: 200"
    assert "delivered" not in [step.verdict for step in case.chain(when=61.5).steps]
    assert {one.rule for one in case.counter.answer(Why("host/web-1", "")).chains} == {"cpu", "silent"}
    memory.close()


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("wbe-1", "wbe-1, and it is not in the configuration; did you mean web-1?"),
        ("service/web-1", "heard of service/web-1, and it is not in the configuration; did you mean host/web-1?"),
        ("service/x", "heard of service/x, and it is not in the configuration; there are: shop"),
        ("hots/web-1", "hots is no kind of subject, expected host, service or hub; did you mean host?"),
        ("x*", "heard of x*, and it is not in the configuration; there are: gw, web-1, shop"),
    ],
)
def test_a_name_that_nobody_has_is_told_with_the_nearest(
    folder: Path, subject: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    memory = Memory(folder / "alerter")
    case = Case(memory)
    case.says(0, 1.0)
    (folder / "guardia.toml").write_text("")
    with serving(case, folder / "var"):
        assert why_command.main([subject, "--config", str(folder / "guardia.toml")]) == hubs.WRONG
    memory.close()
    out, err = capsys.readouterr()
    assert (out, said in err) == ("", True), err


def test_what_cannot_be_judged_or_waits_says_so_of_each_host(tmp_path: Path) -> None:
    rules = [rule("disk[*].percent > 90", name="full"), rule("memory.percent > 90", name="short", times=3)]
    world = World(*rules, rule("age > 2m", name="silent"), hosts=[Host(name="new"), Host(name="old", gone=True)])
    world.says(0, memory=95)
    world.says(0, "old", memory=95)
    memory = Memory(tmp_path / "alerter")

    def said(asked: str) -> dict[str, tuple[str, str]]:
        with memory.reading() as view:
            chains = why(Why("host/*", asked), world.judge, view, {}, at(1)).chains
        return {one.subject: (one.verdict, one.text) for one in chains}

    gone = ("out_of_scope", "host/old is gone, gone = true in [[hosts]]: nothing is judged")
    nothing = "has nothing that disk[*].percent > 90 could be judged for"
    assert said("full") == {
        "new": ("no_data", f"host/new {nothing}"),
        "old": gone,
        "web-1": ("no_data", f"host/web-1 {nothing}"),
    }
    assert said("short") == {
        "new": ("no_data", "host/new has never been heard"),
        "old": gone,
        "web-1": ("pending", "memory.percent is 95 %, above 90 %, 1 of 3 times in a row"),
    }
    assert said("silent") == {
        "new": ("no_data", "host/new has never been heard"),
        "old": gone,
        "web-1": ("below", "heard 1s ago"),
    }
    memory.close()


def test_of_whom_no_rule_concerns_that_is_said_and_not_what_some_rule_is_about(tmp_path: Path) -> None:
    rules = [rule("cpu.percent > 90", name="busy", hosts=("db-*",)), rule("age > 2m", name="late", hosts=("db-*",))]
    world = World(*rules)
    world.says(0)
    memory = Memory(tmp_path / "alerter")
    with memory.reading() as view:
        (chain,) = why(Why("host/web-1", ""), world.judge, view, {}, at(1)).chains
        (asked,) = why(Why("host/web-1", "late"), world.judge, view, {}, at(1)).chains
    memory.close()
    assert (chain.rule, chain.verdict) == ("", "out_of_scope")
    assert chain.text.startswith("no rule concerns host/web-1: nothing of it is judged")
    assert asked.text == "late is judged for hosts db-*, and host/web-1 is none of them"


def test_what_was_before_the_first_decision_is_told_in_words(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "alerter")
    case = Case(memory)
    for seconds, cpu in ((10, None), (20, 95)):
        case.world.says(seconds, "db-1", cpu=cpu)
        case.room.settle(at(seconds))
    case.now = 21
    said = case.chain(subject="host/db-1", when=15)
    memory.close()
    assert (said.verdict, said.text) == ("no_data", "before the first decision that is known it was no data")


def test_a_reason_that_holds_is_a_step_once(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "alerter")
    case = Case(memory)
    case.burns()
    for seconds in (61, 62, 63):
        case.room.settle(at(seconds), all_open=True)
    case.now = 64
    assert [step.verdict for step in case.chain().steps] == ["pending", "firing", "told"]
    memory.close()


def test_how_long_nothing_was_heard_is_as_of_now(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "alerter")
    case = Case(memory)
    silent(case)
    case.now = 190
    assert "nothing heard for 2m11s" in case.chain("silent").text
    memory.close()


def test_who_ends_or_acknowledges_what_is_not_there_asked_wrongly(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    memory = Memory(folder / "alerter")
    (folder / "guardia.toml").write_text("")
    config = ["--config", str(folder / "guardia.toml")]
    with serving(Case(memory), folder / "var"):
        assert acts_command.silence_end(["abc", *config]) == hubs.WRONG
        assert acts_command.ack(["abc", *config]) == hubs.WRONG
        lasting = ["--for", "1h", "--reason", "new disk", "--owner", "anna", *config]
        assert acts_command.silence_add(["severity=critcal", *lasting]) == hubs.WRONG
    memory.close()
    said = capsys.readouterr().err
    assert "there is no silence abc" in said
    assert "no incident abc fires now" in said
    assert "expected severity=info, warning or critical; did you mean critical?" in said


def test_without_a_hub_it_says_that_nobody_answers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "guardia.toml").write_text("")
    assert why_command.main(["host/web-1", "--config", str(folder / "guardia.toml")]) == hubs.SILENT
    assert "the hub is not running here" in capsys.readouterr().err
