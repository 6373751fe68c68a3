"""Scenarios, grouped by idea."""
