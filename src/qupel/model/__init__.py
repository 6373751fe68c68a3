"""The nouns: models, QUBOs, Ising models, samples."""

from qupel.model.bits import bits_of, index_of
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.expression import Constraint, Expression, Variables, bits, integers
from qupel.model.gate import Angle, Gate
from qupel.model.ising import Ising
from qupel.model.model import Model
from qupel.model.money import Money
from qupel.model.pauli import MeasuredTogether, PauliSum
from qupel.model.qubo import Qubo
from qupel.model.quota import Quota
from qupel.model.samples import Outcome, Samples

__all__ = [
    "Angle",
    "Circuit",
    "Constraint",
    "Evidence",
    "Expression",
    "Gate",
    "Ising",
    "MeasuredTogether",
    "Model",
    "Money",
    "Outcome",
    "PauliSum",
    "Qubo",
    "Quota",
    "Samples",
    "Variables",
    "bits",
    "bits_of",
    "index_of",
    "integers",
]
