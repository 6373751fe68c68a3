"""When a device last answered: until it does, it is asked by one process at a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("breakers", sa.Column("answered", sa.Float, nullable=True))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("breakers", "answered")
