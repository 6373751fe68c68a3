"""What is sent: a job's order under the key and the tag that the provider sees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from qupel.backends.contract import Order
from qupel.runs.ledger.naming import key_of, tag_of
from qupel.runs.ledger.payloads import order_from
from qupel.runs.ledger.transaction import payload


def submission(connection: sa.Connection, row: sa.Row[Any], series: int, prefix: str) -> Order:
    """A job's order as it is sent."""
    order = order_from(payload(connection, row.order_hash))
    tag = tag_of(prefix, row.id, series)
    return replace(order, key=key_of(row.id, series), tag=tag)
