"""Names of jobs, and the keys and tags that providers see: they tell nothing about the data."""

from __future__ import annotations

import hashlib
import re

_TAG = re.compile(r"(qupel-[0-9a-f]{8}-)(q[0-9a-f]{24})-(\d{1,6})")


def job_id_of(key: str) -> str:
    """Our name for the job planned under a key; the same after a backup was restored."""
    return "q" + hashlib.sha256(key.encode()).hexdigest()[:24]


def prefix_of(installation: str) -> str:
    """How all tags of one database begin."""
    return f"qupel-{installation}-"


def key_of(job: str, series: int) -> str:
    """Idempotency key of a job's submission; the series grows when one is known not to exist."""
    return f"{job}-{series}"


def tag_of(prefix: str, job: str, series: int) -> str:
    """Label of a job's submission at its provider, at most 48 characters."""
    return f"{prefix}{job}-{series}"


def read_tag(tag: str) -> tuple[str, str, int] | None:
    """Prefix, job and series of a tag of ours; None for anybody else's."""
    found = _TAG.fullmatch(tag)
    return None if found is None else (found[1], found[2], int(found[3]))
