"""A notice as PDF: two A4 pages at most times, the glyphs it uses embedded, so that it looks alike everywhere."""

from __future__ import annotations

import io

from fpdf import FPDF
from fpdf.enums import WrapMode
from fpdf.fonts import FontFace
from pylopdf_fonts_zh_cn import sans_path, serif_path

from hub.evaluation.notice import Notice, Section, Table

SONG, HEI = "song", "hei"
"""As official documents have it: sentences in 宋体, headings and table heads in 黑体."""

GREY = 90
LINE = 200


def pdf(notice: Notice) -> bytes:
    """The document. Takes a second of the processor: not for the loop."""
    page = _Page(notice.title)
    page.add_page()
    page.set_font(HEI, size=20)
    page.multi_cell(0, 11, notice.title, align="C", new_x="LMARGIN", new_y="NEXT")
    page.set_font(SONG, size=10.5)
    page.multi_cell(0, 7, notice.subtitle, align="C", new_x="LMARGIN", new_y="NEXT")
    page.ln(2)
    for paragraph in notice.opening:
        page.paragraph(paragraph)
    for number, section in enumerate(notice.sections):
        _section(page, section, NUMERALS[number] if number < len(NUMERALS) else str(number + 1))
    page.ln(2)
    page.set_draw_color(LINE)
    page.line(page.l_margin, page.get_y(), page.w - page.r_margin, page.get_y())
    page.ln(1.5)
    page.set_text_color(GREY)
    for note in notice.notes:
        page.paragraph(f"注：{note}", size=8, height=4.4, indent="")
    out = io.BytesIO()
    page.output(out)
    return out.getvalue()


NUMERALS = "一二三四五六七八九十"


class _Page(FPDF):
    """A4 upright with a foot."""

    def __init__(self, title: str) -> None:
        super().__init__(format="A4")
        self.set_margins(18, 18, 18)
        self.set_auto_page_break(True, 18)
        self.add_font(SONG, "", serif_path())
        self.add_font(HEI, "", sans_path())
        self.set_title(title)
        self.set_lang("zh-CN")
        self.set_creator("CityHub")

    def footer(self) -> None:
        """The page's number."""
        self.set_y(-13)
        self.set_font(SONG, size=8)
        self.set_text_color(GREY)
        self.cell(0, 5, f"第 {self.page_no()} 页", align="C")
        self.set_text_color(0)

    def paragraph(self, text: str, *, size: float = 10.5, height: float = 6.2, indent: str = "　　") -> None:
        """Sentences, broken between any two characters as Chinese is."""
        self.set_font(SONG, size=size)
        self.multi_cell(0, height, indent + text, align="L", wrapmode=WrapMode.CHAR, new_x="LMARGIN", new_y="NEXT")


def _section(page: _Page, section: Section, number: str) -> None:
    # A heading does not stand alone at the foot of a page.
    if page.get_y() > page.h - 45:
        page.add_page()
    page.ln(2.5)
    page.set_font(HEI, size=12)
    page.multi_cell(0, 7.5, f"{number}、{section.heading}", align="L", new_x="LMARGIN", new_y="NEXT")
    for paragraph in section.paragraphs:
        page.paragraph(paragraph, size=9.5, height=5.4)
    if section.table is not None:
        _table(page, section.table)
    for paragraph in section.after:
        page.paragraph(paragraph, size=9, height=5.2, indent="")


def _table(page: _Page, table: Table) -> None:
    page.set_font(SONG, size=8.5)
    page.set_draw_color(LINE)
    with page.table(
        col_widths=tuple(column.width for column in table.columns),
        text_align=tuple("RIGHT" if column.numeric else "LEFT" for column in table.columns),
        headings_style=FontFace(family=HEI, emphasis=None, size_pt=8, fill_color=(236, 241, 246)),
        line_height=5,
        padding=(0.4, 0.8),
        wrapmode=WrapMode.CHAR,
        borders_layout="HORIZONTAL_LINES",
    ) as made:
        made.row([column.heading for column in table.columns])
        for row in table.rows:
            made.row(list(row))
