"""Access: who may read what, who did, and who was refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "access_events",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("resource", sa.String, nullable=False),
        sa.Column("item", sa.String, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("roles", sa.String, nullable=False),
        sa.Column("reader", sa.String, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_index("access_events_by_resource", "access_events", ["resource", "number"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("access_events")
