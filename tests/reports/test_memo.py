"""The memo of every decision, as a page and on paper."""

from __future__ import annotations

import base64
import re
import sys
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from qupel.benchmarks import Comparison
from qupel.benchmarks.conclusions import Decision
from qupel.reports import Picture, memo, to_html, to_pdf
from tests.reports.constructed import BENCHES, BRIEF, HOSTILE, hostile
from tests.reports.test_charts import SPECS

PARTS = (
    "Where quantum would fit",
    "Baseline",
    "Success criterion",
    "Fallback",
    "Time and cost",
    "Go or no-go",
)
NAMES = [*BENCHES, "hostile"]


@cache
def comparison(name: str) -> Comparison:
    return hostile() if name == "hostile" else BENCHES[name].compared()


@cache
def html(name: str) -> str:
    return to_html(memo(BRIEF, comparison(name)))


class Elements(HTMLParser):
    """Tags with their attributes, and what stands between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def pictures(self) -> list[str]:
        """Every drawing of the page as SVG text."""
        uris = [attrs["src"] or "" for tag, attrs in self.tags if tag == "img"]
        return [base64.b64decode(uri.split(",")[1]).decode() for uri in uris]


def test_every_decision_has_a_memo() -> None:
    decisions = {str(comparison(name).verdict.decision) for name in BENCHES}
    assert decisions == {str(decision) for decision in Decision}
    for decision in decisions:
        assert comparison(decision).verdict.decision == decision


@pytest.mark.parametrize("name", NAMES)
def test_memo_has_verdict_and_six_parts(name: str) -> None:
    verdict = comparison(name).verdict
    text = Elements(html(name)).text
    assert str(verdict.decision) in text
    assert verdict.sentence in text
    page = memo(BRIEF, comparison(name))
    assert tuple(part.name for part in page.parts) == PARTS
    assert all(part.text.endswith(".") for part in page.parts)
    assert not re.search(r"\bNone\b(?! (is|that))|\bnan\b|\binf\b", text)


@pytest.mark.parametrize("name", NAMES)
def test_memo_loads_nothing_from_anywhere(name: str) -> None:
    elements = Elements(html(name))
    for tag, attrs in elements.tags:
        assert tag not in {"script", "link", "iframe", "object", "embed"}
        assert all(not key.startswith("on") for key in attrs)
    sources = [attrs["src"] for tag, attrs in elements.tags if tag == "img"]
    assert all(source and source.startswith("data:image/svg+xml;base64,") for source in sources)
    for text in (html(name), *elements.pictures()):
        links = set(re.findall(r"https?://[^\s\"'<>)]+", text))
        assert links <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_drawn_whole(name: str) -> None:
    for svg in Elements(html(name)).pictures():
        root = ElementTree.fromstring(svg)  # noqa: S314  our own drawing
        assert root.tag.endswith("svg")
        assert float(root.attrib["width"]) < 1000
        assert float(root.attrib["height"]) < 1000
        assert "NaN" not in svg


def test_hostile_names_are_shown_and_do_nothing() -> None:
    elements = Elements(html("hostile"))
    assert HOSTILE in elements.text
    assert {tag for tag, _ in elements.tags} <= {
        "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "p", "section",
        "span", "dl", "dt", "dd", "figure", "img", "figcaption", "div", "table", "thead", "tbody",
        "tr", "th", "td", "ul", "li", "pre",
    }  # fmt: skip
    for svg in elements.pictures():
        assert "<script" not in svg


def test_no_winner_is_marked_where_arms_are_not_comparable() -> None:
    for name in ("not comparable", "blocked"):
        page = html(name)
        assert 'class="chosen"' not in page
        assert "They rank nothing." in page
        assert "Case by case" not in page
        assert "Quantum contribution" not in page


def test_equal_arms_are_told_in_words_rather_than_drawn() -> None:
    page = html("all equal and quick")
    assert "Both gave the same KPI in every case" in page
    assert "Arm and placebos gave the same KPI in every case" in page
    assert "Every run of every arm reached the best known answer" in page
    assert len(Elements(page).pictures()) == 2  # stages, and the time to target


def test_amendments_and_an_early_end_are_told() -> None:
    assert "Amended after the lock: the depot moved" in html("keep")
    assert "before every planned cell had run" in html("keep")


@pytest.mark.parametrize("name", ["keep", "blocked"])
def test_without_the_extra_the_tables_stand_and_the_memo_says_what_is_missing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    page = to_html(memo(BRIEF, comparison(name), [Picture(SPECS["stages"], "Day 1: 3 km.")]))
    elements = Elements(page)
    assert "img" not in {tag for tag, _ in elements.tags}
    assert 'pip install "qupel[report]"' in elements.text
    assert "Day 1: 3 km." in elements.text
    for head in ("Gap", "Primal integral", "End to end"):
        assert head in elements.text
    assert elements.text.count("pyvrp") > 3


def test_answers_are_shown_as_pictures_with_their_captions() -> None:
    with_picture = to_html(memo(BRIEF, comparison("keep"), [Picture(SPECS["stages"], "Day 1.")]))
    assert "The answer itself" in with_picture
    assert len(Elements(with_picture).pictures()) == len(Elements(html("keep")).pictures()) + 1


@cache
def sheets(name: str) -> list[Any]:
    """The boxes of each sheet of the memo on paper."""
    weasyprint = pytest.importorskip("weasyprint")
    return [sheet._page_box for sheet in weasyprint.HTML(string=html(name)).render().pages]


@pytest.mark.parametrize("name", ["keep", "hostile"])
def test_nothing_runs_over_the_edge_of_a_sheet(name: str) -> None:
    assert 3 <= len(sheets(name)) <= 7
    pictures = 0
    for sheet in sheets(name):
        edge = sheet.position_x + sheet.margin_left + sheet.width
        for part in sheet.descendants():
            if part.element_tag in {"table", "td", "th", "img", "pre", "p", "dd", "li"}:
                assert part.position_x + part.margin_width() <= edge + 0.5
                pictures += part.element_tag == "img"
    assert pictures == len(Elements(html(name)).pictures())


@pytest.mark.parametrize("name", ["keep", "hostile"])
def test_paper_says_what_the_page_says(name: str) -> None:
    paper = "".join(
        part.text for sheet in sheets(name) for part in sheet.descendants() if hasattr(part, "text")
    )
    page = memo(BRIEF, comparison(name))
    paragraphs = [page.verdict.sentence, *(part.text for part in page.parts)]
    for section in page.sections:
        paragraphs += [section.title, *section.text, *section.items]
        paragraphs += [cell for table in section.tables for row in table.rows for cell in row.cells]
    for paragraph in paragraphs:
        assert "".join(paragraph.split()) in "".join(paper.split()), paragraph


@pytest.mark.parametrize("name", ["stop", "blocked"])
def test_pdf_is_a_pdf(name: str) -> None:
    pytest.importorskip("weasyprint")
    pdf = to_pdf(html(name))
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 20_000


def test_an_arm_that_did_not_answer_itself_is_told() -> None:
    known = comparison("keep")
    silent = replace(
        known.summaries[0],
        feasible=replace(known.summaries[0].feasible, count=known.summaries[0].runs - 3),
        statuses={"answered": known.summaries[0].runs, "killed": 2},
        fallbacks=1,
    )
    page = to_html(memo(BRIEF, replace(known, summaries=(silent, *known.summaries[1:]))))
    assert f"did not answer 3 of its {silent.runs} runs itself (2 killed, 1 answered by" in page
