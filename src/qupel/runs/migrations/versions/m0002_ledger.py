"""The ledger: jobs, their attempts and events; accounts and holds; breakers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "ledger_facts",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "payloads",
        sa.Column("hash", sa.String, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("key", sa.String, nullable=False, unique=True),
        sa.Column("backend", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("cause", sa.String, nullable=False),
        sa.Column("correlation", sa.String, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("order_hash", sa.String, nullable=False),
        sa.Column("programs_hash", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("shots", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String, nullable=False),
        sa.Column("bound", sa.BigInteger, nullable=True),
        sa.Column("planned", sa.Float, nullable=False),
        sa.Column("deadline", sa.Float, nullable=True),
        sa.Column("due", sa.Float, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("leased", sa.Float, nullable=False),
        sa.Column("series", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("fetches", sa.Integer, nullable=False),
        sa.Column("provider_job", sa.String, nullable=False),
        sa.Column("word", sa.String, nullable=False),
        sa.Column("reported", sa.String, nullable=False),
        sa.Column("reported_at", sa.Float, nullable=True),
        sa.Column("submitted", sa.Float, nullable=True),
        sa.Column("seen_running", sa.Float, nullable=True),
        sa.Column("concluded", sa.Float, nullable=True),
        sa.Column("cancel_asked", sa.Float, nullable=True),
        sa.Column("cancel_sent", sa.Float, nullable=True),
        sa.Column("odd_since", sa.Float, nullable=True),
        sa.Column("created_there", sa.Float, nullable=True),
        sa.Column("queued_there", sa.Float, nullable=True),
        sa.Column("running_there", sa.Float, nullable=True),
        sa.Column("finished_there", sa.Float, nullable=True),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column("billed", sa.BigInteger, nullable=True),
        sa.Column("bill_currency", sa.String, nullable=False),
        sa.Column("result_hash", sa.String, nullable=False),
        sa.Column("evidence", sa.String, nullable=False),
    )
    op.create_index("jobs_by_due", "jobs", ["due"])
    op.create_index("jobs_by_state", "jobs", ["state", "backend"])
    op.create_index("jobs_by_programs", "jobs", ["programs_hash", "state"])
    op.create_index("jobs_by_version", "jobs", ["version", "state"])
    op.create_index("jobs_by_provider_job", "jobs", ["provider_job"])
    op.create_table(
        "attempts",
        sa.Column("job_id", sa.String, sa.ForeignKey("jobs.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("tag", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("intended", sa.Float, nullable=False),
        sa.Column("intended_mono", sa.Float, nullable=False),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("answered", sa.Float, nullable=True),
        sa.Column("seconds", sa.Float, nullable=True),
        sa.Column("provider_job", sa.String, nullable=False),
        sa.Column("cause", sa.String, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_index("attempts_by_tag", "attempts", ["tag"])
    op.create_table(
        "events",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("job_id", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("correlation", sa.String, nullable=False),
        sa.Column("seconds", sa.Float, nullable=True),
        sa.Column("alarm", sa.Boolean, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("events_by_job", "events", ["job_id"])
    op.create_index("events_by_kind", "events", ["kind"])
    op.create_table(
        "accounts",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("currency", sa.String, nullable=False),
        sa.Column("cap_money", sa.BigInteger, nullable=True),
        sa.Column("cap_shots", sa.BigInteger, nullable=True),
        sa.Column("cap_runs", sa.BigInteger, nullable=True),
        sa.Column("held_money", sa.BigInteger, nullable=False),
        sa.Column("held_shots", sa.BigInteger, nullable=False),
        sa.Column("held_runs", sa.BigInteger, nullable=False),
        sa.Column("spent_money", sa.BigInteger, nullable=False),
        sa.Column("spent_shots", sa.BigInteger, nullable=False),
        sa.Column("spent_runs", sa.BigInteger, nullable=False),
        sa.Column("over_money", sa.BigInteger, nullable=False),
        sa.Column("alerted", sa.Boolean, nullable=False),
        sa.CheckConstraint(
            "held_money >= 0 AND held_shots >= 0 AND held_runs >= 0 AND spent_money >= 0 "
            "AND spent_shots >= 0 AND spent_runs >= 0 AND over_money >= 0",
            name="nothing_below_zero",
        ),
        sa.CheckConstraint(
            "(cap_money IS NULL OR held_money + spent_money <= cap_money) "
            "AND (cap_shots IS NULL OR held_shots + spent_shots <= cap_shots) "
            "AND (cap_runs IS NULL OR held_runs + spent_runs <= cap_runs)",
            name="never_over_the_cap",
        ),
    )
    op.create_table(
        "holds",
        sa.Column("job_id", sa.String, sa.ForeignKey("jobs.id"), primary_key=True),
        sa.Column("account", sa.String, sa.ForeignKey("accounts.name"), primary_key=True),
        sa.Column("held_money", sa.BigInteger, nullable=False),
        sa.Column("held_shots", sa.BigInteger, nullable=False),
        sa.Column("held_runs", sa.BigInteger, nullable=False),
        sa.Column("spent_money", sa.BigInteger, nullable=False),
        sa.Column("spent_shots", sa.BigInteger, nullable=False),
        sa.Column("spent_runs", sa.BigInteger, nullable=False),
        sa.Column("over_money", sa.BigInteger, nullable=False),
    )
    op.create_index("holds_by_account", "holds", ["account"])
    op.create_table(
        "breakers",
        sa.Column("provider", sa.String, primary_key=True),
        sa.Column("device", sa.String, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("opened", sa.Float, nullable=True),
        sa.Column("probe", sa.Float, nullable=False),
        sa.Column("frozen", sa.Text, nullable=False),
        sa.Column("reconciled", sa.Float, nullable=True),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in (
        "breakers",
        "holds",
        "accounts",
        "events",
        "attempts",
        "jobs",
        "payloads",
        "ledger_facts",
    ):
        op.drop_table(name)
