"""The log of a loop: every proposal, every shot, every cost; and the loop again from it alone.

A log is JSON lines. What was measured and what comes from outside (data, bills, names of jobs, the
baseline) can only be copied from it; everything else is computed again, so a replay that gives the
same bytes shows that the trajectory follows from the shots.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qupel.backends.contract import Reading, Result
from qupel.encodings.paths import encode
from qupel.errors import InputError
from qupel.model import Samples
from qupel.model.evidence import Evidence
from qupel.problems.contract import Judgement, Problem
from qupel.runs.description import family_from
from qupel.runs.difference import apart, differences
from qupel.runs.identity import digest, samples_digest
from qupel.runs.variational.loop import Loop
from qupel.solvers.quantum.variational import Course, Evaluation

#: Version of the log.
SCHEMA = 1
#: Best distinct rows of a trajectory that are written down, and that are decoded and judged.
CANDIDATES, JUDGED = 10, 32
#: What a backend tells of an evaluation; a replay can only copy it.
MEASURED = ("job", "provider_job", "device", "evidence", "calibration", "billed", "counts")


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A problem with its form, as a loop searches it."""

    problem: Problem[Any]
    form: Any
    back: Any

    @classmethod
    def of(cls, problem: Problem[Any], loop: Loop) -> Case:
        """Encode a problem for a loop's search."""
        solver = loop.solver
        encoded = encode(problem.form(), into=solver.accepts, keep_quotas=solver.keeps_quotas)
        return cls(problem, encoded.form, encoded.back)

    def judged(self, samples: Samples) -> tuple[Judgement | None, str]:
        """The judge's findings on the best answer among samples, and it as a solution file."""
        best: tuple[float, Judgement, Any] | None = None
        for row in self.back(samples.values[:JUDGED]):
            answer = self.problem.answer(row)
            for tried in (answer, self.problem.repair(answer)):
                found = self.problem.judge(tried)
                turn = 1.0 if self.problem.sense == "min" else -1.0
                rank = turn * found.objective
                if found.feasible and (best is None or rank < best[0]):
                    best = (rank, found, tried)
        return (None, "") if best is None else (best[1], self.problem.write_answer(best[2]))


def text_of(line: Mapping[str, Any]) -> str:
    """One line of a log."""
    return json.dumps(line, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"


def evaluation_line(
    run: str, asked: Evaluation, cost: float, measured: Mapping[str, Any]
) -> dict[str, Any]:
    """Line of one evaluation."""
    return {
        "run": run,
        "evaluation": asked.number,
        "angles": asked.angles.tolist(),
        "seed": asked.seed,
        "shots": asked.shots,
        "cost": cost,
        "digest": digest(measured["counts"]),
        **{name: measured[name] for name in MEASURED},
    }


def end_line(run: str, course: Course, case: Case) -> dict[str, Any]:
    """Line of the end of a trajectory: why, where it settled, and its candidates."""
    samples = course.samples()
    found, solution = case.judged(samples)
    bits = ((1 - samples.values) // 2).astype(np.uint8)
    rows = zip(
        bits[:CANDIDATES], samples.energies.tolist(), samples.occurrences.tolist(), strict=False
    )
    return {
        "run": run,
        "ended": course.why,
        "evaluations": len(course.costs),
        "shots": course.shots,
        "settled": course.settled.tolist(),
        "first_cost": course.costs[0],
        "cost": samples.facts["cost"],
        "samples": samples_digest(samples),
        "candidates": [
            {"bits": _word(row), "energy": energy, "times": times} for row, energy, times in rows
        ],
        "objective": None if found is None else float(found.objective),
        "feasible": found is not None,
        "solution": solution,
    }


def comparison_line(lines: list[dict[str, Any]], sense: str) -> dict[str, Any]:
    """Last line: the loop beside the classical baseline and the simulator."""
    [baseline] = [line["baseline"] for line in lines if "baseline" in line]
    ends = {line["run"]: line for line in lines if "ended" in line}
    found = {
        "baseline": baseline["objective"],
        **{run: line["objective"] for run, line in ends.items()},
    }
    mine = found["backend"]
    turn = 1.0 if sense == "min" else -1.0
    beaten = None
    if mine is not None and baseline["objective"] is not None:
        gain = turn * (baseline["objective"] - mine)
        beaten = "better" if gain > 0 else "equal" if gain == 0 else "worse"
    return {"comparison": {"sense": sense, "objectives": found, "loop_is": beaten}}


def counts_of(result: Result) -> dict[str, int]:
    """Shots of a result by their bits; the first character is variable 0."""
    [reading] = result.readings
    counts: dict[str, int] = {}
    for row, times in zip(reading.bits, reading.occurrences.tolist(), strict=True):
        word = _word(row)
        counts[word] = counts.get(word, 0) + times
    return counts


def result_of(line: Mapping[str, Any]) -> Result:
    """The result that a line of an evaluation holds."""
    words = sorted(line["counts"])
    bits = np.array([[int(char) for char in word] for word in words], np.uint8)
    occurrences = np.array([line["counts"][word] for word in words], np.int64)
    return Result(
        (Reading(bits, occurrences),),
        line["provider_job"],
        line["device"],
        Evidence(line["evidence"]),
        calibration=line["calibration"],
    )


@dataclass(frozen=True, slots=True)
class Replay:
    """A log done again.

    Attributes
    ----------
    text
        The log, computed from the shots of the first one.
    same
        Whether it is the same, byte for byte.
    difference
        Line, field and values of the first difference; empty if there is none.
    largest
        Largest difference of two numbers at the same place, relative to the larger but at
        least to 1; infinite where something else differs.
    end
        Line of the end of the trajectory on the backend.
    """

    text: str
    same: bool
    difference: str
    largest: float
    end: Mapping[str, Any]


def replay(text: str) -> Replay:
    """Do a loop again from its log alone: no backend, ledger, data file or solver is asked.

    Raises
    ------
    InputError
        If it is no log of this version, or is not whole.
    """
    logged = _lines(text)
    again = list(_again(logged))
    found = "".join(map(text_of, again))
    difference, largest = "", 0.0
    for number, (then, now) in enumerate(zip(logged, again, strict=True), 1):
        for place, old, new in differences(then, now):
            largest = max(largest, apart(old, new))
            difference = difference or f"line {number}, {place}: was {old!r:.60}, is {new!r:.60}"
    ends = [line for line in again if "ended" in line]
    same = hashlib.sha256(found.encode()).digest() == hashlib.sha256(text.encode()).digest()
    return Replay(found, same, difference, largest, ends[-1])


def _again(logged: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield every line, computed again as far as it can be."""
    head, loop = logged[0], Loop.of(logged[0]["loop"])
    held = head["problem"]
    case = Case.of(family_from(held["family"]).from_document(held["document"]), loop)
    made: list[dict[str, Any]] = [
        {
            **head,
            "problem_hash": digest(held["document"]),
            "version": loop.version(digest(held["document"])),
        },
        logged[1],
    ]
    yield from made
    places, course = {"simulator": loop.simulated, "backend": loop}, None
    for line in logged[2:]:
        if "comparison" in line:
            yield comparison_line(made, case.problem.sense)
            continue
        if course is None:
            course = places[line["run"]].solver.course(case.form, loop.seed)
        if "evaluation" in line:
            asked = course.asks()
            if asked is None:
                raise InputError(f"the log goes on after {course.why}; it is not of this loop")
            cost = course.tell(result_of(line))
            made.append(evaluation_line(line["run"], asked, cost, line))
        else:
            course.asks()  # it knows by itself why it ended, unless it was ended
            course.end(line["ended"])
            made.append(end_line(line["run"], course, case))
            course = None
        yield made[-1]


def _lines(text: str) -> list[dict[str, Any]]:
    try:
        lines = [json.loads(line) for line in text.splitlines()]
        whole = lines[0]["log"] == "variational" and lines[0]["schema"] == SCHEMA
    except (ValueError, LookupError, TypeError):
        whole = False
    if not whole:
        raise InputError(f"this is no log of a loop of version {SCHEMA}; see: qupel variational")
    if "comparison" not in lines[-1]:
        raise InputError("the log is not whole: the loop has not ended; run it again to go on")
    return lines


def _word(row: np.ndarray) -> str:
    return "".join(map(str, row.tolist()))
