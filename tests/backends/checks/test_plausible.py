from __future__ import annotations

from dataclasses import replace

import pytest

from qupel.backends import local
from qupel.backends.checks.direct import Direct
from qupel.backends.checks.plausible import implausible, most_failures
from qupel.backends.checks.smoke import SmokeRun, run_smoke, smoke_circuits
from qupel.model.evidence import Evidence

CIRCUITS = smoke_circuits(3)
CHIP = "modelled-ibm-heron-r2"


def test_a_device_as_its_profile_tells_is_plausible() -> None:
    device = local.open(CHIP)
    run = run_smoke(Direct(device), CIRCUITS, shots=500, at=0.0, seed=3)
    assert list(implausible([run], most_failures(CIRCUITS, device.capabilities()))) == []


@pytest.mark.parametrize("profile", ["ibm-heron-r2", "", "no-such-profile"])
def test_half_of_the_shots_wrong_is_implausible_with_a_profile_and_without(profile: str) -> None:
    limits = replace(local.open(CHIP).capabilities(), profile=profile, evidence=Evidence.HARDWARE)
    run = SmokeRun(7.0, 200, {"single": 2, "ghz": 100, "mirror": 2})
    [found] = implausible([run], most_failures(CIRCUITS, limits))
    assert (found.name, found.at, found.share) == ("ghz", 7.0, 0.5)


def test_a_noiseless_device_fails_never() -> None:
    most = most_failures(CIRCUITS, local.open("statevector").capabilities())
    assert set(most.values()) == {0.0}
    [found] = implausible([SmokeRun(0.0, 200, {"single": 1, "ghz": 0, "mirror": 0})], most)
    assert found.name == "single"
