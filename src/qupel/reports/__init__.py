"""Reports: charts and the decision memo."""

from qupel.reports.brief import Brief, Picture
from qupel.reports.memo import memo
from qupel.reports.page import Page, to_html, to_pdf
from qupel.reports.render import to_png, to_svg

__all__ = ["Brief", "Page", "Picture", "memo", "to_html", "to_pdf", "to_png", "to_svg"]
