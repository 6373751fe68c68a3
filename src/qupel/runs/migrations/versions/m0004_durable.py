"""Durable work: processes that do it, runs of pipelines, and what their stages gave."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "executors",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("place", sa.String, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("born", sa.String, nullable=False),
        sa.Column("beats", sa.Integer, nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("started", sa.Float, nullable=False),
        sa.Column("ended", sa.Float, nullable=True),
        sa.Column("adopted_by", sa.String, nullable=False),
    )
    op.create_table(
        "pipeline_runs",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("ended", sa.Float, nullable=True),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("versions", sa.Text, nullable=False),
        sa.Column("revision", sa.String, nullable=False),
    )
    op.create_table(
        "pipeline_stages",
        sa.Column("run_id", sa.String, sa.ForeignKey("pipeline_runs.id"), primary_key=True),
        sa.Column("stage", sa.String, primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("outputs", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("reused", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("executor", sa.String, nullable=False),
        sa.Column("started", sa.Float, nullable=True),
        sa.Column("ended", sa.Float, nullable=True),
        sa.Column("job_id", sa.String, nullable=False),
    )
    op.create_table(
        "stage_results",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("outputs", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
    )
    op.create_table(
        "artifacts",
        sa.Column("hash", sa.String, primary_key=True),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
    )
    op.create_index("executors_by_state", "executors", ["state"])
    op.create_index("pipeline_runs_by_state", "pipeline_runs", ["state"])


def downgrade() -> None:
    """Drop the tables."""
    for name in ("pipeline_stages", "executors", "pipeline_runs", "stage_results", "artifacts"):
        op.drop_table(name)
