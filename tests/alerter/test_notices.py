"""When there is a reason to speak, and to whom; random histories of an alarm never break the promises."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from alerter.incidents import Acknowledgement, Hold, Incident
from alerter.letters import Told
from alerter.notices import Decided, Reason, decide, noted
from alerter.routes import Notify, Route, Routes, Step, routes
from bus.messages import DRILL
from tests.alerter.shapes import NOON, SECOND, acknowledged, burning, over

HOUR = 3600 * SECOND
SILENCE = Hold("silence", "silenced by anna until 13:00: new disk", NOON + HOUR)
WAYS = Routes(
    channels={"ops": Route(), "pager": Route("critical"), "boss": Route(), "spare": Route()},
    default=("ops", "pager"),
    reminder=4 * HOUR,
    steps=((HOUR // 4, ("boss",)),),
)


@dataclass
class Story:
    """One incident through time, with what was told of it."""

    ways: Routes = WAYS
    told: dict[str, Told] = field(default_factory=dict)
    said: list[tuple[str, str]] = field(default_factory=list)

    def at(self, incident: Incident, now: int = NOON, *holds: Hold) -> Decided:
        decided = decide(incident, holds, self.told, self.ways, now)
        for intent in decided.intents:
            self.told[intent.channel] = noted(self.told.get(intent.channel), intent, incident, now)
            self.said.append((intent.about, intent.channel))
        return decided


def test_the_first_notice_goes_to_the_default_channels_and_only_once() -> None:
    story = Story()
    story.at(burning())
    again = story.at(burning(), NOON + SECOND)

    assert story.said == [("alarm", "ops")]
    assert again.intents == ()


def test_a_rule_that_names_channels_tells_those() -> None:
    story = Story()
    story.at(burning(channels=("boss",)))
    assert story.said == [("alarm", "boss")]


def test_a_grave_alarm_reaches_those_who_hear_of_grave_ones_only() -> None:
    story = Story()
    story.at(burning(severity="critical"))
    assert story.said == [("alarm", "ops"), ("alarm", "pager")]


def test_the_recovery_goes_exactly_to_those_who_got_the_alarm() -> None:
    story = Story()
    story.at(burning())
    # Meanwhile the configuration names others: they know of no alarm and hear of no end.
    story.ways = replace(WAYS, default=("boss", "spare"))
    story.at(over(burning()), NOON + HOUR)
    assert story.at(over(burning()), NOON + 2 * HOUR) == Decided((), ())
    assert story.said == [("alarm", "ops"), ("recovery", "ops")]


def test_a_hold_says_why_nobody_is_told_and_its_end_tells_when_the_alarm_still_burns() -> None:
    story = Story()
    held = story.at(burning(), NOON, SILENCE)
    assert held.intents == ()
    assert held.reasons[0].verdict == "held_by_silence"
    assert "anna" in held.reasons[0].text

    story.at(burning(), NOON + HOUR)
    assert story.said == [("alarm", "ops")]


def test_an_alarm_that_came_and_went_while_held_is_told_to_nobody_and_says_so() -> None:
    story = Story()
    story.at(burning(), NOON, SILENCE)
    gone = story.at(over(burning()), NOON + 60 * SECOND, SILENCE)
    assert story.said == []
    assert gone.reasons[0].verdict == "came_and_went"
    assert "anna" in gone.reasons[0].text


def test_a_hold_does_not_hold_back_the_recovery_of_what_was_told() -> None:
    story = Story()
    story.at(burning())
    story.at(over(burning()), NOON + 60 * SECOND, SILENCE)
    assert story.said == [("alarm", "ops"), ("recovery", "ops")]


def test_reminders_come_until_somebody_acknowledges() -> None:
    story = Story(replace(WAYS, steps=()))
    story.at(burning())
    story.at(burning(), NOON + 4 * HOUR - 1)
    story.at(burning(), NOON + 4 * HOUR)
    story.at(burning(), NOON + 8 * HOUR)
    story.at(acknowledged(burning()), NOON + 9 * HOUR)
    story.at(acknowledged(burning()), NOON + 24 * HOUR)
    story.at(over(acknowledged(burning())), NOON + 25 * HOUR)

    assert [about for about, _ in story.said] == ["alarm", "reminder", "reminder", "acknowledged", "recovery"]


def test_whom_it_concerns_no_more_is_not_reminded_and_hears_that_it_is_over() -> None:
    story = Story()
    story.at(burning())
    moved = burning(channels=("spare",))
    story.at(moved, NOON + SECOND)
    story.at(moved, NOON + 5 * HOUR)
    story.at(over(moved))
    assert story.said == [
        ("alarm", "ops"),
        ("alarm", "spare"),
        ("escalation", "boss"),
        ("reminder", "spare"),
        ("recovery", "ops"),
        ("recovery", "spare"),
        ("recovery", "boss"),
    ]


def test_who_was_told_is_reminded_where_it_concerns_nobody_else_any_more() -> None:
    story = Story(replace(WAYS, steps=()))
    story.at(burning())
    story.at(burning(channels=("pager",)), NOON + 5 * HOUR)
    assert story.said == [("alarm", "ops"), ("reminder", "ops")]


def test_who_was_told_in_place_of_another_is_reminded_too() -> None:
    story = Story(
        replace(WAYS, channels={"ops": Route(fallback="spare"), "spare": Route()}, default=("ops",), steps=())
    )
    story.at(burning())
    story.told["spare"] = replace(story.told["ops"], channel="spare")
    story.at(burning(), NOON + 5 * HOUR)
    assert story.said == [("alarm", "ops"), ("reminder", "ops"), ("reminder", "spare")]


def test_escalation_waits_its_time_and_ends_with_an_acknowledgement() -> None:
    story = Story()
    story.at(burning())
    story.at(burning(), NOON + HOUR // 4 - 1)
    assert ("escalation", "boss") not in story.said
    story.at(burning(), NOON + HOUR // 4)
    assert story.said[-1] == ("escalation", "boss")
    story.at(over(burning()), NOON + HOUR)
    assert story.said[-2:] == [("recovery", "ops"), ("recovery", "boss")]

    other = Story()
    other.at(burning())
    other.at(acknowledged(burning()), NOON + HOUR)
    assert other.said == [("alarm", "ops"), ("acknowledged", "ops")]


def test_without_channels_the_reason_says_so() -> None:
    assert Story(routes(Notify(), {})).at(burning()).reasons[0].verdict == "no_channel"
    grave = burning(channels=("pager",))
    assert Story().at(grave).reasons == (Reason("not_severe_enough", "pager is told of graver alarms only"),)


def test_channels_that_are_fallbacks_or_later_steps_are_no_default() -> None:
    channels = {"ops": Route(fallback="spare"), "spare": Route(), "boss": Route()}
    ways = routes(Notify(escalate=(Step(900.0, ("boss",)),)), channels)
    assert ways.default == ("ops",)
    assert ways.fallback("ops") == "spare"


def test_a_decision_says_whom_it_tells_and_why_nobody_else() -> None:
    story = Story()
    assert story.at(burning()).reasons == (Reason("told", "told ops"),)
    both = Story(replace(WAYS, default=("ops", "boss")))
    assert both.at(burning()).reasons == (Reason("told", "told ops and boss"),)
    assert both.at(over(burning())).reasons[0].text == "told ops and boss, who had been told of the alarm"
    quiet = story.at(acknowledged(burning()), NOON + SECOND)
    assert [reason.verdict for reason in quiet.reasons] == ["acknowledged"]


def test_a_hub_without_channels_and_one_without_default_channels_say_what_to_set() -> None:
    assert "no [channels.NAME] is configured" in Story(Routes({}, ())).at(burning()).reasons[0].text
    assert "[notify] channels is empty" in Story(replace(WAYS, default=())).at(burning()).reasons[0].text


def test_without_reminders_nothing_is_due_once_everybody_was_told() -> None:
    story = Story(replace(WAYS, reminder=0, steps=()))
    story.at(burning())
    assert story.at(burning(), NOON + 1000 * HOUR).intents == ()


def test_a_drill_tells_its_channels_whatever_their_severity_and_nobody_later() -> None:
    story, drill = Story(), burning(subject=DRILL, kind="hub", severity="info", channels=("pager",))
    story.at(drill)
    story.at(drill, NOON + 100 * HOUR)
    assert story.said == [("drill", "pager")]


def test_a_channel_of_two_steps_that_are_due_is_told_once() -> None:
    story = Story(replace(WAYS, steps=((HOUR, ("boss",)), (2 * HOUR, ("boss", "spare")))))
    story.at(burning())
    story.at(burning(), NOON + 2 * HOUR)
    assert story.said == [("alarm", "ops"), ("escalation", "boss"), ("escalation", "spare")]


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["wait", "hold", "free", "acknowledge", "graver", "milder", "elsewhere", "end"]),
        st.integers(0, 6 * 3600),
    ),
    max_size=25,
)


@settings(max_examples=300)
@given(MOVES)
def test_whatever_happens_the_promises_hold(moves: list[tuple[str, int]]) -> None:
    story, incident, now = Story(), burning(), NOON
    holds: tuple[Hold, ...] = ()
    told_at: dict[str, set[int]] = {}
    for move, seconds in moves:
        now += seconds * SECOND
        if incident.firing:
            if move == "acknowledge":
                incident = replace(incident, acknowledged=Acknowledgement("anna", now))
            elif move in ("graver", "milder"):
                incident = replace(incident, severity="critical" if move == "graver" else "info")
            elif move == "elsewhere":
                incident = replace(incident, channels=() if incident.channels else ("spare", "pager"))
            elif move == "end":
                incident = over(incident, now)
        holds = (SILENCE,) if move == "hold" else () if move == "free" else holds
        before = dict(story.told)
        decided = story.at(incident, now, *holds)
        for intent in decided.intents:
            known = before.get(intent.channel)
            if intent.about in ("alarm", "escalation"):
                assert known is None, "an alarm goes first"
                told_at.setdefault(intent.channel, set()).add(incident.transition)
            else:
                assert intent.channel in told_at, f"{intent.about} without an alarm"
                assert known is None or known.open, f"{intent.about} after the recovery"
            if intent.about in ("reminder", "escalation"):
                assert incident.acknowledged is None
            assert intent.about == "recovery" or not holds
        assert decide(incident, holds, story.told, WAYS, now).intents == (), "what was said is not said again"
    ended = decide(over(incident, now) if incident.firing else incident, (SILENCE,), story.told, WAYS, now)
    for intent in ended.intents:
        story.told[intent.channel] = noted(story.told[intent.channel], intent, incident, now)
    assert not [name for name, one in story.told.items() if one.open], "every alarm has its recovery, held or not"
