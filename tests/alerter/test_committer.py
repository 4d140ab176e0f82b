"""What is durable before it is told, what holds notices back, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerter.config import Maintenance
from alerter.memory import Memory
from alerter.rules import in_force
from bus.explaining import silences
from bus.judging import (
    Acknowledge,
    AddSilence,
    Alarms,
    EndSilence,
    Incidents,
    NotThere,
    Objected,
    Question,
    Silences,
    read_answer,
)
from bus.messages import Alert, Silence
from bus.questions import Unanswered, pack_question
from bus.tables import Host
from tests.alerter.case import Case
from tests.alerter.given import World, at, committer, rule


def test_thirty_children_of_a_gateway_are_one_notice_and_no_orphan(memory: Memory) -> None:
    hosts = [Host(name="gw"), *(Host(name=f"web-{i}", parent="gw") for i in range(30))]
    world = World(*in_force([]), hosts=hosts)
    room, speaker, _ = committer(world, memory)

    def everybody(seconds: float) -> None:
        for place, host in enumerate(hosts):
            # The gateway's last sample came after those of its children: theirs are noticed first.
            world.says(seconds + (0.9 if host.name == "gw" else place / 100), host.name)
        room.settle(at(seconds + 1))

    def passes(begin: int, end: int) -> None:
        for second in range(begin, end):
            world.judge.advance(at(second))
            room.settle(at(second))

    everybody(0)
    passes(2, 300)
    assert speaker.spoken == [("gw", "firing")]
    held = [causes for subject, _, causes in speaker.heard if subject != "gw"]
    assert len({subject for subject, _, causes in speaker.heard if "parent" in causes}) == 30
    assert all(causes == ("parent",) for causes in held)

    world.says(300, "gw")
    room.settle(at(300))
    for place in range(30):
        world.says(310 + place / 100, f"web-{place}")
    room.settle(at(311))
    passes(311, 420)
    assert speaker.spoken[:2] == [("gw", "firing"), ("gw", "resolved")]
    assert [one for one in speaker.spoken if one[1] == "firing"] == [("gw", "firing")]


def test_a_child_that_stays_down_is_told_after_its_parent_is_back(memory: Memory) -> None:
    world = World(*in_force([]), hosts=[Host(name="gw"), Host(name="web-1", parent="host/gw")])
    room, speaker, _ = committer(world, memory)
    for host in ("gw", "web-1"):
        world.says(0, host)
    for second in range(1, 200):
        world.judge.advance(at(second))
        room.settle(at(second))
    for second in range(200, 300):
        world.says(second, "gw")
        room.settle(at(second))
    assert speaker.spoken == [("gw", "firing"), ("gw", "resolved"), ("web-1", "firing")]


def test_a_childs_time_to_follow_outlives_a_restart(tmp_path: Path) -> None:
    rules, hosts = in_force([]), [Host(name="gw"), Host(name="web-1", parent="host/gw")]
    kept = Memory(tmp_path / "alerter")
    world = World(*rules, hosts=hosts)
    room, speaker, _ = committer(world, kept)
    for host in ("gw", "web-1"):
        world.says(0, host)
    for second in range(1, 200):
        world.judge.advance(at(second))
        room.settle(at(second))
    world.says(200, "gw")
    room.settle(at(200))
    assert speaker.spoken == [("gw", "firing"), ("gw", "resolved")]
    kept.close()

    kept = Memory(tmp_path / "alerter")
    world = World(*rules, hosts=hosts, began=205)
    room, speaker, _ = committer(world, kept)
    room.restore(at(205))
    for second in range(206, 259):
        world.says(second, "gw")
        room.settle(at(second), all_open=True)
    assert speaker.spoken == []
    world.says(265, "gw")
    room.settle(at(265), all_open=True)
    assert speaker.spoken == [("web-1", "firing")]
    kept.close()


def test_kills_in_the_middle_neither_forget_nor_repeat(tmp_path: Path) -> None:
    rules = [rule("cpu.percent > 90", for_=30.0)]
    told: list[tuple[str, str]] = []
    for life, said in enumerate([[(0, 95), (10, 95)], [(20, 95), (35, 95)], [(50, 95), (60, 10)]]):
        kept = Memory(tmp_path / "alerter")
        world = World(*rules, began=said[0][0] - 1)
        room, _, teller = committer(world, kept)
        room.restore(at(said[0][0] - 1))
        if life == 1:
            assert [cell.alarm.state for _, cell in world.judge.standing() if cell.alarm] == ["pending"]
        for seconds, cpu in said:
            world.starts_anew("web-1", seconds + 1)
            world.says(seconds, cpu=cpu)
            room.settle(at(seconds))
        told += [(one.state, one.incident) for _, one in teller.told if isinstance(one, Alert)]
        kept.close()

    states = [state for state, _ in told]
    assert states == ["pending", "firing", "quiet"]
    assert told[1][1] == told[2][1] != ""


def test_what_was_written_and_not_told_is_told_at_the_next_start(memory: Memory) -> None:
    world = World(rule("cpu.percent > 90"))
    room, _, teller = committer(world, memory)

    def killed(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    teller.tell = killed  # type: ignore[method-assign]
    world.says(0, cpu=95)
    world.says(0, "web-2", cpu=95)
    with pytest.raises(KeyboardInterrupt):
        room.settle(at(0))

    again = World(rule("cpu.percent > 90"))
    other, _, teller = committer(again, memory)
    other.restore(at(10))
    assert [(subject, one.state) for subject, one in teller.told] == [("web-1", "firing"), ("web-2", "firing")]
    assert teller.flushed == 1
    third, _, teller = committer(World(rule("cpu.percent > 90")), memory)
    third.restore(at(20))
    assert teller.told == []


def test_a_silence_ends_and_what_still_burns_is_told(memory: Memory) -> None:
    case = Case(memory)
    made = case.counter.answer(AddSilence("anna", "new disk", at(1800), ("web-1",)))
    case.burns()
    case.counter.answer(EndSilence(made.id, "anna"))
    assert case.speaker.spoken == [("web-1", "firing")]
    assert [one.revoked for _, one in case.teller.told if isinstance(one, Silence)] == [False, True]
    assert case.counter.answer(Silences()).silences == ()
    assert len(case.counter.answer(Silences(past=True)).silences) == 1


def test_a_silence_that_begins_later_says_so_and_holds_nothing_back_before(memory: Memory) -> None:
    case = Case(memory)
    made = case.counter.answer(AddSilence("anna", "new disk", at(1800), ("web-1",), at(600)))
    assert made.text == f"silence {made.id} holds from 12:10Z until 12:30Z"
    case.burns()
    assert case.speaker.spoken == [("web-1", "firing")]
    assert [one.starts for one in case.counter.answer(Silences()).silences] == [at(600)]


def test_silences_are_listed_beside_maintenance(memory: Memory) -> None:
    case = Case(memory, windows=[Maintenance("backups", "11:00", 7200.0, ("role=db",))])
    told = case.counter.answer(Silences())
    assert silences(told) == (
        "There are no silences.\n\n"
        "MAINTENANCE  FROM                  UNTIL                 MATCHES\n"
        "backups      2023-11-14 11:00:00Z  2023-11-14 13:00:00Z  role=db"
    )
    made = case.counter.answer(AddSilence("anna", "new disk", at(1800), ("web-1",)))
    assert [line.split()[0] for line in silences(case.counter.answer(Silences())).split("\n") if line] == [
        "ID",
        made.id,
        "MAINTENANCE",
        "backups",
    ]


def test_a_silence_hides_no_recovery_from_the_record(memory: Memory) -> None:
    case = Case(memory)
    case.counter.answer(AddSilence("anna", "new disk", at(1800), ("web-1",)))
    case.burns()
    for seconds in (70, 100, 140):
        case.says(seconds, 20)
    incidents = case.counter.answer(Incidents()).incidents
    assert [(one.subject, one.state) for one in incidents] == [("web-1", "resolved")]
    assert [one.state for _, one in case.teller.told if isinstance(one, Alert)][-1] == "quiet"
    assert ("web-1", "resolved", ("silence",)) in case.speaker.heard


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (AddSilence("", "disk", at(60), ("web-1",)), "owner"),
        (AddSilence("anna", "", at(60), ("web-1",)), "reason"),
        (AddSilence("anna", "disk", at(-60), ("web-1",)), "ends after"),
        (AddSilence("anna", "disk", at(60), ()), "what it holds back"),
        (AddSilence("anna", "disk", at(500 * 86_400), ("web-1",)), "within a year"),
    ],
)
def test_a_silence_has_owner_reason_and_end(memory: Memory, asked: AddSilence, told: str) -> None:
    with pytest.raises(Objected, match=told):
        Case(memory).counter.answer(asked)


@pytest.mark.parametrize(
    ("asked", "fault", "told"),
    [
        (EndSilence("none", "anna"), NotThere, "there is no silence none"),
        (Acknowledge("none", "anna", ""), NotThere, "no incident none fires now"),
        (Acknowledge("none", " ", ""), Objected, "has an owner"),
        (AddSilence("anna", "disk", at(60), ()), Objected, "what it holds back"),
    ],
)
def test_who_asks_is_told_whether_it_is_missing_or_cannot_be_done(
    memory: Memory, asked: Question, fault: type[Unanswered], told: str
) -> None:
    with pytest.raises(fault, match=told):
        read_answer(asked, Case(memory).counter.answered(pack_question(asked)))


def test_what_is_no_question_is_not_understood(memory: Memory) -> None:
    with pytest.raises(Unanswered, match="not understood") as raised:
        read_answer(Alarms(), Case(memory).counter.answered(b"\x81\xa3ask\xa7Nothing"))
    assert type(raised.value) is Unanswered


def test_incidents_are_paged(memory: Memory) -> None:
    case = Case(memory)
    for turn in range(5):
        for seconds, cpu in ((0, 95), (40, 95), (50, 10), (110, 10)):
            case.says(turn * 160 + 10 + seconds, cpu)
    first = case.counter.answer(Incidents(limit=3))
    second = case.counter.answer(Incidents(limit=3, cursor=first.cursor))
    began = [one.started_at for one in (*first.incidents, *second.incidents)]
    assert len(began) == 5
    assert began == sorted(began, reverse=True)
    assert second.cursor == ""
    with pytest.raises(Objected, match="'rubbish' is no cursor"):
        case.counter.answer(Incidents(limit=3, cursor="rubbish"))


def test_questions_travel_as_bytes(memory: Memory) -> None:
    case = Case(memory)
    case.burns()
    question = Alarms("host/web-1")
    answer = read_answer(question, case.counter.answered(pack_question(question)))
    assert [(one.rule, one.state) for one in answer.alarms] == [("cpu", "firing")]
    asked = Acknowledge("nothing", "ben")
    with pytest.raises(Unanswered, match="no incident"):
        read_answer(asked, case.counter.answered(pack_question(asked)))
    with pytest.raises(Unanswered, match="not understood"):
        read_answer(question, case.counter.answered(b"\xc1"))


def test_decisions_are_bounded(memory: Memory) -> None:
    case = Case(memory)
    for turn in range(1, 41):
        case.says(turn * 10, 95 if turn % 2 else 10)
    case.room.sweep(at(500), decisions=10**15, each=7, incidents=10**15)
    with memory.reading() as txn:
        assert sum(key.startswith("host/web-1\0cpu") for key, _ in txn.items("decisions")) == 7


def test_reasons_of_one_instant_all_have_a_place_and_are_kept_once(memory: Memory) -> None:
    case = Case(memory)
    case.burns()
    case.says(61, 95)
    case.says(62, 95)
    steps = case.chain().steps
    assert [step.verdict for step in steps] == ["pending", "firing", "told"]
    assert len({step.at for step in steps}) == 3


def test_what_is_pending_says_why_and_for_how_long_whatever_was_heard_since(memory: Memory) -> None:
    case = Case(memory)
    for seconds in (10, 20, 30):
        case.says(seconds, 95)
    case.now = 35
    (one,) = case.counter.answer(Alarms()).alarms
    assert one.reason == "cpu.percent is 95 %, above 90 %, for 25s of 30s"

    case.says(40, 96)
    case.says(50, 97)
    (one,) = case.counter.answer(Alarms()).alarms
    assert one.reason == "cpu.percent is 96 %, above 90 %, since 30s"


def test_a_silence_is_as_long_as_it_is_by_now_and_not_as_when_it_fired(memory: Memory) -> None:
    case = Case(memory)
    case.passes(61)
    case.now = 3600
    assert {one.subject: one.value for one in case.counter.answer(Alarms()).alarms} == {"gw": 3600.0, "web-1": 3600.0}


@pytest.mark.parametrize(
    ("matches", "strange"),
    [
        (("web-*",), ""),
        (("host/web-1", "severity=info"), ""),
        (("shop", "rule=cp*"), ""),
        (("wbe-1",), "; nothing that is known now matches wbe-1 (did you mean web-1?)"),
        (("web-1", "rule=dsk*"), "; nothing that is known now matches rule=dsk*"),
        (("role=db",), "; nothing that is known now matches role=db"),
        (
            ("wbe-1", "rule=cup"),
            "; nothing that is known now matches wbe-1 (did you mean web-1?), rule=cup (did you mean cpu?)",
        ),
    ],
)
def test_a_silence_of_something_that_nobody_knows_is_kept_and_says_so(
    memory: Memory, matches: tuple[str, ...], strange: str
) -> None:
    case = Case(memory)
    done = case.counter.answer(AddSilence("anna", "new disk", at(1800), matches))
    assert done.text == f"silence {done.id} holds until 12:30Z{strange}"


def test_a_silent_host_does_not_recover_because_the_alerter_starts_anew(tmp_path: Path) -> None:
    told: list[str] = []
    for life, (began, heard, until) in enumerate([(-1, (0.0,), 300), (310, (), 500), (510, (520.0,), 530)]):
        kept = Memory(tmp_path / "alerter")
        world = World(*in_force([]), hosts=[Host(name="web-1"), Host(name="never")], began=began)
        room, _, teller = committer(world, kept)
        room.restore(at(began))
        if life:
            world.judge.known("host", "web-1", at(0), at(began))
        for seconds in heard:
            world.says(seconds)
        world.judge.advance(at(until))
        room.settle(at(until))
        told += [
            f"{one.state} {one.reason}"
            for _, one in teller.told
            if isinstance(one, Alert) and one.rule == "host-silent"
        ]
        kept.close()
    assert [one.partition(" ")[0] for one in told] == ["firing", "firing", "quiet"], told
