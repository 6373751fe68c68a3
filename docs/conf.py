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
]
myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Qupel"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
autodoc_typehints = "signature"
python_maximum_signature_line_length = 90
autodoc_member_order = "bysource"
napoleon_google_docstring = False
default_role = "py:obj"  # single backticks name something of ours


def setup(app):  # noqa: ANN001, ANN201, D103
    app.connect("builder-inited", write_generated_pages)
    app.connect("autodoc-process-signature", readable_signature)


def write_generated_pages(app) -> None:  # noqa: ANN001
    """Write the reference pages that come from the code itself."""
    from pathlib import Path

    from qupel.cli.reference import command_page
    from qupel.pilots.schema import fields_page

    folder = Path(app.srcdir) / "reference"
    (folder / "command-line.md").write_text(command_page(), encoding="utf-8")
    (folder / "pilot-file.md").write_text(fields_page(), encoding="utf-8")


def readable_signature(*event):  # noqa: ANN002, ANN201
    """Write default factories so that Sphinx can read the signature."""
    signature, returned = event[-2:]
    return signature and signature.replace("<factory>", "..."), returned
