"""What health sees of decisions in columns of its own, and when a problem was last decided."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

#: Rows that are filled in at a time.
PAGE = 500

_decisions = sa.table(
    "decisions",
    *map(sa.column, ("number", "created", "problem_hash", "document", "tried", "on_time")),
    *map(sa.column, ("timed_out", "gain", "feasible_share", "measures")),
)
_inputs = sa.table("route_inputs", sa.column("hash"), sa.column("at"))


def upgrade() -> None:
    """Add the columns, and fill them in from what was written down."""
    for column in (
        sa.Column("tried", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("on_time", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("timed_out", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("gain", sa.Float, nullable=True),
        sa.Column("feasible_share", sa.Float, nullable=True),
        sa.Column("measures", sa.Text, nullable=False, server_default="{}"),
    ):
        op.add_column("decisions", column)
    op.add_column("route_inputs", sa.Column("at", sa.Float, nullable=False, server_default="0"))
    op.create_index("decisions_by_version", "decisions", ["route", "version", "number"])
    op.create_index("decisions_by_problem", "decisions", ["problem_hash", "route", "created"])
    has_job = sa.text("job != ''")
    op.create_index(
        "decisions_with_job",
        "decisions",
        ["route", "id"],
        sqlite_where=has_job,
        postgresql_where=has_job,
    )
    op.create_index("ix_route_inputs_at", "route_inputs", ["at"])
    _fill_in(op.get_bind())


def downgrade() -> None:
    """Drop the columns."""
    op.drop_index("ix_route_inputs_at", "route_inputs")
    for name in ("decisions_with_job", "decisions_by_problem", "decisions_by_version"):
        op.drop_index(name, "decisions")
    op.drop_column("route_inputs", "at")
    for name in ("measures", "feasible_share", "gain", "timed_out", "on_time", "tried"):
        op.drop_column("decisions", name)


def _fill_in(connection: sa.Connection) -> None:
    held, last = _decisions.c, 0
    while rows := connection.execute(
        sa.select(held.number, held.document)
        .where(held.number > last)
        .order_by(held.number)
        .limit(PAGE)
    ).all():
        for row in rows:
            connection.execute(
                sa.update(_decisions)
                .where(held.number == row.number)
                .values(**_seen(json.loads(row.document)))
            )
        last = rows[-1].number
    latest = (
        sa.select(sa.func.max(held.created))
        .where(held.problem_hash == _inputs.c.hash)
        .scalar_subquery()
    )
    connection.execute(sa.update(_inputs).values(at=sa.func.coalesce(latest, 0.0)))


def _seen(made: dict[str, Any]) -> dict[str, Any]:
    primary, fallback = made["primary"], made["fallback"]
    tried, raw = made["quantum"] == "tried", (primary or {}).get("raw", {})
    return {
        "tried": tried,
        "on_time": made["on_time"],
        "timed_out": tried and primary is None,
        "gain": _gain(primary, fallback),
        "feasible_share": raw["count"] / raw["of"] if raw.get("of") else None,
        "measures": json.dumps(made["measures"]),
    }


def _gain(primary: dict[str, Any] | None, fallback: dict[str, Any] | None) -> float | None:
    """How much better the primary's answer is, as a share of the fallback's objective."""
    if primary is None or fallback is None or not (primary["feasible"] and fallback["feasible"]):
        return None
    first, second = primary["objective"], fallback["objective"]
    if first is None or second is None:
        return None
    from qupel.errors import QupelError
    from qupel.runs.description import family_from

    try:
        turn = 1.0 if family_from(primary["family"]).sense == "max" else -1.0
    except QupelError:  # a family whose package is gone
        return None
    return float(turn * (first - second) / max(abs(second), 1e-12))
