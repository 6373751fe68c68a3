"""Whether arms may be compared at all: same data, budgets, tuning, machine; strong baselines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from qupel.benchmarks.arms import PLACEBOS, placebos_of
from qupel.benchmarks.conclusions import Comparability
from qupel.benchmarks.figures import Reference
from qupel.benchmarks.rule import Kpi
from qupel.benchmarks.summary import overran
from qupel.benchmarks.table import Table, beats, has_answered, objective_of
from qupel.runs.record import Record

TOLERANCE = 0.02
"""Relative difference up to which budgets are equal."""


def check(
    table: Table, *, baselines: Sequence[str], references: Mapping[str, Reference]
) -> Comparability:
    """Look for everything that makes a comparison unfair."""
    records = [record for arm in table.arms for record in table.of_arm(arm.name)]
    return Comparability(
        violations=(
            *_data(records),
            *_missing_cells(table),
            *_budgets(table),
            *_tuning(table),
            *_machines(records),
            *_references(records, references, table.kpi),
        ),
        blockers=(*_baselines(table, baselines), *_placebos(table)),
        cautions=tuple(_cautions(table, records)),
    )


def _data(records: Iterable[Record]) -> Iterator[str]:
    """Every arm saw the same data in a case, and every case is another instance."""
    hashes = defaultdict(set)
    families = set()
    for record in records:
        hashes[record.case].add(record.problem_hash)
        families.add(record.family)
    if len(families) > 1:
        yield f"records of several families: {_listed(families)}"
    cases = defaultdict(list)
    for case, found in sorted(hashes.items()):
        if len(found) > 1:
            yield f"case {case}: arms saw different data, problem hashes {_listed(found)}"
        cases[min(found)].append(case)
    for same in cases.values():
        if len(same) > 1:
            yield f"cases {_listed(same)} are one instance by content; it must count once"


def _missing_cells(table: Table) -> Iterator[str]:
    """Every arm ran every case with the same seeds, once."""
    for case in table.cases:
        seeds = {
            arm.name: [record.seed for record in table.runs.get((arm.name, case.name), ())]
            for arm in table.arms
        }
        everyone = {seed for found in seeds.values() for seed in found}
        for arm, found in seeds.items():
            if missing := sorted(everyone - set(found)):
                yield f"arm {arm} has no run of case {case.name} with seed {_listed(missing)}"
            if len(found) > len(set(found)):
                twice = {seed for seed in found if found.count(seed) > 1}
                yield f"arm {arm} has several runs of case {case.name} with seed {_listed(twice)}"
    if len({len(table.runs.get((table.arms[0].name, c.name), ())) for c in table.cases}) > 1:
        yield "cases have different numbers of seeds"


def _budgets(table: Table) -> Iterator[str]:
    """Every arm was granted the same end-to-end seconds in a case, and kept to them."""
    for case in table.cases:
        granted = {
            arm.name: record.budget
            for arm in table.arms
            for record in table.runs.get((arm.name, case.name), ())
        }
        if granted and max(granted.values()) > (1 + TOLERANCE) * min(granted.values()):
            most, least = max(granted, key=granted.__getitem__), min(granted, key=granted.get)  # type: ignore[arg-type]
            yield (
                f"case {case.name}: arm {most} had {granted[most]:g} s, "
                f"arm {least} {granted[least]:g} s"
            )
    for arm in table.arms:
        records = table.of_arm(arm.name)
        allowed = sum(record.budget for record in records)
        used = sum(record.end_to_end for record in records)
        if allowed and used > (1 + TOLERANCE) * allowed + 0.05 * len(records):
            yield f"arm {arm.name} used {used / allowed:.0%} of its end-to-end budget"


def _tuning(table: Table) -> Iterator[str]:
    """Arms that are tuned had the same allowance, and tuned on other runs than these."""
    tuned = [arm for arm in table.arms if not arm.placebo_of and not arm.tuning.exempt]
    if tuned:
        first, *others = tuned
        for arm in others:
            if arm.tuning.trials != first.tuning.trials:
                yield (
                    f"arm {arm.name} could try {arm.tuning.trials} settings, "
                    f"arm {first.name} {first.tuning.trials}"
                )
            seconds = sorted((arm.tuning.seconds, first.tuning.seconds))
            if seconds[1] > (1 + TOLERANCE) * seconds[0]:
                yield (
                    f"arm {arm.name} had {arm.tuning.seconds:g} s of tuning, "
                    f"arm {first.name} {first.tuning.seconds:g} s"
                )
    names = {case.problem_hash: case.name for case in table.cases}
    compared = {(r.problem_hash, r.seed) for arm in table.arms for r in table.of_arm(arm.name)}
    for arm in table.arms:
        leaks = {names.get(known, known) for known, seed in arm.tuning.cells} & {
            names.get(known, known) for known, seed in arm.tuning.cells if (known, seed) in compared
        }
        if leaks:
            yield f"arm {arm.name} was tuned on runs of this comparison: case {_listed(leaks)}"


def _machines(records: Sequence[Record]) -> Iterator[str]:
    """Every run was made on the same machine with the same versions."""
    for what, documents in (
        ("platform", [record.platform for record in records]),
        ("versions", [record.versions for record in records]),
    ):
        keys = sorted({key for document in documents for key in document})
        for key in keys:
            values = {document[key] for document in documents if key in document}
            if len(values) > 1:
                yield f"{what} differ: {key} is {_listed(values)}"
    revisions = {record.revision for record in records}
    if len(revisions) > 1:
        yield f"runs were made at different revisions: {_listed(revisions)}"


def _references(
    records: Iterable[Record], references: Mapping[str, Reference], kpi: Kpi
) -> Iterator[str]:
    """No answer is better than a proved optimum: then the data or the judge differ."""
    for case in sorted({r.case for r in records} & references.keys()):
        given = references[case]
        for record in records:
            value = objective_of(record)
            if (
                record.case == case
                and given.proved
                and value is not None
                and beats(value, given.value, kpi)
            ):
                yield (
                    f"case {case}: arm {record.arm} has {value:g}, better than the proved "
                    f"optimum {given.value:g} of {given.source}; data and reference differ"
                )
                break


def _baselines(table: Table, baselines: Sequence[str]) -> Iterator[str]:
    """A strong classical solver of the family ran, and answered."""
    classical = [arm for arm in table.arms if arm.is_classical]
    if not classical:
        yield "there is no classical arm to compare with"
        return
    strong = [arm for arm in classical if arm.solvers & set(baselines)]
    if baselines and not strong:
        ran = {arm.solver.get("name", arm.name) for arm in classical}
        yield (
            f"no strong baseline: one of {_listed(baselines)} must run; "
            f"the classical arms use {_listed(ran)}"
        )
        return
    required = strong if baselines else classical
    if not any(has_answered(r) for arm in required for r in table.of_arm(arm.name)):
        yield f"no strong baseline ever answered: {_listed(arm.name for arm in required)}"


def _placebos(table: Table) -> Iterator[str]:
    """There is a candidate, and each is run beside both its placebos."""
    candidates = [arm for arm in table.arms if arm.has_quantum_step]
    if not candidates:
        yield "no arm has a quantum step, so there is nothing to judge"
    for arm in candidates:
        present = placebos_of(arm, table.arms)
        for kind in PLACEBOS:
            if kind not in present:
                yield f"arm {arm.name} has a quantum step but no {kind} placebo"
    names = {arm.name for arm in table.arms}
    for arm in table.arms:
        if arm.placebo_of and arm.placebo_of not in names:
            yield f"placebo {arm.name} mirrors {arm.placebo_of}, which is not an arm"


def _cautions(table: Table, records: Sequence[Record]) -> Iterator[str]:
    """What a reader should know though it stops nothing."""
    if any(record.revision.endswith("+dirty") for record in records):
        yield "the code had changes that no revision holds, so the runs cannot be repeated exactly"
    hashes = {case.problem_hash: case.name for case in table.cases}
    for arm in table.arms:
        runs = table.of_arm(arm.name)
        if late := sum(map(overran, runs)):
            yield f"arm {arm.name} overran its budget in {late} of {len(runs)} runs"
        fallbacks = sum(record.answered_by == "fallback" for record in runs)
        if fallbacks:
            yield f"the fallback answered {fallbacks} runs of arm {arm.name}; they count as failed"
        seen = {hashes[known] for known, _ in arm.tuning.cells if known in hashes}
        if seen:
            yield f"arm {arm.name} was tuned on compared instances (other seeds): {_listed(seen)}"
    if not any(arm.tuning.trials or arm.tuning.exempt for arm in table.arms if arm.is_classical):
        yield "no classical arm was tuned"
    for case in table.cases:
        if case.reference is None:
            yield f"case {case.name}: no arm answered and no reference is known"
        if case.improved_by:
            yield (
                f"case {case.name}: {_listed(case.improved_by)} beat the best known value; "
                "gaps are measured from the new one"
            )
    if all(
        case.reference and case.reference.source.startswith("best of this") for case in table.cases
    ):
        yield "no best known values were given: gaps are to the best of this comparison"


def _listed(values: Iterable[Hashable]) -> str:
    """Values in order, the first eight of them."""
    names = sorted({str(value) for value in values})
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
