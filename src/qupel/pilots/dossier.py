"""The dossier of a finished pilot: all that its memo shows, as plain files in one folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from qupel.benchmarks.comparison import Comparison
from qupel.errors import NotReadyError
from qupel.pilots.pilot import Finished
from qupel.reports.memo import Brief, Picture, memo
from qupel.reports.page import to_html, to_pdf
from qupel.runs.record import Record
from qupel.runs.store import Store


@dataclass(frozen=True, slots=True)
class Dossier:
    """What a memo is drawn from; it survives the pilot file and its data."""

    brief: Brief
    comparison: Comparison
    pictures: tuple[Picture, ...]

    @classmethod
    def of(cls, finished: Finished) -> Self:
        """Return the dossier of a pilot that has just run."""
        charter, lock = finished.prepared.charter, finished.lock
        seconds = sum(record.end_to_end for record in finished.records)
        path = finished.prepared.path
        return cls(
            Brief(
                title=charter.name.replace("-", " ").capitalize(),
                decision=charter.decision,
                owner=charter.owner,
                approved_by=charter.approved_by,
                hypothesis=charter.hypothesis,
                bottleneck=charter.bottleneck.what,
                share=charter.bottleneck.share,
                role=charter.role,
                fallback=f"“{charter.fallback.solver}” answers within "
                f"{charter.fallback.seconds:g} s when an arm fails, is killed, or returns "
                f"something infeasible. {_fallbacks(finished)}",
                stop_rule=charter.stop_rule.when,
                engineering_metric=charter.engineering_metric,
                expected_effect=charter.expected_effect,
                created=lock.created,
                charter_hash=lock.charter_hash,
                amendments=lock.amendments,
                hours=seconds / 3600,
                complete=finished.complete,
                written=datetime.now(UTC).isoformat(timespec="seconds"),
                commands=(f"qupel run {path}", f"qupel report {charter.name}"),
            ),
            finished.comparison,
            tuple(_pictures(finished)),
        )

    def write(self, folder: Path) -> None:
        """Write the dossier into a folder, made if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, document in (
            ("brief", asdict(self.brief)),
            ("comparison", self.comparison.to_json()),
            ("pictures", [asdict(picture) for picture in self.pictures]),
        ):
            (folder / f"{name}.json").write_text(json.dumps(document, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote; `NotReadyError` if it is not there."""
        try:
            brief, comparison, pictures = (
                json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
                for name in ("brief", "comparison", "pictures")
            )
        except (OSError, json.JSONDecodeError) as error:
            raise NotReadyError(
                f"{folder}: holds no finished pilot; run or resume it first"
            ) from error
        try:
            for name in ("amendments", "commands"):
                brief[name] = tuple(brief[name])
            return cls(
                Brief(**brief),
                Comparison.from_json(comparison),
                tuple(Picture(**picture) for picture in pictures),
            )
        except (LookupError, TypeError, ValueError) as error:
            raise NotReadyError(
                f"{folder}: was written by another version of Qupel; run or resume the pilot, "
                f"which runs no finished cell of this version again"
            ) from error

    def html(self) -> str:
        """The memo as one self-contained page."""
        return to_html(memo(self.brief, self.comparison, self.pictures))

    def pdf(self) -> bytes:
        """The memo as PDF; needs the extra ``report``."""
        return to_pdf(self.html())


def folder_of(store: Store, pilot: str) -> Path:
    """Where the dossier of a pilot lies."""
    return store.path.parent / "pilots" / pilot


def _fallbacks(finished: Finished) -> str:
    answered = sum(record.answered_by == "fallback" for record in finished.records)
    if not answered:
        return "It was never needed in this trial."
    return f"It answered {answered} of {len(finished.records)} runs of this trial."


def _pictures(finished: Finished) -> list[Picture]:
    """The answers to the first case of the arm to run now, and of the candidate."""
    if not finished.records:
        return []
    verdict, cases = finished.comparison.verdict, finished.prepared.cases.compared
    case, problem = next(iter(cases.items()))
    found = []
    arms = (verdict.run_now or finished.records[0].arm, verdict.candidate)
    for arm in dict.fromkeys(name for name in arms if name):
        own = [r for r in finished.records if (r.arm, r.case) == (arm, case) and r.feasible]
        if not own:
            continue
        best = _best(own, problem.sense)
        spec = problem.chart(problem.read_answer(best.solution))
        unit = finished.comparison.kpi.unit
        caption = f"Case {case}, arm “{arm}”, seed {best.seed}: {best.objective:.6g} {unit}."
        found.append(Picture(spec, caption))
    return found


def _best(records: list[Record], sense: Any) -> Record:
    sign = 1.0 if sense == "min" else -1.0
    return min(records, key=lambda record: sign * float(record.objective or 0.0))
