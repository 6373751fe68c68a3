"""A small device for tests."""

from datetime import date

from qupel.backends.catalogue.figures import Coherence, Fidelities, GateTimes
from qupel.backends.catalogue.lattices import Connectivity, Lattice
from qupel.backends.catalogue.profile import Availability, DeviceProfile, Modality, Runs

CHIP = DeviceProfile(
    name="chip",
    vendor="nobody",
    modality=Modality.SUPERCONDUCTING,
    runs=Runs.CIRCUIT,
    availability=Availability.PUBLIC,
    qubits=8,
    connectivity=Connectivity(Lattice.LINE, (8,)),
    max_shots=100_000,
    tier="hardware",
    source="made up for tests",
    checked=date(2025, 1, 1),
    expires=date(2099, 1, 1),
    native_gates=("rz", "sx", "x", "cz"),
    fidelities=Fidelities(0.9995, 0.994, false_one=0.01, false_zero=0.02),
    coherence=Coherence(150e-6, 100e-6),
    times=GateTimes(one_qubit=40e-9, two_qubit=100e-9, readout=1e-6, reset=100e-6),
)
