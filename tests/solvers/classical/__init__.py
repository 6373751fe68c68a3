"""Tests of the classical solvers."""
