"""What the console says of deadlines: those of now, for whoever leads and whoever assists."""

from __future__ import annotations

from contracts.bends import (
    AssistanceRequest,
    ExtensionDecision,
    ExtensionRequest,
    Recall,
    Resumption,
    SuspensionDecision,
    SuspensionRequest,
)
from contracts.messages import Return, ReturnReason
from hub.console.asked import Asked
from hub.console.case_page import DispatchCard, case_page
from hub.console.overview_page import overview
from hub.console.phrases import Phrases
from hub.console.rendering import page
from hub.console.words import Language, texts
from hub.store.overview import Picture
from tests.builders import a_registry
from tests.journeys import DONE, ENFORCER, SAME_DAY, ZONE, Journey, directory_at, local

NOON = "2026-11-23 12:00"
HELP = AssistanceRequest(unit_id="power", reason="配合断电")


def a_journey() -> Journey:
    """Due on Tuesday at half past nine."""
    return Journey.begun("2026-11-23 09:00", SAME_DAY)


def said(now: str = NOON) -> Phrases:
    return Phrases(Language.ZH, ZONE, local(now), directory_at(local(now)), texts(Language.ZH))


def cards(journey: Journey, now: str = NOON) -> list[DispatchCard]:
    made = case_page(journey.case, journey.log, (), (), said(now))
    # Whatever the cards hold, the page can write it.
    around = {
        "city": "衢州市",
        "who": "",
        "credential": "",
        "other_language": "",
        "printed": said(now).exact(local(now)),
    }
    assert page("case.html", Language.ZH, case=made, **around).status_code == 200
    return list(made.dispatches)


def pressing(journey: Journey) -> str:
    """The deadline of the one case that the first page shows as pressing."""
    seen = Picture({}, {}, (), (), (), [journey.case])
    (line,) = overview(seen, (), Asked(), a_registry(), said(), rate=1.0).pressing
    assert line.due is not None
    return line.due.at.text


def test_a_deadline_is_the_one_of_now() -> None:
    journey = a_journey()
    (card,) = cards(journey)
    assert card.due.at.text == "11月24日 09:30"
    journey.unit("2026-11-23 10:00", ExtensionRequest(reason="待料", due_at=local("2026-11-25 17:00")), ENFORCER)
    journey.centre("2026-11-23 11:00", ExtensionDecision(granted=True, reason="同意"))
    (card,) = cards(journey)
    assert (card.due.at.text, card.due.span, card.ended) == ("11月25日 17:00", "还剩 2 天 5 小时", False)
    assert pressing(journey) == "11月25日 17:00"


def test_while_a_case_is_suspended_its_clocks_stand_and_then_go_on() -> None:
    journey = a_journey().centre("2026-11-23 09:30", HELP)
    journey.unit("2026-11-23 10:00", SuspensionRequest(reason="待料", review_at=local("2026-12-07 09:00")), ENFORCER)
    journey.centre("2026-11-23 11:00", SuspensionDecision(granted=True, reason="同意"))
    assert [card.stands for card in cards(journey)] == [True, True]
    journey.centre("2026-11-26 10:00", Resumption(reason="到料"))
    found = [(card.stands, card.due.at.text) for card in cards(journey, "2026-11-26 12:00")]
    assert found == [(False, "11月27日 09:30")] * 2


def test_who_assists_has_a_card_of_its_own_below_those_of_who_leads() -> None:
    journey = a_journey().centre("2026-11-23 10:00", HELP)
    lead, helper = cards(journey)
    assert (lead.unit, lead.assists, lead.in_force) == ("市综合执法局", False, True)
    assert (helper.unit, helper.assists, helper.in_force, helper.because) == ("市电力局", True, True, "配合断电")
    journey.unit("2026-11-23 11:00", DONE, "power")
    helper = cards(journey)[1]
    assert helper.answered_at is not None and helper.ended and not helper.in_force


def test_nobody_waits_for_what_was_given_back_or_taken_away() -> None:
    journey = a_journey().unit("2026-11-23 10:00", Return(reason_code=ReturnReason.OTHER, reason="x"), ENFORCER)
    (card,) = cards(journey, "2026-11-30 12:00")
    assert (card.ended, card.due.late, card.acknowledge_by.late, card.in_force) == (True, False, False, False)
    journey = a_journey().centre("2026-11-23 10:00", Recall(reason="x"))
    (card,) = cards(journey, "2026-11-30 12:00")
    assert (card.ended, card.due.late, card.recalled_at is not None) == (True, False, True)
