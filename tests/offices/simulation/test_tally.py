from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shouban.core.obligations import Allow, Block, Escalate, Obligation, Remind, WakeAt
from shouban.core.signals import SIGNALS, UNKNOWN, Level, Reading
from shouban.offices.simulation.model import LEVELS, Evidence, Ledger, Report, RuleName, Run
from shouban.offices.simulation.tally import MAX_BAD_KEPT, MAX_BINS, Bins, Tally, Turn, report_of

AT = datetime(2026, 8, 3, 2, 0, tzinfo=UTC)
RUN = Run("cn", "0" * 64, "法", "law", AT, 2.0, 100.0)
RULES = {name: RuleName("第一条", "规则", "rule") for name in ("r1", "r2", "r3")}

readings = st.builds(
    Reading, signal=st.sampled_from(sorted(SIGNALS)), level=st.sampled_from([*list(Level)[1:], UNKNOWN]), score=st.just(0.5),
    detector=st.just("d"), version=st.just("1"),
)  # fmt: skip
because = st.lists(st.sampled_from(sorted(RULES)), min_size=1, unique=True).map(tuple)
obligations = st.one_of(
    st.builds(Allow),
    st.builds(Escalate, reason=st.just("crisis"), because=because),
    st.builds(Block, template=st.just("t"), because=because),
    st.builds(Remind, template=st.just("t"), topic=st.just("t"), because=because),
    st.builds(WakeAt, key=st.just("k"), wake_at=st.just(AT), because=because),
)
turns = st.builds(
    Turn, role=st.sampled_from(["user", "companion", "system", ""]), at=st.just(AT),
    readings=st.lists(readings, max_size=4).map(tuple), owed=st.lists(obligations, max_size=3).map(tuple),
)  # fmt: skip


def told(conversations: Sequence[Sequence[Turn]]) -> Report:
    tally = Tally()
    for place, turns_of_one in enumerate(conversations):
        tally.add(f"c{place}", turns_of_one, is_timed=True)
    return report_of(tally, RUN, RULES, Ledger(), Evidence(is_whole=True, entries=0))


@given(st.lists(st.lists(turns, max_size=6), max_size=5))
def test_all_totals_add_up(conversations: list[list[Turn]]) -> None:
    report = told(conversations)
    everything = [turn for one in conversations for turn in one]
    duties = [duty for turn in everything for duty in turn.duties]
    assert report.totals.conversations == len(conversations)
    assert report.totals.messages == sum(report.totals.by_role.values()) == sum(bool(turn.role) for turn in everything)
    assert report.totals.readings == sum(len(turn.readings) for turn in everything)
    assert report.totals.owed == sum(one.count for one in report.owed) == len(duties)
    assert sum(one.count for one in report.rules) == sum(len(duty.because) for duty in duties)
    assert all(sum(one.owed.values()) == one.count >= one.conversations > 0 for one in report.rules)
    assert all(sum(one.levels.values()) == one.messages for one in report.seen)
    assert sum(one.messages for one in report.timeline.bins) == report.totals.messages
    assert report.alarms.messages == sum(turn.is_alarm for turn in everything)


@given(st.lists(st.lists(turns, max_size=6), max_size=5))
def test_every_example_is_a_conversation_in_which_it_happened(conversations: list[list[Turn]]) -> None:
    for one in told(conversations).owed:
        turns_of_one = conversations[int(one.example[1:])]
        assert one.obligation in {type(duty).__name__ for turn in turns_of_one for duty in turn.duties}


def reading(signal: str, level: Level | str) -> Reading:
    return Reading(signal, level, 0.5, "d", "1")  # type: ignore[arg-type]  # `unknown` is a level too


def turn(*found: Reading, owed: tuple[Obligation, ...] = ()) -> Turn:
    return Turn("user", AT, found, owed)


def test_of_one_signal_in_a_message_the_strongest_level_counts_and_unknown_is_more_than_none() -> None:
    report = told(
        [
            [
                turn(reading("crisis", Level.LOW), reading("crisis", Level.SEVERE), reading("crisis", UNKNOWN)),
                turn(reading("crisis", UNKNOWN)),
            ]
        ]
    )
    (crisis,) = report.seen
    assert crisis.levels == {level: {"severe": 1, "unknown": 1}.get(level, 0) for level in LEVELS}


def test_a_message_in_which_nothing_was_read_is_no_alarm_whatever_is_still_owed() -> None:
    block = Block(template="t", because=("r1",))
    assert told([[turn(owed=(block,)), turn(reading("crisis", Level.HIGH), owed=(block,))]]).alarms.messages == 1


def test_no_input_gives_a_report_of_nothing() -> None:
    report = told([])
    assert (report.totals.messages, report.alarms.per_1000, report.timeline.bins) == (0, 0.0, ())


@given(st.lists(st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC)), max_size=50))  # noqa: DTZ001  # Hypothesis adds the zone itself
def test_the_timeline_counts_every_message(times: list[datetime]) -> None:
    bins = Bins()
    for at in times:
        bins.add(at, is_alarm=at.day % 2 == 0)
    timeline = bins.timeline()
    assert sum(one.messages for one in timeline.bins) == len(times)
    assert sum(one.alarms for one in timeline.bins) == sum(at.day % 2 == 0 for at in times)


def test_the_timeline_grows_coarser_and_never_long() -> None:
    bins = Bins()
    for day in range(0, 30_000, 10):
        bins.add(AT.replace(year=1971) + timedelta(days=day), is_alarm=False)
    assert bins.unit == "year"
    assert len(bins.messages) <= MAX_BINS
    assert sum(bins.messages.values()) == 3_000


def test_bad_lines_are_all_counted_and_the_first_are_kept() -> None:
    tally = Tally()
    for number in range(MAX_BAD_KEPT + 5):
        tally.refuse(number, "why")
    assert (tally.bad, len(tally.bad_lines)) == (MAX_BAD_KEPT + 5, MAX_BAD_KEPT)
