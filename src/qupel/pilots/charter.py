"""The charter: what a pilot decides, by what rule, fixed before any result is seen."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Positive = Annotated[float, Field(gt=0)]
Percent = Annotated[float, Field(ge=0, le=100)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]*$", max_length=40)]
ArmKind = Literal["status quo", "classical", "inspired", "quantum", "hybrid"]

#: Seeds of a pilot lie below; those of tuning, shifted upwards, then still fit a task.
LARGEST_SEED = 2**40


class Part(BaseModel):
    """A part of a charter: fixed once read, with no field the schema does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Bottleneck(Part):
    """The step of today's pipeline that is to become better."""

    what: Text = Field(description="The step, in the words of the people who run it.")
    share: float = Field(
        gt=0, le=1, description="Its share of the pipeline's time or cost, above 0 up to 1."
    )


class Kpi(Part):
    """The one number the decision is judged by."""

    name: Text = Field(description="What the number is called where the decision is made.")
    unit: Text = Field(description="Unit of the judge's objective, such as km, min or EUR.")
    direction: Literal["min", "max"] = Field(description="Whether small or large is better.")
    margin: Positive = Field(
        le=100, description="Smallest improvement worth acting on, in percent of the baseline."
    )
    value_per_percent: float | None = Field(
        default=None, ge=0, description="Money one percent is worth a run; for the net value."
    )


class Data(Part):
    """Where the cases come from: exactly one of the four sources."""

    files: list[Text] | None = Field(
        default=None, min_length=1, description="Instance files or patterns beside the pilot file."
    )
    random: dict[str, int] | None = Field(
        default=None, description="Sizes for the family's generator, with `count` and `seed`."
    )
    table: dict[str, Any] | None = Field(
        default=None,
        description="A CSV of samples for feature subsets: path, target, size, folds.",
    )
    python: Text | None = Field(
        default=None, description="`file.py:function` that returns problems by case name."
    )
    tuning: list[Text] | None = Field(
        default=None, description="Instance files or patterns kept for tuning alone."
    )
    best_known: dict[str, float] = Field(
        default_factory=dict, description="Best known KPI of a case, by case name."
    )
    tags: dict[str, list[str]] = Field(
        default_factory=dict, description="Tags of a case, by case name, for regions of advantage."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Data:
        given = [n for n in ("files", "random", "table", "python") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError(
                f"data needs exactly one of files, random, table, python; got {given or 'none'}"
            )
        return self


class Arm(Part):
    """One way to answer."""

    name: Name = Field(description="Unique; tables and charts show it.")
    kind: ArmKind = Field(description="What the arm counts as when it wins.")
    solver: Text = Field(description="A registered solver; `qupel solvers` lists them.")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="Fields of the solver; one that is a solver nests."
    )
    tune: dict[str, list[Any]] = Field(
        default_factory=dict, description="Values to try for each setting, on the tuning cases."
    )
    repair: bool | None = Field(
        default=None,
        description="Mend infeasible samples before judging; as a rule all arms but the status "
        "quo, which stands as it is.",
    )
    polish: bool = Field(
        default=False, description="Improve the best answer by the family's fast local moves."
    )

    @property
    def repairs(self) -> bool:
        """Whether its infeasible samples are mended."""
        return self.kind != "status quo" if self.repair is None else self.repair


class Budget(Part):
    """What every arm may use for one case: the same for all."""

    seconds: Positive = Field(description="End to end, from request to judged answer.")
    threads: int = Field(default=1, ge=1, description="Threads an arm may use.")


class Tuning(Part):
    """What every arm may use to be tuned: the same for all."""

    trials: int = Field(ge=1, description="Settings tried for each arm.")
    cases: int = Field(default=2, ge=1, description="Tuning cases, other than the compared ones.")
    seconds: Positive | None = Field(
        default=None, description="Seconds a trial; the budget's seconds if not given."
    )


class Contract(Part):
    """What a stage may be given and must give back."""

    input: dict[str, Any] | None = Field(
        default=None, description="JSON Schema (shape and ranges) of a case's document."
    )
    result: dict[str, Any] | None = Field(
        default=None, description="JSON Schema of an answer as plain data."
    )
    max_variables: int | None = Field(
        default=None, ge=1, description="Variables after encoding, for any solver."
    )
    max_qubits: int | None = Field(
        default=None, ge=1, description="Variables after encoding of a quantum step."
    )
    max_shots: int | None = Field(default=None, ge=1, description="Shots of a quantum step.")
    max_payload_bytes: int | None = Field(
        default=None, ge=1, description="Size of a case's document as JSON."
    )
    max_cost: float | None = Field(default=None, ge=0, description="Money a run may cost.")
    max_seconds: Positive | None = Field(
        default=None, description="Latest end-to-end time the consumer of the answer accepts."
    )


class Fallback(Part):
    """Who answers when the primary does not."""

    solver: Text = Field(description="A registered solver, best a deterministic one.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Fields of the solver.")
    seconds: Positive = Field(default=5.0, description="Its own budget, after the arm's.")


class StopRule(Part):
    """When the pilot ends, whatever it has shown by then."""

    when: Text = Field(description="The condition in one sentence, agreed before the run.")
    max_hours: Positive = Field(description="Wall-clock hours of running after which it ends.")


class Prices(Part):
    """What machines cost, for cost per run and per success."""

    currency: Text = Field(default="EUR", description="Code of the currency.")
    core_hour: float = Field(default=0.05, ge=0, description="A processor core for an hour.")
    shot: float = Field(default=0.0, ge=0, description="One shot on a device.")
    quantum_task: float = Field(default=0.0, ge=0, description="One job on a device.")
    quantum_second: float = Field(default=0.0, ge=0, description="One second on a device.")


class Gates(Part):
    """Thresholds beside the margin; all are fixed before results are seen."""

    level: float = Field(default=0.95, gt=0.5, lt=1, description="Confidence of intervals.")
    feasibility_loss: Percent = Field(
        default=2.0, description="Percentage points of feasible answers that may be lost."
    )
    max_cost_ratio: Positive = Field(
        default=1.5, description="Cost a run against the best classical arm, at most."
    )
    min_cases: int = Field(
        default=6, ge=6, description="Cases below which the evidence is insufficient."
    )
    success_gap: Percent = Field(
        default=0.1, description="Gap to the best known, in percent, that counts as success."
    )


class Charter(Part):
    """A pilot, in the order in which its owner should think about it."""

    qupel: Literal[1] = Field(description="Version of this format.")
    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60, description="Name its records go under."
    )
    decision: Text = Field(description="The recurring decision that is to become better.")
    owner: Text = Field(description="Who owns the decision.")
    readers: list[Text] | None = Field(
        default=None,
        description="People and roles who may read it beside its owner; all if left out.",
    )
    approved_by: Text = Field(description="Who accepted margin and gates before the run.")
    hypothesis: Text = Field(description="What the quantum step is expected to change, and why.")
    expected_effect: float = Field(
        description="Expected improvement over the baseline, in percent."
    )
    role: Literal["candidate generation", "scenario scoring", "subproblem optimisation"] = Field(
        description="The one job of the quantum step."
    )
    bottleneck: Bottleneck
    family: Text = Field(description="A registered family; `qupel families` lists them.")
    data: Data
    kpi: Kpi
    engineering_metric: Literal[
        "gap", "feasibility", "success", "tts99", "primal integral", "diversity"
    ] = Field(description="The second number, for the engineers.")
    contract: Contract
    arms: list[Arm] = Field(
        min_length=2, description="Ways to answer; Qupel adds the placebos of quantum ones."
    )
    budget: Budget
    tuning: Tuning
    seeds: list[int] = Field(min_length=1, description="Every arm runs every case with each.")
    gates: Gates = Gates()
    fallback: Fallback
    stop_rule: StopRule
    prices: Prices = Prices()

    @model_validator(mode="after")
    def _consistent(self) -> Charter:
        names = [arm.name for arm in self.arms]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"arm names must differ, {twice[0]!r} stands twice")
        if not any(arm.kind in ("status quo", "classical", "inspired") for arm in self.arms):
            raise ValueError(
                "a pilot without a baseline shows nothing; add an arm of kind status quo or "
                "classical"
            )
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds must differ from each other")
        for seed in self.seeds:
            if not 0 <= seed < LARGEST_SEED:
                raise ValueError(f"seeds are whole numbers from 0 to below 2**40, got {seed}")
        return self
