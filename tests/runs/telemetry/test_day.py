"""Logs, traces and metrics of one scripted day against what the script did."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from qupel.runs.ledger import Ledger
from tests.data import ROOT
from tests.runs.telemetry.conftest import CANARY, Day

pytestmark = pytest.mark.slow

#: Decisions of the script that the primary was not to answer. A machine that is very busy may
#: answer them by a last resort in place of the fallback.
OTHERS = {"timeout", "refused", "contract", "dead", "breaker", "off"}


def samples(day: Day, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """Values of a metric by the values of these labels, or of all in alphabetical order."""
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(day.text):
        for sample in family.samples:
            if sample.name == name:
                named = labels or sorted(sample.labels)
                found[tuple(sample.labels[label] for label in named)] = sample.value
    return found


def test_the_script_went_as_it_was_written(day: Day) -> None:
    by_primary = {what for what, d in day.decisions.items() if d.answered_by == "primary"}
    assert by_primary == {"primary"}
    assert set(day.decisions) == {*by_primary, *OTHERS}
    assert all(decision.feasible for decision in day.decisions.values())


# Metrics


def test_every_decision_is_counted_once_by_who_answered(day: Day) -> None:
    expected = Counter(
        (made.route, str(made.mode), str(made.answered_by)) for made in day.decisions.values()
    )
    assert samples(day, "qupel_decisions_total", "route", "mode", "answered_by") == dict(expected)


def test_steps_that_were_tried_are_counted_by_what_came_of_them(day: Day) -> None:
    name = day.names
    assert samples(day, "qupel_quantum_steps_total", "route", "outcome") == {
        (name["primary"], "answered"): 1,
        (name["timeout"], "timed out"): 1,
        (name["refused"], "failed"): 1,
        (name["dead"], "failed"): 1,
    }


def test_steps_that_were_not_tried_are_counted_by_why(day: Day) -> None:
    name = day.names
    assert samples(day, "qupel_quantum_skipped_total", "route", "reason") == {
        (name["contract"], "contract"): 1,
        (name["breaker"], "breaker"): 1,
        (name["primary"], "switched off"): 1,
    }


def test_a_contract_that_refused_shows_and_nothing_was_ordered(day: Day) -> None:
    refusals = samples(day, "qupel_contract_refusals_total")
    assert {route: count for (route,), count in refusals.items() if count} == {"strict": 1}
    assert day.decisions["contract"].job == ""
    [line] = [line for line in day.lines if line.get("route") == "strict"]
    assert "contract field 'max_shots'" in line["why"]


def test_events_of_jobs_are_counted_as_the_ledger_has_them(day: Day) -> None:
    ledger = Ledger(day.database)
    kinds = Counter(event.kind for event in ledger.events())
    counted: Counter[str] = Counter()
    for (_, kind), count in samples(day, "qupel_job_events_total").items():
        counted[kind] += int(count)
    assert counted == kinds
    alarms = sum(samples(day, "qupel_alarms_total").values())
    assert alarms == len(ledger.events(alarms=True))


def test_the_breaker_of_the_dead_provider_is_open_and_no_other(day: Day) -> None:
    found = samples(day, "qupel_breaker_open", "provider", "device")
    assert {key for key, value in found.items() if value} == {(day.names["dead"], "one")}


def test_late_answers_and_bills_are_counted(day: Day) -> None:
    late = samples(day, "qupel_late_answers_total", "route", "role")
    assert late[day.names["timeout"], "late"] == 1
    billed = sum(float(j.billed.amount) for j in Ledger(day.database).jobs() if j.billed)
    assert billed > 1
    assert sum(samples(day, "qupel_spend_total").values()) == pytest.approx(billed)
    assert samples(day, "qupel_spend_total")["fake:one", "USD", "paid"] == 1.0


def test_queue_and_latency_are_measured_by_backend_and_route(day: Day) -> None:
    queue = samples(day, "qupel_queue_seconds_sum")
    assert queue[f"{day.names['timeout']}:one",] == pytest.approx(4.0, abs=0.5)
    seconds = samples(day, "qupel_decision_seconds_sum")
    made = [d for d in day.decisions.values() if d.route == day.names["primary"]]
    assert seconds[day.names["primary"],] == pytest.approx(sum(d.seconds for d in made))


def test_fidelity_proxy_and_gain_are_those_of_the_records(day: Day) -> None:
    decision = day.decisions["primary"]
    assert decision.primary is not None
    backend = f"{day.names['primary']}:one"
    raw = decision.primary.raw
    found = samples(day, "qupel_feasible_ratio_sum", "route", "backend")
    assert found[day.names["primary"], backend] == pytest.approx(raw.count / raw.of)
    gain = samples(day, "qupel_gain_ratio_sum", "route", "backend")
    loss = samples(day, "qupel_loss_ratio_sum", "route", "backend")
    key = (day.names["primary"], backend)
    assert gain[key] - loss[key] == pytest.approx(decision.sighting.gain)


def test_stages_of_pipelines_are_counted_and_timed(day: Day) -> None:
    assert samples(day, "qupel_pipeline_stages_total", "pipeline", "stage", "state", "reason") == {
        ("paid", stage, "done", ""): 1 for stage in ("graph", "paid", "verdict")
    }
    assert samples(day, "qupel_pipeline_queue_seconds_sum")["paid", "paid"] == pytest.approx(0.2)
    assert samples(day, "qupel_pipeline_feasible_ratio_count")["paid", "paid"] == 1


def test_names_follow_the_conventions_of_prometheus(day: Day) -> None:
    for family in text_string_to_metric_families(day.text):
        assert family.name.startswith("qupel_")
        assert family.documentation
        for sample in family.samples:
            ends = ("_total", "_created") if family.type == "counter" else ("",)
            assert sample.name.endswith(ends)
        if family.type in {"histogram", "summary"}:
            assert family.name.endswith(("_seconds", "_ratio"))


# Logs


def test_every_line_is_json_with_time_level_event_and_correlation(day: Day) -> None:
    for line in day.lines:
        assert {"time", "level", "event"} <= set(line)
        belongs = line["event"].startswith(("worker", "breaker", "budget")) or "logger" in line
        assert belongs or line["correlation"]


def test_every_decision_has_its_line_under_its_own_id(day: Day) -> None:
    told = {line["decision"]: line for line in day.lines if line["event"] == "decision"}
    for decision in day.decisions.values():
        line = told[decision.id]
        assert (line["correlation"], line["route"]) == (decision.id, decision.route)
        assert line["seconds"] == pytest.approx(decision.seconds)


def test_a_retried_submission_is_one_line_an_attempt_under_one_id(day: Day) -> None:
    decision = day.decisions["primary"]
    mine = [line for line in day.lines if line.get("correlation") == decision.id]
    tries = [line for line in mine if line["event"] in {"submission failed", "submitted"}]
    assert [(line["event"], line["attempt"]) for line in tries] == [
        ("submission failed", 1),
        ("submitted", 2),
    ]
    assert all(line["seconds"] >= 0 and line["job"] == decision.job for line in tries)
    [done] = [line for line in mine if line["event"] == "done"]
    assert done["queue_seconds"] == pytest.approx(0.3, abs=0.2)
    assert done["backend"] == f"{day.names['primary']}:one"


def test_every_stage_of_a_pipeline_has_its_line(day: Day) -> None:
    done = {line["stage"]: line for line in day.lines if line["event"] == "stage done"}
    assert set(done) == {"graph", "paid", "verdict"}
    assert {line["correlation"] for line in done.values()} == {day.run_id}
    assert all(line["seconds"] >= 0 for line in done.values())
    mine = [line for line in day.lines if line.get("correlation") == day.run_id]
    assert {"planned", "submitted", "done"} <= {line["event"] for line in mine}


def test_a_secret_that_a_provider_repeats_is_in_no_line_and_no_span(day: Day) -> None:
    assert "Authorization: ***" in day.log
    assert CANARY not in day.log
    assert not any(CANARY in span.to_json() for span in day.spans)


# Traces


def ids(day: Day) -> dict[int, Any]:
    return {span.context.span_id: span for span in day.spans}


def of(day: Day, what: str) -> list[Any]:
    """Spans of a decision's trace."""
    mine = next(
        span
        for span in day.spans
        if span.attributes.get("qupel.decision") == day.decisions[what].id
    )
    return [span for span in day.spans if span.context.trace_id == mine.context.trace_id]


def test_every_parent_exists_and_no_span_is_told_twice(day: Day) -> None:
    known = ids(day)
    assert len(known) == len(day.spans)
    for span in day.spans:
        if span.parent is not None:
            parent = known[span.parent.span_id]
            assert parent.context.trace_id == span.context.trace_id


def test_a_decision_is_one_trace_down_to_calls_queue_and_run(day: Day) -> None:
    spans = of(day, "primary")
    names = Counter(span.name for span in spans)
    route = day.names["primary"]
    assert names[f"decision {route}"] == 1
    for name in ("attempt primary", "attempt fallback", f"job {route}:one", "queue", "run"):
        assert names[name] == 1, name
    assert names["call submission failed"] == names["call submitted"] == 1
    assert names["call fetched"] == 1
    assert names["stage execute"] == 2
    [root] = [span for span in spans if span.parent is None]
    assert root.name == f"decision {route}"


def test_times_nest(day: Day) -> None:
    known = ids(day)
    for span in day.spans:
        if span.parent is None:
            continue
        parent = known[span.parent.span_id]
        assert span.start_time >= parent.start_time - 10_000_000, (span.name, parent.name)
        late = span.name.startswith(("job", "attempt late"))  # may outlast a decision
        assert late or span.end_time <= parent.end_time + 10_000_000, (span.name, parent.name)


def test_what_comes_late_hangs_under_its_decision(day: Day) -> None:
    names = [span.name for span in of(day, "timeout")]
    assert f"job {day.names['timeout']}:one" in names
    assert "attempt late" in names


def test_a_run_of_a_pipeline_is_one_trace_with_its_stages_and_their_job(day: Day) -> None:
    [root] = [span for span in day.spans if span.name == "pipeline paid"]
    spans = [span for span in day.spans if span.context.trace_id == root.context.trace_id]
    known = ids(day)
    under = {(known[s.parent.span_id].name, s.name) for s in spans if s.parent is not None}
    assert {("pipeline paid", f"stage {name}") for name in ("graph", "paid", "verdict")} <= under
    assert {("stage paid", "job fake:one"), ("job fake:one", "queue")} <= under


# Documentation


@pytest.mark.parametrize("page", ["how-to/observe.md", "reference/telemetry.md"])
def test_every_metric_in_the_documentation_exists(day: Day, page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    known = {family.name for family in text_string_to_metric_families(day.text)}
    named = set(re.findall(r"\bqupel_[a-z_]+[a-z]\b", text))
    assert {re.sub("_(total|bucket|sum|count)$", "", name) for name in named} <= known


def test_every_metric_is_in_the_reference(day: Day) -> None:
    text = (ROOT / "docs/reference/telemetry.md").read_text(encoding="utf-8")
    for family in text_string_to_metric_families(day.text):
        last = "_" + family.name.rpartition("_")[2]
        assert f"`{family.name}" in text or f"`{last}`" in text, family.name
