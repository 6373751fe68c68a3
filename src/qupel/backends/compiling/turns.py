"""Turns of one qubit in native gates, by Euler angles."""

from __future__ import annotations

import cmath
import math
from typing import Any

#: Below this an angle is nothing.
NOTHING = 1e-12

Step = tuple[str, tuple[float, ...]]
#: A matrix of two rows, one after the other: numbers of Python are quicker here than arrays.
Matrix = tuple[complex, complex, complex, complex]


def flat(matrix: Any) -> Matrix:
    """A turn's matrix as plain numbers."""
    a, b, c, d = matrix.ravel().tolist()
    return complex(a), complex(b), complex(c), complex(d)


def product(after: Matrix, before: Matrix) -> Matrix:
    """The two turns as one."""
    a, b, c, d = after
    e, f, g, h = before
    return a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h


def around_z(angle: float) -> Matrix:
    """``Rz(angle)``."""
    half = cmath.exp(0.5j * angle)
    return half.conjugate(), 0j, 0j, half


def euler(matrix: Matrix) -> tuple[float, float, float]:
    """``theta, phi, lam`` with ``matrix = phase Rz(phi) Ry(theta) Rz(lam)``."""
    m00, m01, m10, m11 = matrix
    theta = 2 * math.atan2(abs(m10), abs(m00))
    if abs(m10) < NOTHING:
        return 0.0, cmath.phase(m11 * m00.conjugate()), 0.0
    if abs(m00) < NOTHING:
        return math.pi, cmath.phase(-m10 * m01.conjugate()), 0.0
    total = cmath.phase(m11 * m00.conjugate())
    phi = cmath.phase(m10 * m00.conjugate())
    return theta, phi, total - phi


def written(matrix: Matrix, way: str, flips: bool, free: bool = False) -> tuple[list[Step], float]:
    """Native gates for a turn, and the angle of the ``rz`` that is to follow them.

    The last ``rz`` stays apart, as it can often be moved on to the next turn. With virtual Z it
    costs no time anyway: McKay et al. (2017), doi:10.1103/PhysRevA.96.022330, equations 12 to 15.

    Parameters
    ----------
    matrix
        Unitary.
    way
        ``sx``, ``rx``, ``ry`` or ``u``; see `qupel.backends.compiling.target`.
    flips
        Whether there is an ``x`` gate.
    free
        Whether there is an ``rx`` of any angle beside ``sx``.
    """
    theta, phi, lam = euler(matrix)
    if theta < NOTHING:
        return [], _near(phi + lam)
    if way == "u":
        return [("u", (theta, 0.0, _near(lam)))], _near(phi)
    if way == "ry":
        return [*_rz(lam), ("ry", (theta,))], _near(phi)
    if way == "rx":
        return [*_rz(lam - math.pi / 2), ("rx", (theta,))], _near(phi + math.pi / 2)
    if flips and math.pi - theta < NOTHING:
        return [("x", ())], _near(phi - lam - math.pi)
    if abs(theta - math.pi / 2) < NOTHING:
        return [*_rz(lam - math.pi / 2), ("sx", ())], _near(phi + math.pi / 2)
    if free:
        return [*_rz(lam - math.pi / 2), ("rx", (theta,))], _near(phi + math.pi / 2)
    middle = [("sx", ()), *_rz(theta + math.pi), ("sx", ())]
    return [*_rz(lam), *middle], _near(phi + math.pi)


def rz(angle: float, way: str) -> list[Step]:
    """A turn around Z alone, which is nothing for nothing."""
    if abs(_near(angle)) < NOTHING:
        return []
    return [("u", (0.0, 0.0, _near(angle)))] if way == "u" else [("rz", (_near(angle),))]


def _rz(angle: float) -> list[Step]:
    return rz(angle, "rz")


def _near(angle: float) -> float:
    return math.remainder(angle, 2 * math.pi)
