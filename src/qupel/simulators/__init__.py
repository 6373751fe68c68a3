"""Simulators: what a quantum computer would do, computed."""

from qupel.simulators.counts import Counts
from qupel.simulators.density import DensityMatrix
from qupel.simulators.estimation import Estimate, estimate
from qupel.simulators.feature_maps import (
    AngleMap,
    FeatureMap,
    HardwareEfficientMap,
    IqpMap,
    ZZMap,
)
from qupel.simulators.gradients import ShiftGradient, adjoint_gradient, parameter_shift
from qupel.simulators.multi_angle import MultiAngleQaoa
from qupel.simulators.noise import Channel, NoiseModel, Readout, Rule
from qupel.simulators.nystrom import NystromFeatures, nystrom_features
from qupel.simulators.qaoa import Mixer, Precision, Qaoa
from qupel.simulators.quantum_kernel import KernelEstimate, QuantumKernel, regularised
from qupel.simulators.statevector import StateVector
from qupel.simulators.trajectories import Trajectories

__all__ = [
    "AngleMap",
    "Channel",
    "Counts",
    "DensityMatrix",
    "Estimate",
    "FeatureMap",
    "HardwareEfficientMap",
    "IqpMap",
    "KernelEstimate",
    "Mixer",
    "MultiAngleQaoa",
    "NoiseModel",
    "NystromFeatures",
    "Precision",
    "Qaoa",
    "QuantumKernel",
    "Readout",
    "Rule",
    "ShiftGradient",
    "StateVector",
    "Trajectories",
    "ZZMap",
    "adjoint_gradient",
    "estimate",
    "nystrom_features",
    "parameter_shift",
    "regularised",
]
