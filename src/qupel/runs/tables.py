"""Tables of the store and of the ledger, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
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

#: Facts about this ledger as a whole: its name in tags, and since when it is in quarantine.
ledger_facts = Table(
    "ledger_facts",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
)

#: Orders and results, by the hash of what they hold.
payloads = Table(
    "payloads",
    metadata,
    Column("hash", String, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

#: Paid work: one row for what is wanted, however often it has to be attempted.
jobs = Table(
    "jobs",
    metadata,
    Column("id", String, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("backend", String, nullable=False),
    Column("state", String, nullable=False),
    Column("why", Text, nullable=False, default=""),
    Column("cause", String, nullable=False, default=""),
    Column("correlation", String, nullable=False, default=""),
    Column("purpose", Text, nullable=False, default="{}"),
    Column("order_hash", String, nullable=False, default=""),
    Column("programs_hash", String, nullable=False, default=""),
    Column("version", String, nullable=False, default=""),
    Column("shots", BigInteger, nullable=False, default=0),
    Column("currency", String, nullable=False, default=""),
    Column("bound", BigInteger, nullable=True),
    Column("planned", Float, nullable=False),
    Column("deadline", Float, nullable=True),
    # When somebody should look after it next; infinitely late where nothing is left to do.
    Column("due", Float, nullable=False),
    # The lease: who works on it until when, and a number that grows with every holder.
    Column("owner", String, nullable=False, default=""),
    Column("token", Integer, nullable=False, default=0),
    Column("leased", Float, nullable=False, default=0.0),
    # Submissions that were found not to exist; keys and tags are made from it.
    Column("series", Integer, nullable=False, default=1),
    Column("attempts", Integer, nullable=False, default=0),
    Column("tries", Integer, nullable=False, default=0),
    Column("fetches", Integer, nullable=False, default=0),
    Column("provider_job", String, nullable=False, default=""),
    Column("word", String, nullable=False, default=""),
    Column("reported", String, nullable=False, default=""),
    Column("reported_at", Float, nullable=True),
    Column("submitted", Float, nullable=True),
    Column("seen_running", Float, nullable=True),
    Column("concluded", Float, nullable=True),
    Column("cancel_asked", Float, nullable=True),
    Column("cancel_sent", Float, nullable=True),
    Column("odd_since", Float, nullable=True),
    Column("created_there", Float, nullable=True),
    Column("queued_there", Float, nullable=True),
    Column("running_there", Float, nullable=True),
    Column("finished_there", Float, nullable=True),
    Column("settled", Boolean, nullable=False, default=False),
    Column("billed", BigInteger, nullable=True),
    Column("bill_currency", String, nullable=False, default=""),
    Column("result_hash", String, nullable=False, default=""),
    Column("evidence", String, nullable=False, default=""),
    Index("jobs_by_due", "due"),
    Index("jobs_by_state", "state", "backend"),
    Index("jobs_by_programs", "programs_hash", "state"),
    Index("jobs_by_version", "version", "state"),
    Index("jobs_by_provider_job", "provider_job"),
)

#: One row for every request to accept an order; written before the request is sent.
attempts = Table(
    "attempts",
    metadata,
    Column("job_id", String, ForeignKey("jobs.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("key", String, nullable=False),
    Column("tag", String, nullable=False),
    Column("state", String, nullable=False),
    Column("token", Integer, nullable=False),
    Column("intended", Float, nullable=False),
    # The same moment on a clock that is never set, and whose clock that is.
    Column("intended_mono", Float, nullable=False),
    Column("origin", String, nullable=False),
    Column("answered", Float, nullable=True),
    Column("seconds", Float, nullable=True),
    Column("provider_job", String, nullable=False, default=""),
    Column("cause", String, nullable=False, default=""),
    Column("why", Text, nullable=False, default=""),
    Index("attempts_by_tag", "tag"),
)

#: What happened to a job or an account, in order; rows are only added.
events = Table(
    "events",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("kind", String, nullable=False),
    Column("job_id", String, nullable=False, default=""),
    Column("attempt", Integer, nullable=False, default=0),
    Column("correlation", String, nullable=False, default=""),
    Column("seconds", Float, nullable=True),
    Column("alarm", Boolean, nullable=False, default=False),
    Column("detail", Text, nullable=False, default="{}"),
    Index("events_by_job", "job_id"),
    Index("events_by_kind", "kind"),
)

#: Who pays: caps, and what is held for open jobs, spent, and billed beyond what was held.
accounts = Table(
    "accounts",
    metadata,
    Column("name", String, primary_key=True),
    Column("currency", String, nullable=False, default=""),
    Column("cap_money", BigInteger, nullable=True),
    Column("cap_shots", BigInteger, nullable=True),
    Column("cap_runs", BigInteger, nullable=True),
    Column("held_money", BigInteger, nullable=False, default=0),
    Column("held_shots", BigInteger, nullable=False, default=0),
    Column("held_runs", BigInteger, nullable=False, default=0),
    Column("spent_money", BigInteger, nullable=False, default=0),
    Column("spent_shots", BigInteger, nullable=False, default=0),
    Column("spent_runs", BigInteger, nullable=False, default=0),
    Column("over_money", BigInteger, nullable=False, default=0),
    Column("alerts", String, nullable=False, default=""),
    CheckConstraint(
        "held_money >= 0 AND held_shots >= 0 AND held_runs >= 0 AND spent_money >= 0 "
        "AND spent_shots >= 0 AND spent_runs >= 0 AND over_money >= 0",
        name="nothing_below_zero",
    ),
    CheckConstraint(
        "(cap_money IS NULL OR held_money + spent_money <= cap_money) "
        "AND (cap_shots IS NULL OR held_shots + spent_shots <= cap_shots) "
        "AND (cap_runs IS NULL OR held_runs + spent_runs <= cap_runs)",
        name="never_over_the_cap",
    ),
)

#: What each job holds in, and cost, each account; the accounts' columns are their sums.
holds = Table(
    "holds",
    metadata,
    Column("job_id", String, ForeignKey("jobs.id"), primary_key=True),
    Column("account", String, ForeignKey("accounts.name"), primary_key=True),
    Column("held_money", BigInteger, nullable=False),
    Column("held_shots", BigInteger, nullable=False),
    Column("held_runs", BigInteger, nullable=False),
    Column("spent_money", BigInteger, nullable=False, default=0),
    Column("spent_shots", BigInteger, nullable=False, default=0),
    Column("spent_runs", BigInteger, nullable=False, default=0),
    Column("over_money", BigInteger, nullable=False, default=0),
    Index("holds_by_account", "account"),
)

#: Circuit breakers, one for each device of a provider, shared by all processes.
breakers = Table(
    "breakers",
    metadata,
    Column("provider", String, primary_key=True),
    Column("device", String, primary_key=True),
    Column("failures", Integer, nullable=False, default=0),
    Column("opened", Float, nullable=True),
    Column("probe", Float, nullable=False, default=0.0),
    Column("frozen", Text, nullable=False, default=""),
    Column("reconciled", Float, nullable=True),
    Column("answered", Float, nullable=True),
)

#: Processes that work, or did: `beats` grows for as long as one lives.
executors = Table(
    "executors",
    metadata,
    Column("id", String, primary_key=True),
    Column("place", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("born", String, nullable=False),
    Column("beats", Integer, nullable=False),
    Column("token", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("started", Float, nullable=False),
    Column("ended", Float, nullable=True),
    Column("adopted_by", String, nullable=False),
    Index("executors_by_state", "state"),
)

#: Runs of pipelines.
pipeline_runs = Table(
    "pipeline_runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("state", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("ended", Float, nullable=True),
    Column("definition", Text, nullable=False),
    Column("hash", String, nullable=False),
    Column("folder", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("versions", Text, nullable=False),
    Column("revision", String, nullable=False),
    Index("pipeline_runs_by_state", "state"),
)

#: Stages of runs; `outputs` and `inputs` name values by their hash.
pipeline_stages = Table(
    "pipeline_stages",
    metadata,
    Column("run_id", String, ForeignKey("pipeline_runs.id"), primary_key=True),
    Column("stage", String, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("key", String, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("outputs", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("reused", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("executor", String, nullable=False),
    Column("started", Float, nullable=True),
    Column("ended", Float, nullable=True),
    Column("job_id", String, nullable=False),
)

#: What a stage gave, by the hash of its code, settings, inputs and seed.
stage_results = Table(
    "stage_results",
    metadata,
    Column("key", String, primary_key=True),
    Column("outputs", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("created", Float, nullable=False),
)

#: Values that stages hand on, by their hash.
artifacts = Table(
    "artifacts",
    metadata,
    Column("hash", String, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Column("created", Float, nullable=False),
)
