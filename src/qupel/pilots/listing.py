"""Pilots as tables: all of them, one in detail, several side by side."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qupel.benchmarks.comparison import Comparison
from qupel.errors import InputError, NotReadyError
from qupel.pilots.dossier import Dossier, folder_of
from qupel.pilots.locking import lock_of
from qupel.problems.registry import DOCUMENT
from qupel.runs.record import Record
from qupel.runs.store import Store
from qupel.runs.trial_lineage import may_read

Row = dict[str, Any]


def pilots(store: Store) -> list[Row]:
    """Every pilot of a store, the oldest first; verdicts only where whoever asks may read them."""
    rows = []
    for run in store.runs():
        if not run.charter_hash:
            continue  # tuning runs, and records outside a pilot
        verdict = _verdict(store, run.id) if may_read(store, run.id) else {}
        rows.append(
            {
                "pilot": run.id,
                "created": run.created,
                "status": run.status,
                "records": run.records,
                "amendments": run.amendments,
                "decision": verdict.get("decision", ""),
                "run_now": verdict.get("run_now", ""),
                "sentence": verdict.get("sentence", ""),
            }
        )
    return rows


def detail(store: Store, name: str) -> Row:
    """One pilot with its verdict and arms, or one record by the beginning of its id."""
    if name not in {run.id for run in store.runs()}:
        try:
            record = store.record(name)
            return {"record": record.to_json(), "reproduce": _repeat(store, record)}
        except InputError:
            store.run(name)  # says that there is no such pilot
            raise
    lock = lock_of(store, name)
    found: Row = {
        "pilot": name,
        "charter_hash": lock.charter_hash,
        "created": lock.created,
        "amendments": list(lock.amendments),
        "cells": len(store.finished_cells(lock.run)),
    }
    try:
        dossier = Dossier.read(folder_of(store, name))
    except InputError:
        unanswered = _unanswered(store.records(lock.run))
        return {**found, "verdict": None, "arms": [], "unanswered": unanswered}
    comparison = dossier.comparison
    document = comparison.to_json()
    return {
        **found,
        "kpi": document["kpi"],
        "verdict": document["verdict"],
        "arms": arm_rows(comparison),
        "unanswered": _unanswered(store.records(lock.run)),
        "reproduce": list(dossier.brief.commands),
    }


def detail_text(document: Row) -> str:
    """What `detail` found, for people."""
    if "record" in document:
        lines = [f"{key}: {value}" for key, value in document["record"].items()]
        return "\n".join([*lines, "", *document["reproduce"]])
    lines = [f"{document['pilot']}: {document['cells']} cells, charter "
             f"{document['charter_hash'][:16]}"]  # fmt: skip
    lines += [f"amended {text}" for text in document["amendments"]]
    verdict = document["verdict"]
    if verdict is None:
        return "\n".join([*lines, "not finished; go on with: qupel resume " + document["pilot"]])
    lines += ["", f"{verdict['decision']}: {verdict['sentence']}"]
    lines += [f"- {reason}" for reason in verdict["reasons"]]
    lines += ["", f"{'arm':<28} {'kind':<10} {'kpi':>12} {'gap':>9} {'feasible':>9} {'seconds':>8}"]
    for arm in document["arms"]:
        kpi = "none" if arm["kpi"] is None else f"{arm['kpi']:.6g}"
        feasible = "–" if arm["feasible"] is None else f"{100 * arm['feasible']:.0f} %"
        lines.append(
            f"{arm['arm']:<28} {arm['kind']:<10} {kpi:>12} {100 * arm['gap']:>8.3g}% "
            f"{feasible:>9} {arm['seconds']:>8.3g}"
        )
    lines += [
        f"{arm['arm']} itself did not answer in {arm['runs']} of {arm['of']} runs, such as: "
        f"{arm['why']}"
        for arm in document["unanswered"]
    ]
    return "\n".join([*lines, "", *document["reproduce"]])


def _unanswered(records: Sequence[Record]) -> list[Row]:
    """Arms that did not answer in some runs, without what the fallback did: how often, and why."""
    rows = []
    for arm in dict.fromkeys(record.arm for record in records):
        own = [record for record in records if record.arm == arm]
        whys = [_why(record) for record in own if record.answered_by != "primary"]
        if whys:
            why = max(dict.fromkeys(whys), key=whys.count)
            rows.append({"arm": arm, "runs": len(whys), "of": len(own), "why": why})
    return rows


def _why(record: Record) -> str:
    """Why the primary did not answer, in one line."""
    first = next((a for a in record.attempts if a["role"] == "primary"), None)
    return " ".join(str(first["why"] if first else record.why).split())


def arm_rows(comparison: Comparison) -> list[Row]:
    """The main figures of each arm."""
    return [
        {
            "arm": s.arm,
            "kind": str(s.kind),
            "kpi": None if s.kpi is None else s.kpi.value,
            "gap": s.gap.value,
            "feasible": s.feasible.share,
            "success": s.success.share,
            "primal_integral": s.primal_integral.value,
            "seconds": s.clocks["end to end"].mean,
            "cpu_seconds": s.cpu_seconds,
            "cost_per_run": s.cost_per_run,
        }
        for s in comparison.summaries
    ]


def side_by_side(store: Store, names: Sequence[str], *, every: bool) -> list[Row]:
    """Fields of several pilots next to each other; those equal in all only with ``every``."""
    columns = [_flat(store, name) for name in names]
    fields = list(dict.fromkeys(key for column in columns for key in column))
    rows = [{"field": f, "values": [column.get(f) for column in columns]} for f in fields]
    return [row for row in rows if every or len({repr(v) for v in row["values"]}) > 1]


def _repeat(store: Store, record: Record) -> list[str]:
    """Commands that make a record of a pilot again."""
    run = next(run.id for run in store.runs() if record.id in {r.id for r in store.records(run.id)})
    pilot = run.partition("/")[0].partition(".")[0]
    folder = "tuning" if run.endswith("/tuning") else "cases"
    solver = [f"--set {name}={value}" for name, value in _settings(record.solver)]
    return [
        f"qupel export {pilot} {pilot}-export",
        f"qupel solve {pilot}-export/{folder}/{record.case}{DOCUMENT} "
        + " ".join(
            [f"--solver {record.solver['solver']}", f"--seconds {record.budget:g}",
             f"--seed {record.seed}", *solver]
        ),
    ]  # fmt: skip


def _settings(description: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Settings of a solver's description as flat names and YAML values."""
    for name, value in description.items():
        if name == "kind" or (name == "solver" and not prefix):
            continue
        if isinstance(value, Mapping):
            yield from _settings(value, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", shlex.quote(json.dumps(value))


def _flat(store: Store, name: str) -> Row:
    document = detail(store, name)
    if document.get("verdict") is None:
        raise NotReadyError(f"pilot {name!r} is not finished; go on with: qupel resume {name}")
    verdict = document["verdict"]
    flat: Row = {
        "charter": document["charter_hash"][:16],
        "kpi": document["kpi"]["name"],
        "cells": document["cells"],
        **{key: verdict[key] for key in ("decision", "advantage", "run_now", "comparator")},
    }
    for arm in document["arms"]:
        for key in ("kpi", "gap", "feasible", "seconds"):
            flat[f"{arm['arm']}: {key}"] = arm[key]
    return flat


def _verdict(store: Store, name: str) -> Row:
    try:
        comparison = Dossier.read(folder_of(store, name)).comparison
    except InputError:
        return {}
    verdict = comparison.verdict
    return {
        "decision": str(verdict.decision),
        "run_now": verdict.run_now,
        "sentence": verdict.sentence,
    }
