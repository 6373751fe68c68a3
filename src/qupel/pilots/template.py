"""The pilot file that `qupel init` writes: it runs as it is, on generated cases."""

from __future__ import annotations

from qupel.errors import unknown_name
from qupel.problems.registry import families

#: What differs from family to family: generator sizes, KPI, and arms that suit.
_PARTS: dict[str, dict[str, str]] = {
    "subset": {
        "sizes": "items: 24, size: 6",
        "kpi": "{name: objective, unit: points, direction: min, margin: 1.0}",
        "classical": "milp",
        "hybrid": "{size: 12}",
    },
    "maxcut": {
        "sizes": "nodes: 40",
        "kpi": "{name: cut weight, unit: weight, direction: max, margin: 1.0}",
        "classical": "tabu",
        "hybrid": "{size: 12}",
    },
    "qubo": {
        "sizes": "variables: 40",
        "kpi": "{name: energy, unit: energy, direction: min, margin: 1.0}",
        "classical": "tabu",
        "hybrid": "{size: 12}",
    },
    "mis": {
        "sizes": "size: 12, clique: 4",
        "kpi": "{name: chosen nodes, unit: nodes, direction: max, margin: 1.0}",
        "classical": "cpsat",
        "hybrid": "{size: 12}",
    },
    "jobshop": {
        "sizes": "jobs: 6, machines: 5",
        "kpi": "{name: makespan, unit: min, direction: min, margin: 1.0}",
        "classical": "cpsat",
        "hybrid": "{size: 10}",
    },
    "cvrp": {
        "sizes": "customers: 9",
        "kpi": "{name: distance, unit: km, direction: min, margin: 1.0}",
        "classical": "pyvrp",
        "hybrid": "{size: 12}",
    },
    "vrptw": {
        "sizes": "customers: 9",
        "kpi": "{name: distance, unit: km, direction: min, margin: 1.0}",
        "classical": "pyvrp",
        "hybrid": "{size: 12}",
    },
}

_TEXT = """\
# A pilot: everything that decides is fixed here before the first result is seen.
# Check it with `qupel validate`, run it with `qupel run`.
qupel: 1
name: {name}
decision: Say which recurring decision is to become better.
owner: Name the person who owns the decision.
approved_by: Name the person who accepts margin and gates.
hypothesis: Sampling hard subproblems with QAOA finds better answers than classical search.
expected_effect: 1.0            # percent over the baseline
role: subproblem optimisation   # or candidate generation, scenario scoring

bottleneck:
  what: Say which step of today's pipeline costs most.
  share: 0.5                    # of the pipeline's time or cost

family: {family}
data:                           # one of files, random, table, python
  random: {{count: 8, seed: 1, {sizes}}}
  # files: [instances/*.txt]

kpi: {kpi}                      # margin in percent
engineering_metric: gap

contract:                       # what a stage may be given, and must give back
  max_qubits: 24
  max_seconds: 5.0

arms:
  - {{name: as-is, kind: status quo, solver: greedy}}
  - {{name: {classical}, kind: classical, solver: {classical}}}
  - {{name: hybrid, kind: hybrid, solver: hybrid, settings: {hybrid}}}

budget: {{seconds: 1.0, threads: 1}}
tuning: {{trials: 2, cases: 2}}
seeds: [1, 2, 3]
gates: {{feasibility_loss: 2.0, max_cost_ratio: 1.5}}
fallback: {{solver: greedy, seconds: 5.0}}
stop_rule:
  when: All cells have run, or one hour has passed.
  max_hours: 1.0
"""


def pilot_text(family: str, name: str = "my-pilot") -> str:
    """Text of a pilot file for a family, ready to run on generated cases."""
    if family not in _PARTS:
        raise unknown_name("family", family, families())
    return _TEXT.format(family=family, name=name, **_PARTS[family])
