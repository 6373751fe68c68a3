"""Sphinx configuration."""

from importlib.metadata import version as installed

project = "Qupel"
author = "The Qupel developers"
copyright = "2026, the Qupel developers"
version = release = installed("qupel")
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx.ext.mathjax",
]
myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Qupel"
autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
suppress_warnings = ["ref.python"]


def setup(app):  # noqa: ANN001, ANN201, D103
    app.connect("builder-inited", write_generated_pages)


def write_generated_pages(app) -> None:  # noqa: ANN001
    """Write the reference pages that come from the code itself."""
    from pathlib import Path

    from qupel.cli.reference import command_page
    from qupel.pilots.schema import fields_page

    folder = Path(app.srcdir) / "reference"
    (folder / "command-line.md").write_text(command_page(), encoding="utf-8")
    (folder / "pilot-file.md").write_text(fields_page(), encoding="utf-8")
