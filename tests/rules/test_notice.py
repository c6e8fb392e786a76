"""The monthly notice: its numbers are the evaluation's, its cases those that the logs show, its PDF reads back."""

from __future__ import annotations

import io
import re

from pypdf import PdfReader

from contracts.bends import CoordinationOutcome, CoordinationResult
from contracts.city import Tally
from contracts.envelope import Mode
from contracts.messages import Return, ReturnReason
from hub.awaiting import SUPERVISION
from hub.console.notice_page import alone
from hub.decide.reminding import STEP_OF
from hub.evaluation import By, CaseLog, Evaluation, evaluate
from hub.evaluation.notable import Notable, Why, notable
from hub.evaluation.notice import Material, Notice, counted, notice, rate, tally
from hub.facts import Reminded, Wait
from hub.notice_pdf import pdf
from tests.builders import LEAD, UNCLEAR, quzhou
from tests.journeys import Journey, local
from tests.rules.test_evaluation import DIRECTORY, FORMULA, NOVEMBER, ZONE, in_time, late, logs, never
from tests.values import replace

KNOWN = local("2026-12-01 09:00")
SPAN = NOVEMBER.span(ZONE)
BACK = Return(reason_code=ReturnReason.NOT_RESPONSIBLE, reason="非本单位管养")


def supervised(journey: Journey, at: str) -> Journey:
    """The timekeeper put it under supervision."""
    fact = Reminded(Wait.HANDLING, LEAD, journey.now)
    last = journey.log[-1]
    moment = local(at)
    journey.log.append(replace(last, sequence=last.sequence + 1, step=STEP_OF[SUPERVISION], fact=fact, known_at=moment))
    return journey


def returned(times: int) -> Journey:
    """Sent back by one unit after the other, each fixed in coordination."""
    journey, lead = Journey.begun("2026-11-23 09:00"), LEAD
    for n, other in enumerate(["power", "telecom", "mobile"][:times]):
        journey.unit(f"2026-11-23 1{n}:00", BACK, lead)
        settled = CoordinationResult(outcome=CoordinationOutcome.ASSIGNED, unit_id=other, reason="查实")
        journey.centre(f"2026-11-23 1{n}:30", settled)
        lead = other
    return journey


def named(journey: Journey, at: str = "2026-12-01 00:00") -> list[Notable]:
    return notable(CaseLog("330800-20261123-000001", journey.log), SPAN, local(at), 3)


def evaluations(told: list[CaseLog]) -> tuple[Evaluation, Evaluation]:
    formula = counted(FORMULA)
    units, collectors = (evaluate(told, DIRECTORY, NOVEMBER, formula, by=by) for by in (By.UNIT, By.COLLECTOR))
    return units, collectors


def a_notice() -> tuple[Notice, Evaluation]:
    told = logs(in_time(), late(), supervised(never(), "2026-11-24 09:00"), returned(3))
    units, collectors = evaluations(told)
    found = [each for log in told for each in notable(log, SPAN, units.at, 3)]
    return notice(Material(quzhou(), units, collectors, found, KNOWN)), units


def test_what_is_counted_besides_changes_no_score_and_no_rank() -> None:
    told = logs(in_time(), late(), never())
    plain = evaluate(told, DIRECTORY, NOVEMBER, FORMULA)
    units, _ = evaluations(told)
    assert [(row.key, row.score, row.rank) for row in plain.rows] == [
        (row.key, row.score, row.rank) for row in units.rows
    ]


def test_the_sentences_tell_the_citys_totals() -> None:
    made, units = a_notice()
    total = units.total
    assert made.title == "衢州市城市管理月度通报" and made.subtitle.startswith("2026年11月  ")
    said = "".join(made.opening)
    for name, word in (
        (Tally.REPORTED, "上报{}件"),
        (Tally.ACCEPTED, "受理{}件"),
        (Tally.DISPATCHED, "派遣{}件次"),
        (Tally.DUE, "应处置{}件次"),
        (Tally.HANDLED, "处置{}件次"),
        (Tally.CLOSED, "结案{}件"),
        (Tally.REWORKED, "返工{}件次"),
    ):
        assert word.format(tally(total, name)) in said
    for figure, word in (("on_time_rate", "按期处置率"), ("closing_rate", "结案率"), ("acceptance_rate", "立案率")):
        assert f"{word}{total.figure(figure).shown}" in said


def test_a_row_of_the_table_is_the_units_row_of_the_evaluation() -> None:
    made, units = a_notice()
    row = units.row(LEAD)
    assert row is not None
    (cells,) = (
        cells for section in made.sections if section.table for cells in section.table.rows if cells[1] == "市住建局"
    )
    assert cells == (
        str(row.rank), "市住建局", str(int(row.figure("dispatched").numerator)), str(int(row.figure("due").numerator)),
        str(int(row.figure("handled").numerator)), row.figure("handling_rate").shown, row.figure("on_time_rate").shown,
        str(int(row.figure("overdue").numerator)), str(int(row.figure("handled_late").numerator)),
        str(int(row.figure("rework_rate").numerator)), str(int(row.figure("second_dispatched").numerator)),
        cells[-1],
    )  # fmt: skip
    assert row.score is not None and abs(float(cells[-1]) - float(row.score)) <= 0.005
    assert rate(row, Tally.HANDLED, Tally.DUE) == row.figure("handling_rate").shown


def test_supervised_cases_are_named_with_the_unit() -> None:
    (found,) = named(supervised(never(), "2026-11-24 09:00"))
    assert (found.why, found.units, found.times) == (Why.SUPERVISED, (LEAD,), 1)
    assert named(supervised(never(), "2026-12-01 09:00"), "2026-12-02 00:00") == []


def test_a_return_chain_is_named_with_its_units_in_turn() -> None:
    assert not [each for each in named(returned(2)) if each.why is Why.RETURN_CHAIN]
    (found,) = (each for each in named(returned(3)) if each.why is Why.RETURN_CHAIN)
    assert found.units == (LEAD, "power", "telecom") and found.times == 3


def test_a_coordination_is_named_once_its_limit_is_over() -> None:
    journey = Journey.begun("2026-11-23 09:00", UNCLEAR)
    assert named(journey, "2026-11-23 15:00") == []
    (found,) = named(journey, "2026-11-25 09:00")
    assert found.why is Why.COORDINATION_LATE
    settled = CoordinationResult(outcome=CoordinationOutcome.ASSIGNED, unit_id="telecom", reason="查实")
    assert named(Journey.begun("2026-11-23 09:00", UNCLEAR).centre("2026-11-23 10:00", settled)) == []


def test_no_drill_is_named() -> None:
    journey = supervised(never(), "2026-11-24 09:00")
    journey.log = [replace(entry, mode=Mode.DRILL) for entry in journey.log]
    assert named(journey) == []


def test_the_pdf_reads_back_with_embedded_glyphs() -> None:
    made, units = a_notice()
    reader = PdfReader(io.BytesIO(pdf(made)))
    assert len(reader.pages) <= 2
    # How far glyphs stand apart is the reader's guess.
    text = re.sub(r"[\s\x00]", "", "".join(page.extract_text() for page in reader.pages))
    assert made.title in text and "2026年11月" in text
    for paragraph in made.opening:
        assert paragraph in text
    assert f"按期处置率{units.total.figure('on_time_rate').shown}" in text
    row = units.row(LEAD)
    assert row is not None
    assert f"市住建局{int(row.figure('dispatched').numerator)}{int(row.figure('due').numerator)}" in text
    assert "第1版" in text and "--known-at2026-12-01T09:00:00+08:00" in text
    fonts = reader.pages[0]["/Resources"]["/Font"]
    for font in fonts.values():
        (kind,) = font.get_object()["/DescendantFonts"]
        assert "/FontFile3" in kind.get_object()["/FontDescriptor"]


def test_the_page_that_stands_alone_asks_for_nothing() -> None:
    made, _ = a_notice()
    page = alone(made)
    assert made.title in page and made.opening[0] in page
    assert not re.search(r"(src|href)=", page)
