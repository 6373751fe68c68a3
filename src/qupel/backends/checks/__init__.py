"""Checks of a device: its bit order, its steadiness, its likeness to a model, its release."""
