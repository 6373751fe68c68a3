"""How near a device's readings would come to the ideal ones, by simulating its noise exactly."""

from __future__ import annotations

import numpy as np

from qupel.backends.catalogue.profile import DeviceProfile
from qupel.backends.compiling import compile_circuit
from qupel.backends.noise import idled, noise_model
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.simulators.density import DensityMatrix
from qupel.simulators.statevector import StateVector

#: Most qubits that a compiled circuit may touch: a density matrix of 4^10 numbers.
MOST_QUBITS = 10


def simulated_fidelity(circuit: Circuit, profile: DeviceProfile) -> float:
    """Hellinger fidelity of the noisy readings of a circuit with the ideal ones.

    The circuit is compiled for the device and run as a density matrix under the noise of its
    profile, waiting and misreading included: ``(sum_x sqrt(p(x) q(x)))^2``, from 0 to 1. It is not
    below the chance of a shot without an error, since some errors do not show.

    Raises
    ------
    InputError
        If the profile is of no gate device, or the compiled circuit touches more than ten qubits.
    """
    if profile.times is None:
        raise InputError(f"profile {profile.name!r} has no gate times, so no noise is simulated")
    small, used = compile_circuit(circuit, profile).compact()
    if len(used) > MOST_QUBITS:
        raise InputError(
            f"{len(used)} qubits of {profile.name} are used; up to {MOST_QUBITS} are simulated "
            "with noise"
        )
    noisy = DensityMatrix(noise_model(profile)).probabilities(idled(small, profile.times))
    ideal = StateVector().probabilities(circuit)
    return float(np.sqrt(np.clip(noisy, 0, None) * ideal).sum() ** 2)
