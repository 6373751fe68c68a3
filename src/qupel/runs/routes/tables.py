"""Tables of routes, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
    and_,
    false,
    literal_column,
    not_,
)

from qupel.runs.tables import metadata

#: What a route says, by the hash of it; rows are only added.
route_versions = Table(
    "route_versions",
    metadata,
    Column("version", String, primary_key=True),
    Column("name", String, nullable=False, index=True),
    Column("created", Float, nullable=False),
    Column("document", Text, nullable=False),
)

#: How each route stands: the version in force, and those before it.
routes = Table(
    "routes",
    metadata,
    Column("name", String, primary_key=True),
    Column("lineage", Text, nullable=False),  # versions as JSON, the one in force last
    Column("mode", String, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("trial", Text, nullable=False),  # JSON, "null" for none
    Column("change", Integer, nullable=False),
)

#: What happened to a route, who did it and why; rows are only added.
route_events = Table(
    "route_events",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("name", String, nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("kind", String, nullable=False),
    Column("version", String, nullable=False),
    Column("who", String, nullable=False),
    Column("why", Text, nullable=False),
)

#: Documents of problems that were decided, for late results and for audits.
route_inputs = Table(
    "route_inputs",
    metadata,
    Column("hash", String, primary_key=True),
    Column("family", String, nullable=False),
    Column("document", Text, nullable=False),
    Column("at", Float, nullable=False, server_default="0", index=True),  # last decided
)

#: Decisions; what is searched for, and what health sees, stands in columns of its own.
decisions = Table(
    "decisions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("route", String, nullable=False),
    Column("version", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("answered_by", String, nullable=False),
    Column("problem_hash", String, nullable=False),
    Column("objective", Float, nullable=True),
    Column("job", String, nullable=False),
    Column("document", Text, nullable=False),
    Column("tried", Boolean, nullable=False, server_default=false()),
    Column("on_time", Boolean, nullable=False, server_default=false()),
    Column("timed_out", Boolean, nullable=False, server_default=false()),
    Column("gain", Float, nullable=True),
    Column("feasible_share", Float, nullable=True),
    Column("measures", Text, nullable=False, server_default="{}"),
    Index("decisions_by_route", "route", "number"),
    Index("decisions_by_version", "route", "version", "number"),
    Index("decisions_by_job", "job"),
    Index("decisions_by_problem", "problem_hash", "route", "created"),
)

#: Of a decision that has an order. The text stands in the query, so that the index serves it.
HAS_JOB = decisions.c.job != literal_column("''")

#: Of a decision that has an order whose result it did not judge itself: samples that a quantum
#: step gave in time were counted when the answer was chosen.
IS_OPEN = and_(HAS_JOB, not_(and_(decisions.c.tried, decisions.c.feasible_share.is_not(None))))

Index(
    "decisions_with_job",
    decisions.c.route,
    decisions.c.id,
    sqlite_where=HAS_JOB,
    postgresql_where=HAS_JOB,
)

#: Answers that came beside the published one: late ones, and those of a trial's other arm.
outcomes = Table(
    "route_outcomes",
    metadata,
    Column("decision", String, primary_key=True),
    Column("role", String, primary_key=True),
    Column("at", Float, nullable=False),
    Column("objective", Float, nullable=True),
    Column("document", Text, nullable=False),
)

#: Quantum steps that could not be ordered when they were wanted.
route_wishes = Table(
    "route_wishes",
    metadata,
    Column("decision", String, primary_key=True),
    Column("route", String, nullable=False),
    Column("version", String, nullable=False),
    Column("problem_hash", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("state", String, nullable=False),  # waiting, ordered, expired, failed
    Column("detail", Text, nullable=False),
)
