"""Simulators: what a quantum computer would do, computed."""

from qupel.simulators.feature_maps import (
    AngleMap,
    FeatureMap,
    HardwareEfficientMap,
    IqpMap,
    ZZMap,
)
from qupel.simulators.multi_angle import MultiAngleQaoa
from qupel.simulators.nystrom import NystromFeatures, nystrom_features
from qupel.simulators.qaoa import Mixer, Precision, Qaoa
from qupel.simulators.quantum_kernel import KernelEstimate, QuantumKernel, regularised

__all__ = [
    "AngleMap",
    "FeatureMap",
    "HardwareEfficientMap",
    "IqpMap",
    "KernelEstimate",
    "Mixer",
    "MultiAngleQaoa",
    "NystromFeatures",
    "Precision",
    "Qaoa",
    "QuantumKernel",
    "ZZMap",
    "nystrom_features",
    "regularised",
]
