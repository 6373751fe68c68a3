from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from qupel.cli.exits import Exit
from tests.acceptance.command import qupel
from tests.data import ROOT


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "qupel", *words, "--database", str(folder / "qupel.db")],
        cwd=ROOT,
        env={**os.environ, "QUPEL_HOME": str(folder), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def scraped(address: str) -> set[str]:
    with urllib.request.urlopen(address, timeout=20) as reply:  # noqa: S310
        text = reply.read().decode()
    return {family.name for family in text_string_to_metric_families(text)}


def test_metrics_are_printed_once(tmp_path: Path) -> None:
    process = started(tmp_path, "metrics")
    text, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"qupel_decisions", "qupel_jobs", "qupel_spend", "qupel_breaker_open"} <= names


def test_metrics_are_one_document_where_that_is_wanted(tmp_path: Path) -> None:
    ended = qupel("metrics", "--json", "--database", tmp_path)
    assert ended.code == Exit.OK
    found = {metric["name"]: metric for metric in ended.document["metrics"]}
    assert found["qupel_decisions"]["type"] == "counter"
    assert found["qupel_jobs"]["help"] == "Paid jobs by where they stand"


def test_metrics_are_not_served_as_a_document(tmp_path: Path) -> None:
    ended = qupel("metrics", "--json", "--port", "0", "--database", tmp_path)
    assert (ended.code, ended.err) == (
        Exit.INPUT,
        "error: --json prints the metrics once; leave out --port, or --json\n",
    )


def test_metrics_are_served_until_interrupted(tmp_path: Path) -> None:
    process = started(tmp_path, "metrics", "--port", "0")
    assert process.stderr is not None
    address = process.stderr.readline().strip()
    try:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/metrics", address)
        assert "qupel_decisions" in scraped(address)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.slow
def test_a_worker_serves_metrics_and_logs_json(tmp_path: Path) -> None:
    process = started(tmp_path, "worker", "--json-logs", "--metrics-port", "0")
    assert process.stderr is not None
    try:
        line = json.loads(process.stderr.readline())
        assert (line["event"], line["level"]) == ("metrics", "info")
        assert "qupel_pipeline_runs" in scraped(line["url"])
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert [json.loads(line)["event"] for line in said.splitlines()][-1] == "worker stopped"
