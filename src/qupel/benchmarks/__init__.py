"""Benchmarks: arms, metrics, statistics and the verdict."""

from qupel.benchmarks.arms import PLACEBOS, SAMPLER, UNIFORM, Arm, Kind, Tuning
from qupel.benchmarks.compare import compare
from qupel.benchmarks.comparison import Comparison
from qupel.benchmarks.conclusions import Advantage, Decision, Verdict
from qupel.benchmarks.figures import Reference
from qupel.benchmarks.money import Prices, Worth
from qupel.benchmarks.power import cases_needed, power
from qupel.benchmarks.rule import Kpi, Measure, Rule

__all__ = [
    "PLACEBOS",
    "SAMPLER",
    "UNIFORM",
    "Advantage",
    "Arm",
    "Comparison",
    "Decision",
    "Kind",
    "Kpi",
    "Measure",
    "Prices",
    "Reference",
    "Rule",
    "Tuning",
    "Verdict",
    "Worth",
    "cases_needed",
    "compare",
    "power",
]
