"""Tables of the store, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

#: A run: many cells under one charter.
runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("created", String, nullable=False),
    Column("status", String, nullable=False),
    Column("charter_hash", String, nullable=False, default=""),
    Column("charter", Text, nullable=False, default=""),
)

#: Changes of a charter after it was locked; rows are only added.
amendments = Table(
    "amendments",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String, ForeignKey("runs.id"), nullable=False, index=True),
    Column("at", String, nullable=False),
    Column("who", String, nullable=False),
    Column("why", Text, nullable=False),
    Column("before_hash", String, nullable=False),
    Column("charter_hash", String, nullable=False),
    Column("charter", Text, nullable=False),
)

#: Records, each cell of a run once; what is searched for stands in columns of its own.
records = Table(
    "records",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String, ForeignKey("runs.id"), nullable=False),
    Column("arm", String, nullable=False),
    Column("case", String, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("id", String, nullable=False),
    Column("family", String, nullable=False),
    Column("problem_hash", String, nullable=False),
    Column("status", String, nullable=False),
    Column("answered_by", String, nullable=False),
    Column("objective", Float, nullable=True),
    Column("feasible", Boolean, nullable=False),
    Column("end_to_end", Float, nullable=False),
    Column("created", String, nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("run_id", "arm", "case", "seed", name="one_record_a_cell"),
    Index("records_by_id", "id"),
    Index("records_by_problem", "problem_hash"),
    Index("records_by_status", "status"),
)
