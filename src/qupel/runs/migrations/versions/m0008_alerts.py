"""Which caps of an account were alerted, in place of whether any was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_accounts = sa.table(
    "accounts",
    *map(sa.column, ("name", "alerted", "alerts", "over_money")),
    *(
        sa.column(f"{part}_{word}")
        for part in ("cap", "held", "spent")
        for word in ("money", "shots", "runs")
    ),
)


def upgrade() -> None:
    """Tell the caps apart: an alert that was given was of those that are near now."""
    op.add_column("accounts", sa.Column("alerts", sa.String, nullable=False, server_default=""))
    connection, columns = op.get_bind(), _accounts.c
    for row in connection.execute(sa.select(_accounts).where(columns.alerted)).all():
        used = {
            "money": row.held_money + row.spent_money + row.over_money,
            "shots": row.held_shots + row.spent_shots,
            "runs": row.held_runs + row.spent_runs,
        }
        caps = {"money": row.cap_money, "shots": row.cap_shots, "runs": row.cap_runs}
        near = [
            word
            for word, cap in caps.items()
            if cap is not None and used[word] and 100 * used[word] >= 80 * cap
        ]
        connection.execute(
            sa.update(_accounts).where(columns.name == row.name).values(alerts=" ".join(near))
        )
    op.drop_column("accounts", "alerted")


def downgrade() -> None:
    """Tell only whether any cap was alerted."""
    op.add_column(
        "accounts",
        sa.Column("alerted", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    was_given = _accounts.c.alerts != ""
    op.get_bind().execute(sa.update(_accounts).where(was_given).values(alerted=sa.true()))
    op.drop_column("accounts", "alerts")
