"""The parts a memo is made of, and the page they become: HTML always, PDF with ``report``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from qupel.errors import InputError
from qupel.reports.render import has_renderer, to_data_uri, to_svg


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with its caption; ``alt`` says in words what it shows."""

    uri: str
    caption: str
    alt: str


@dataclass(frozen=True, slots=True)
class Column:
    """Head of a table column; numbers stand to the right."""

    name: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A table row of texts; the chosen one stands out."""

    cells: tuple[str, ...]
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a note below."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A headed part: paragraphs, then figures, tables, points, and a command to copy."""

    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    items: tuple[str, ...] = ()
    command: str = ""


@dataclass(frozen=True, slots=True)
class VerdictBox:
    """The verdict as it stands on top: one word, one sentence."""

    word: str
    sentence: str

    @property
    def css(self) -> str:
        """Class that colours the box."""
        return self.word if self.word in {"keep", "iterate", "stop"} else "other"


@dataclass(frozen=True, slots=True)
class Part:
    """One of the six things a leader needs to know."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """A whole memo."""

    title: str
    decision: str
    byline: str
    verdict: VerdictBox
    parts: tuple[Part, ...]
    sections: tuple[Section, ...]


def drawn(spec: dict[str, Any], caption: str, alt: str) -> tuple[Figure, ...]:
    """The figure of a specification; nothing where the extra ``report`` is missing."""
    if not has_renderer():
        return ()
    return (Figure(to_data_uri(to_svg(spec)), caption, alt),)


def to_html(page: Page) -> str:
    """The memo as one self-contained page that loads nothing from anywhere."""
    return str(_template().render(memo=page))


def to_pdf(html: str) -> bytes:
    """The page as PDF.

    Raises
    ------
    InputError
        If the extra ``report`` or the library pango is missing.
    """
    try:
        from weasyprint import HTML
    except ImportError as error:
        raise InputError('PDF needs the extra "report": pip install "qupel[report]"') from error
    except OSError as error:
        raise InputError(
            "PDF needs the system library pango (Debian: libpango-1.0-0 libpangoft2-1.0-0)"
        ) from error
    pdf: bytes = HTML(string=html).write_pdf()
    return pdf


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("qupel.reports"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("memo.html.j2")


def table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, chosen: int = -1, note: str = ""
) -> Table:
    """A table whose columns named with a leading ``#`` hold numbers."""
    return Table(
        tuple(Column(name.lstrip("#"), name.startswith("#")) for name in columns),
        tuple(Row(tuple(row), index == chosen) for index, row in enumerate(rows)),
        note,
    )
