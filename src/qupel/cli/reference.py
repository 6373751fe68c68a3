"""The command line as a page of the documentation, from the commands themselves."""

from __future__ import annotations

from typing import Any

import typer

from qupel.cli.exits import MEANINGS
from qupel.cli.main import app


def command_page() -> str:
    """Every command, argument, option and exit code as Markdown."""
    root: Any = typer.main.get_command(app)
    context = root.make_context("qupel", [], resilient_parsing=True)
    lines = [
        "# Command line",
        "",
        "Results go to stdout, progress and errors to stderr. With `--json` a command prints one "
        "JSON document and nothing else on stdout.",
        "",
    ]
    for name in root.list_commands(context):
        lines += _command(root.get_command(context, name), name, context, "qupel")
    lines += ["## Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += [f"| {int(code)} | {meaning} |" for code, meaning in MEANINGS.items()]
    return "\n".join(lines) + "\n"


def _command(command: Any, name: str, context: Any, before: str) -> list[str]:
    """One command, or a group of commands and then each of them."""
    inner = command.make_context(name, [], parent=context, resilient_parsing=True)
    whole = f"{before} {name}"
    lines = [f"## {whole}", "", (command.help or "").strip(), ""]
    if hasattr(command, "list_commands"):
        for each in command.list_commands(inner):
            lines += _command(command.get_command(inner, each), each, inner, whole)
        return lines
    usage = " ".join(command.collect_usage_pieces(inner))
    lines += ["```text", f"{whole} {usage}", "```", ""]
    rows = [row for part in command.get_params(inner) if (row := _row(part, inner))]
    return lines + (["| argument or option | meaning |", "|---|---|", *rows, ""] if rows else [])


def _row(part: Any, context: Any) -> str:
    record = part.get_help_record(context)
    if record is None or "--help" in record[0]:
        return ""
    names, meaning = (" ".join(text.split()).replace("|", "\\|") for text in record)
    return f"| `{names}` | {meaning} |"


def families_table() -> str:
    """Families by solvers as a Markdown table, from the registry."""
    from qupel.problems.registry import families
    from qupel.solvers.registry import implementations, solver_points, takes

    kinds = ("classical", "inspired", "quantum", "hybrid")
    names = {
        kind: [n for n in solver_points() if implementations(n)[0].kind == kind] for kind in kinds
    }
    lines = ["| family | " + " | ".join(kinds) + " |", "|---" * (1 + len(kinds)) + "|"]
    for name, family in families().items():
        cells = [", ".join(n for n in names[kind] if takes(n, family)) or "–" for kind in kinds]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
