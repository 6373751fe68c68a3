"""Runs, their amendments, and records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("created", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("charter_hash", sa.String, nullable=False),
        sa.Column("charter", sa.Text, nullable=False),
    )
    op.create_table(
        "amendments",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("before_hash", sa.String, nullable=False),
        sa.Column("charter_hash", sa.String, nullable=False),
        sa.Column("charter", sa.Text, nullable=False),
    )
    op.create_index("ix_amendments_run_id", "amendments", ["run_id"])
    op.create_table(
        "records",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("arm", sa.String, nullable=False),
        sa.Column("case", sa.String, nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("family", sa.String, nullable=False),
        sa.Column("problem_hash", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("answered_by", sa.String, nullable=False),
        sa.Column("objective", sa.Float, nullable=True),
        sa.Column("feasible", sa.Boolean, nullable=False),
        sa.Column("end_to_end", sa.Float, nullable=False),
        sa.Column("created", sa.String, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.UniqueConstraint("run_id", "arm", "case", "seed", name="one_record_a_cell"),
    )
    op.create_index("records_by_id", "records", ["id"])
    op.create_index("records_by_problem", "records", ["problem_hash"])
    op.create_index("records_by_status", "records", ["status"])


def downgrade() -> None:
    """Drop the tables."""
    for name in ("records", "amendments", "runs"):
        op.drop_table(name)
