"""Routes: versions, standings, events, gates; decisions and what came beside them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "route_versions",
        sa.Column("version", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("ix_route_versions_name", "route_versions", ["name"])
    op.create_table(
        "routes",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("lineage", sa.Text, nullable=False),
        sa.Column("mode", sa.String, nullable=False),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("trial", sa.Text, nullable=False),
        sa.Column("change", sa.Integer, nullable=False),
    )
    op.create_table(
        "route_events",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_index("ix_route_events_name", "route_events", ["name"])
    op.create_table(
        "route_gates",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("gate", sa.String, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("ix_route_gates_version", "route_gates", ["version"])
    op.create_table(
        "route_inputs",
        sa.Column("hash", sa.String, primary_key=True),
        sa.Column("family", sa.String, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "decisions",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("route", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("answered_by", sa.String, nullable=False),
        sa.Column("problem_hash", sa.String, nullable=False),
        sa.Column("objective", sa.Float, nullable=True),
        sa.Column("job", sa.String, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("decisions_by_route", "decisions", ["route", "number"])
    op.create_index("decisions_by_job", "decisions", ["job"])
    op.create_table(
        "route_outcomes",
        sa.Column("decision", sa.String, primary_key=True),
        sa.Column("role", sa.String, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("objective", sa.Float, nullable=True),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "route_wishes",
        sa.Column("decision", sa.String, primary_key=True),
        sa.Column("route", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("problem_hash", sa.String, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in (
        "route_wishes",
        "route_outcomes",
        "decisions",
        "route_inputs",
        "route_gates",
        "route_events",
        "routes",
        "route_versions",
    ):
        op.drop_table(name)
